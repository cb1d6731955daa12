import type { Fault } from "../../api/runs";
import { run as text } from "../../texts/runs";
import { Facts } from "../../ui/Facts";
import { Words } from "../../ui/Words";

/** The language's error: what went wrong, of which kind, where; and our code for it. */
export function FaultView({ fault }: { fault: Fault }) {
  return (
    <div className="stack-small">
      <p className="strong">
        <bdi>{fault.title || kindOf(fault)}</bdi>
      </p>
      {fault.detail && (
        <p className="anywhere clamp" tabIndex={0}>
          <Words text={fault.detail} />
        </p>
      )}
      <Facts
        facts={[
          [text.errorType, kindOf(fault)],
          [text.errorStatus, fault.status === undefined ? null : String(fault.status)],
          [text.errorAt, fault.instance && <code>{fault.instance}</code>],
          [text.code, fault.code && <code>{fault.code}</code>],
        ]}
      />
    </div>
  );
}

/** The last word of the type's address: `communication`. */
function kindOf(fault: Fault): string {
  return fault.type?.split("/").at(-1) ?? "";
}
