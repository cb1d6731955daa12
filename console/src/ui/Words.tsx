import { parts } from "./textParts";

/** A sentence in which what stands in backticks is set as code. Always text, never markup. */
export function Words({ text }: { text: string }) {
  return (
    <bdi>
      {parts(text).map((part, index) => (part.code ? <code key={index}>{part.text}</code> : part.text))}
    </bdi>
  );
}
