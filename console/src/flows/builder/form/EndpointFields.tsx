// Where a call goes, and through which connection.

import { put } from "../../../canvas/text/patch";
import { parse, type Path, isRecord, valueAt } from "../../../canvas/text/source";
import { fields } from "../../../texts/builder";
import { useBuilder } from "../BuilderContext";
import { AuthenticationField } from "./AuthenticationField";
import { ValueField } from "./ValueField";
import { endpointWith, uriPath } from "./authentication";

/** `path` leads to the step's `with`. */
export function EndpointFields({ path, base }: { path: Path; base: Path }) {
  const { draft, flow } = useBuilder();
  const endpoint = valueAt(flow, [...path, "endpoint"]);
  // functions may say it beside the endpoint
  const beside = [...path, "authentication"];
  const at = valueAt(flow, beside) === undefined ? [...path, "endpoint", "authentication"] : beside;
  const write = (source: string, policy: unknown) => (at === beside ? put(source, beside, policy) : put(source, [...path, "endpoint"], endpointWith(valueAt(parse(source).value, [...path, "endpoint"]), policy)));
  const uri = uriPath(path, endpoint);
  return (
    <>
      <AuthenticationField path={at} write={write} />
      <ValueField
        label={fields.uri.label}
        hint={fields.uri.hint}
        kind="uri"
        sees="input"
        base={base}
        value={isRecord(endpoint) ? endpoint["uri"] : endpoint}
        onChange={(value) => draft.change(put(draft.get().source, uri, value ?? ""), uri.join("/"), performance.now())}
      />
    </>
  );
}
