// What stands in the way of leaving a page: work on it that is not saved. A page says so while it is shown; links and signing
// out ask here before they go. (Going back can't be held up: the browser has gone when it tells.)

export interface Work {
  unsaved: () => boolean;
  /** Asks the person, and calls `go` if they want to leave. */
  ask: (go: () => void) => void;
}

let shown: Work | undefined;

/** Says that this work is on the page; what it gives back takes that away again. */
export function holdUp(work: Work): () => void {
  shown = work;
  return () => {
    if (shown === work) shown = undefined;
  };
}

/** Goes, unless there is unsaved work on the page: then its page asks first. */
export function leave(go: () => void): void {
  if (shown?.unsaved()) shown.ask(go);
  else go();
}
