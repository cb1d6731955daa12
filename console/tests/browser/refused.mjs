// Texts that are refused or warned of (security.md §3.5, §3.6): each with the code of what is found, and the step that is to
// blame, if it is one. And flows that only a run shows to be wrong.

const HEAD = "document: {dsl: '1.0.3', namespace: walk, name: refused, version: '1.0.0'}\n";
const STEP = (task, rest = "") => `${HEAD}${rest}do:\n  - fine: {wait: PT1S}\n  - wrong: ${task}\n`;
const SET = (value, rest) => STEP(`{set: {x: ${value}}}`, rest);
const WHOLE = (text) => [text, undefined, "flow.parse"];

/** Nine aliases of nine aliases of nine …: 9¹¹ values. */
function bomb() {
  const level = (at) => `a${at}: &a${at} [${at === 0 ? "x,x,x,x,x,x,x,x,x" : Array(9).fill(`*a${at - 1}`).join(",")}]\n`;
  return Array.from({ length: 12 }, (_, at) => level(at)).join("");
}

/** [text, step, code, "refused" | "warning"] */
export const REFUSED = [
  // §3.5: what is no document
  WHOLE("do: [\n"),
  WHOLE(`${HEAD}do:\n\t- a: {wait: PT1S}\n`),
  WHOLE(`${HEAD}${bomb()}do: [{a: {wait: PT1S}}]\n`),
  WHOLE(`${HEAD}do: ${"[".repeat(20_000)}\n`),
  WHOLE(`${HEAD}do: ${"[{a: {do: ".repeat(40)}[]${"}}]".repeat(40)}\n`),
  WHOLE(`${HEAD}x: [${Array(50_001).fill("1").join(",")}]\ndo: [{a: {wait: PT1S}}]\n`),
  WHOLE(`\uFEFF${HEAD}do: [{a: {wait: PT1S}}]\n`),
  WHOLE(`${HEAD}do: [{a: {wait: PT1S}}]\n---\n${HEAD}`),
  [SET("!!python/object y"), "wrong", "flow.parse"],
  [`${HEAD}do:\n  - fine: &b {set: {x: 1}}\n  - wrong: {set: {<<: *b}}\n`, "wrong", "flow.parse"],
  // what is none of the language
  [`${HEAD}outputs: {}\ndo:\n  - a: {wait: PT1S}\n`, undefined, "flow.schema"],
  [STEP("{wait: PT1S}").replace("1.0.3", "2.0.0"), undefined, "flow.schema"],
  [STEP("{stt: {x: 1}}"), "wrong", "flow.schema"],
  [STEP("{wait: P1M}"), "wrong", "flow.schema"],
  [`${HEAD}do:\n  - outer:\n      do:\n        - wrong: {wait: P1M}\n`, "wrong", "flow.schema"],
  [`${HEAD}do:\n  - outer:\n      try:\n        - fine: {wait: PT1S}\n      catch:\n        do:\n          - wrong: {set: {x: 1}, catchh: 1}\n`, "wrong", "flow.schema"],
  [`${HEAD}do:\n  - end: {wait: PT1S}\n`, "end", "flow.schema"],
  [`${HEAD}do:\n  - a: {wait: PT1S}\n  - a: {wait: PT1S}\n`, "a", "flow.duplicate"],
  [`${HEAD}do:\n  - wrong: {wait: PT1S, wait: PT2S}\n`, undefined, "flow.parse"],
  // what leads nowhere
  [STEP("{wait: PT1S, then: nowhere}"), "wrong", "flow.reference"],
  [STEP("{call: htpp}"), "wrong", "flow.reference"],
  [STEP("{call: http, with: {method: get, endpoint: {uri: /users, authentication: {oauth2: {use: absent}}}}}"), "wrong", "flow.reference"],
  [`${HEAD}do:\n  - fine: {wait: PT1S, then: end}\n  - wrong: {wait: PT1S}\n`, "wrong", "flow.unreachable", "warning"],
  [STEP("{set: {x: 1}, then: wrong}"), "wrong", "flow.loop", "warning"],
  // what is off
  [STEP("{run: {shell: {command: ls}}}"), "wrong", "flow.feature_disabled"],
  [STEP("{run: {script: {language: js, code: '1'}}}"), "wrong", "flow.feature_disabled"],
  [STEP("{run: {container: {image: fake}}}"), "wrong", "flow.feature_disabled"],
  [STEP("{call: grpc, with: {method: x, proto: {endpoint: 'https://contoso.example/x'}, service: {name: a, host: b}}}"), "wrong", "flow.feature_disabled"],
  [STEP("{call: 'https://contoso.example/function.yaml'}"), "wrong", "flow.feature_disabled"],
  [STEP("{call: http, with: {method: get, endpoint: 'https://contoso.example/', headers: {x-api-key: fake-4f9c2e7a1b8d6035}}}"), "wrong", "flow.secret_literal", "warning"],
  // §3.6: expressions
  [SET("'${ .a | }'"), "wrong", "expr.syntax"],
  [SET("'${ $nothing }'"), "wrong", "expr.variable"],
  [SET("'${ .a | unknwn }'"), "wrong", "expr.function"],
  [SET("'${ env }'"), "wrong", "expr.forbidden"],
  [SET("'${ input }'"), "wrong", "expr.forbidden"],
  [SET(`'\${ .${"a".repeat(20_000)} }'`), "wrong", "expr.too_long"],
  [SET("'Hi ${ .name }'"), "wrong", "flow.literal", "warning"],
];

const SPENT = /took longer than|takes too many steps|bytes|memory|too large/;

/** Flows that are saved, and fail at the step `wrong` when they run: what is said of it. */
export const FAILING = [
  ["endless", SET("'${ def f: f; f }'"), SPENT],
  ["numbers", SET("'${ [range(1000000000)] | length }'"), SPENT],
  ["letters", SET("'${ \"x\" * 100000000 }'"), SPENT],
  ["nothing", SET("'${ error(\"fake reason\") }'"), /fake reason/],
  ["itself", STEP("{run: {workflow: {namespace: walk, name: itself, version: latest}}}"), /16 deep/],
].map(([name, text, says]) => [name, text.replace("name: refused", `name: ${name}`).replace("PT1S", "PT0.01S"), says]);
