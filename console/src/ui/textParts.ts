// Reading the server's sentences: code in backticks.

export interface Part {
  text: string;
  code: boolean;
}

/** Splits at backticks; an odd number of them is no markup of ours. */
export function parts(text: string): Part[] {
  const pieces = text.split("`");
  if (pieces.length % 2 === 0) return [{ text, code: false }];
  return pieces.map((piece, index) => ({ text: piece, code: index % 2 === 1 })).filter((part) => part.text !== "");
}

/** An address that a link may lead to: https anywhere, http on this machine. */
export function safeLink(text: string | null | undefined): string | undefined {
  if (!text || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const local = url.hostname === "localhost" || url.hostname === "[::1]" || /^127(\.\d+){3}$/.test(url.hostname);
  return url.protocol === "https:" || (url.protocol === "http:" && local) ? url.href : undefined;
}
