// A step that another page hands over, such as a request of the API explorer. It comes in the state of the history,
// so that it is in no address.

import { pointerOf, stepsOf } from "../../canvas/steps";
import { insert } from "../../canvas/edit";
import { isRecord, parse } from "../../canvas/text/source";
import type { Draft } from "./draft";
import { declared, policyFor } from "./form/authentication";

/** The draft with the step in it, once: what is taken is not there any more. */
export function stepHandedOver(draft: Draft): Draft {
  const state: unknown = window.history.state;
  const step = isRecord(state) ? state["step"] : undefined;
  if (!isRecord(step) || typeof step["connection"] !== "string" || !isRecord(step["with"])) return draft;
  window.history.replaceState(null, "");
  const { source } = draft.get();
  const { value } = parse(source);
  const authentication = policyFor(value, step["connection"], { type: String(step["type"]) });
  const task = { call: "http", with: { ...step["with"], endpoint: { uri: step["with"]["endpoint"], authentication } } };
  const ready = declared(source, step["connection"]);
  const edited = insert(ready, { list: ["do"], index: stepsOf(parse(ready).value).steps.length }, { name: "call", task });
  draft.edit(edited);
  draft.select(pointerOf(edited.path));
  return draft;
}
