// From a step of the drawing to what it did.

/** Opens the last line of a step in the list and goes there. */
export function showStep(reference: string): void {
  const lines = document.querySelectorAll<HTMLDetailsElement>(`details[data-step="${CSS.escape(reference)}"]`);
  const line = [...lines].at(-1);
  if (!line) return;
  line.open = true;
  line.querySelector("summary")?.focus();
}
