// Finding the table in an API's answer.

type Row = Record<string, unknown>;

export interface Grid {
  columns: string[];
  rows: Row[];
}

const MOST_COLUMNS = 24;
const LOOKED_AT = 100;

/** A list of objects: the answer itself, or the one list in it (`value`, `items`, `data` …); one object is one row. */
export function gridOf(body: unknown): Grid | undefined {
  const rows = rowsOf(body);
  if (!rows) return undefined;
  const columns = new Set<string>();
  for (const row of rows.slice(0, LOOKED_AT)) {
    for (const name of Object.keys(row)) if (!name.startsWith("@odata.")) columns.add(name);
  }
  const shown = [...columns].filter((name) => rows.slice(0, LOOKED_AT).some((row) => !isBlank(row[name])));
  const names = shown.length > 0 ? shown : [...columns];
  return { columns: names.slice(0, MOST_COLUMNS), rows };
}

/** Where the next page is, if the answer says so (OData). */
export function nextLink(body: unknown): string | undefined {
  if (!isRow(body)) return undefined;
  const link = body["@odata.nextLink"];
  return typeof link === "string" && link !== "" ? link : undefined;
}

/** A value in a cell. */
export function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function rowsOf(body: unknown): Row[] | undefined {
  if (Array.isArray(body)) return objects(body);
  if (!isRow(body)) return undefined;
  const lists = Object.entries(body).filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]));
  const list = lists.find(([name]) => name === "value") ?? (lists.length === 1 ? lists[0] : undefined);
  const found = list && objects(list[1]);
  if (found) return found;
  return "error" in body ? undefined : [body];
}

function objects(list: unknown[]): Row[] | undefined {
  return list.length > 0 && list.every(isRow) ? list : undefined;
}

function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isBlank(value: unknown): boolean {
  return value === null || value === undefined || (Array.isArray(value) && value.length === 0);
}
