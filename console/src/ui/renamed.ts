// A page that gets another address, such as a new flow's once it is saved, stays the page that it is: what has the focus, what is
// open and what is typed stay. The history's state tells that the address is the same page's.

const WAS = "was";

/** How to go to the new address of the page that is at `from`. */
export function renaming(from: string): { replace: true; state: Record<string, string> } {
  return { replace: true, state: { [WAS]: from } };
}

/** Which page is shown, counted: the number changes when another one is come to. */
export interface Shown {
  address: string;
  page: number;
}

/** What is shown at an address that was come to with this state of the history. */
export function nextShown(shown: Shown, address: string, state: unknown): Shown {
  if (address === shown.address) return shown;
  const same = typeof state === "object" && state !== null && WAS in state && state[WAS] === shown.address;
  return { address, page: same ? shown.page : shown.page + 1 };
}
