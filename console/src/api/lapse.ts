// Whether the server has said that the session is over. Not server data: a fact about this tab, kept
// outside React because the client notices it.

type Listener = () => void;

const listeners = new Set<Listener>();
let lapsed = false;

export const sessionLapsed = {
  get: (): boolean => lapsed,
  set(value: boolean): void {
    if (lapsed === value) return;
    lapsed = value;
    for (const listener of listeners) listener();
  },
  subscribe(listener: Listener): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
