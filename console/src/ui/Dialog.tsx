import { type ReactNode, useId } from "react";

interface DialogProps {
  title: string;
  children: ReactNode;
  /** Called on Escape; without it the dialog stays. */
  onClose?: () => void;
}

function show(element: HTMLDialogElement | null): void {
  if (element && !element.open) element.showModal();
}

/** A modal dialog: the browser's own, which keeps the focus inside and the rest inert. */
export function Dialog({ title, children, onClose }: DialogProps) {
  const id = useId();
  return (
    <dialog
      ref={show}
      className="dialog"
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
    >
      <div className="stack">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}
