import type { ButtonHTMLAttributes, MouseEvent, ReactNode } from "react";
import { Link } from "wouter";
import { Icon, type IconName } from "./Icon";

type Variant = "primary" | "secondary" | "danger" | "quiet";

interface Looks {
  variant?: Variant;
  size?: "normal" | "small";
  icon?: IconName;
  children: ReactNode;
}

function className(variant: Variant = "secondary", size: "normal" | "small" = "normal"): string {
  return `button button-${variant}${size === "small" ? " button-small" : ""}`;
}

interface ButtonProps extends Looks, Omit<ButtonHTMLAttributes<HTMLButtonElement>, "className" | "children"> {
  busy?: boolean;
}

/** While it can't be pressed it can still be reached: a button that the browser disables loses the focus, and who uses keys their place. */
export function Button({ variant, size, icon, busy = false, disabled = false, children, type = "button", onClick, ...rest }: ButtonProps) {
  const off = disabled || busy;
  // a submit button that is prevented also stops Enter in a field
  const press = (event: MouseEvent<HTMLButtonElement>) => (off ? event.preventDefault() : onClick?.(event));
  return (
    <button {...rest} type={type} className={className(variant, size)} aria-disabled={off || undefined} aria-busy={busy} onClick={press}>
      {busy ? <span className="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** A link to another page of the console that looks like a button. */
export function ButtonLink({ to, variant, size, icon, children }: Looks & { to: string }) {
  return (
    <Link href={to} className={className(variant, size)}>
      {icon && <Icon name={icon} />}
      {children}
    </Link>
  );
}

/** A link that leaves the console, in a tab of its own that knows nothing of this one. */
export function OutsideLink({ to, variant, size, children }: Looks & { to: string }) {
  return (
    <a href={to} target="_blank" rel="noopener noreferrer" className={className(variant, size)}>
      <Icon name="open" />
      {children}
    </a>
  );
}

/** A link to a document of the server that is saved as a file. */
export function DownloadLink({ to, file, variant, size, children }: Omit<Looks, "icon"> & { to: string; file: string }) {
  return (
    <a href={to} download={file} className={className(variant, size)}>
      <Icon name="down" />
      {children}
    </a>
  );
}
