import { useState } from "react";
import { common } from "../texts/common";
import { Button } from "./Button";

type Outcome = "none" | "copied" | "failed";

/** Copies a text. Where the clipboard is out of reach it says so. */
export function CopyButton({ text, label, what }: { text: string; label?: string; what?: string }) {
  const [outcome, setOutcome] = useState<Outcome>("none");
  const copy = async () => {
    const copied = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
    setOutcome(copied ? "copied" : "failed");
  };
  const words = { none: label ?? common.copy, copied: common.copied, failed: common.copyFailed }[outcome];
  return (
    <Button size="small" icon={outcome === "copied" ? "check" : "copy"} onClick={copy} onBlur={() => setOutcome("none")} aria-label={what && `${words}: ${what}`} aria-live="polite">
      {words}
    </Button>
  );
}

/** A text that is made to be copied. */
export function Copyable({ text, what }: { text: string; what: string }) {
  return (
    <div className="copyable">
      <bdi className="copyable-text">{text}</bdi>
      <CopyButton text={text} what={what} />
    </div>
  );
}
