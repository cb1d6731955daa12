// A flow's text, parsed with the place of every part. The text is the truth; nothing here changes it.

import { type CST, Composer, type Document, LineCounter, type Node, type Pair, Parser, type Scalar, type YAMLMap, type YAMLSeq, isAlias, isMap, isPair, isScalar, isSeq, parseDocument } from "yaml";
import { canvas } from "../../texts/canvas";

/** As deep as the server reads; what is deeper is drawn nowhere. */
const DEPTH = 64;

/** A way into a document: keys of maps, places in lists. */
export type Path = readonly (string | number)[];

/** What keeps a text from being a document. */
export interface SourceFault {
  message: string;
  line: number;
  column: number;
}

export interface Parsed {
  text: string;
  document: Document.Parsed;
  lines: LineCounter;
  /** As JSON has it; `undefined` while there are faults. */
  value: unknown;
  faults: SourceFault[];
}

/** The texts that were parsed last: each is asked for by many. */
const known: Parsed[] = [];
const MOST_KNOWN = 6;

export function parse(text: string): Parsed {
  const found = known.find((parsed) => parsed.text === text);
  if (found) return found;
  const parsed = read(text);
  known.unshift(parsed);
  known.length = Math.min(known.length, MOST_KNOWN);
  return parsed;
}

/** A text that nobody else asks for, such as a field's. */
export function read(text: string): Parsed {
  const lines = new LineCounter();
  const fault = (message: string, at: number): SourceFault => {
    const { line, col } = lines.linePos(at);
    return { message, line, column: col };
  };
  try {
    const composer = new Composer({ version: "1.2", keepSourceTokens: true, lineCounter: lines, prettyErrors: false });
    // the composer makes one document of an empty text too
    const [document, second] = composer.compose(new ShallowParser(lines.addNewLine).parse(text), true, text.length) as Iterable<Document.Parsed>;
    if (!document) throw new Error("no document");
    const faults = document.errors.map((error) => fault(error.message, error.pos[0]));
    if (second) faults.push(fault(canvas.secondDocument, second.range[0]));
    return { text, document, lines, faults, value: faults.length === 0 ? valueOf(document, faults) : undefined };
  } catch (error) {
    if (!(error instanceof TooDeep)) throw error;
    return { text, document: parseDocument(""), lines, faults: [fault(canvas.tooDeep(DEPTH), error.at)], value: undefined };
  }
}

class TooDeep extends Error {
  constructor(readonly at: number) {
    super();
  }
}

const COLLECTIONS = new Set(["block-map", "block-seq", "flow-collection"]);

/** Stops at what is nested too deeply: to compose it takes more stack than a browser has, and ends the page. */
class ShallowParser extends Parser {
  override *next(lexeme: string): Generator<CST.Token, void> {
    yield* super.next(lexeme);
    const open = this.stack.length > DEPTH ? this.stack.filter(({ type }) => COLLECTIONS.has(type)).length : 0;
    if (open > DEPTH) throw new TooDeep(this.offset - lexeme.length);
  }
}

function valueOf(document: Document.Parsed, faults: SourceFault[]): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (error) {
    faults.push({ message: error instanceof Error ? error.message : String(error), line: 1, column: 1 });
    return undefined;
  }
}

export type Entry = Pair<Node, Node | null>;

/** The pair of a key. */
export function pairOf(map: YAMLMap, key: string): Entry | undefined {
  return map.items.find((pair): pair is Entry => isPair(pair) && isScalar(pair.key) && String(pair.key.value) === key);
}

/** The node at a path; an alias on the way ends it. */
export function nodeAt(parsed: Parsed, path: Path): Node | null | undefined {
  let node: Node | null | undefined = parsed.document.contents;
  for (const part of path) {
    if (isMap(node)) node = pairOf(node, String(part))?.value;
    else if (isSeq(node) && typeof part === "number") node = node.items[part] as Node | undefined;
    else return undefined;
  }
  return node;
}

/** What stands at a path of plain data. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = Object.hasOwn(at, part) ? (at as Record<string | number, unknown>)[part] : undefined;
  }
  return at;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function same(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (Array.isArray(left)) return Array.isArray(right) && left.length === right.length && left.every((item, at) => same(item, right[at]));
  if (!isRecord(left) || !isRecord(right)) return false;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => Object.hasOwn(right, key) && same(left[key], right[key]));
}

/** Whether a collection is written in brackets. */
export function isFlow(node: YAMLMap | YAMLSeq): boolean {
  return node.flow === true;
}

export function startOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

/** Where the last thing that counts of a node ends: no white space, no comment after it. */
export function endOf(parsed: Parsed, node: Node): number {
  if ((isMap(node) || isSeq(node)) && !isFlow(node)) {
    const item: unknown = node.items.at(-1);
    if (isPair(item)) return endOfPair(parsed, item as Entry);
    if (item !== undefined && item !== null) return endOf(parsed, item as Node);
  }
  const end = node.range?.[1] ?? 0;
  const start = startOf(node);
  return start + parsed.text.slice(start, end).trimEnd().length;
}

export function endOfPair(parsed: Parsed, pair: Entry): number {
  const value = pair.value;
  if (value && (isAlias(value) || (value.range && value.range[1] > value.range[0]))) return endOf(parsed, value);
  return afterColon(parsed, pair);
}

/** Where the value of a pair may begin. */
export function afterColon(parsed: Parsed, pair: Entry): number {
  const key = pair.key as Scalar;
  const from = key.range?.[1] ?? 0;
  const colon = parsed.text.indexOf(":", from);
  return colon < 0 ? from : colon + 1;
}

/** The offset of an item's dash, for lists without brackets. */
export function dashOf(list: YAMLSeq, index: number): number {
  const token = list.srcToken;
  if (token?.type !== "block-seq") return startOf(list);
  const mark = token.items[index]?.start.find((part) => part.type === "seq-item-ind");
  return mark && "offset" in mark ? mark.offset : startOf(list);
}
