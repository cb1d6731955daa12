// Discovery: from an issuer, or from any address of an API, to the paths of the form.

import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { type Discovered, discover } from "../../api/presets";
import { change, discovery as text } from "../../texts/form";
import { Button, ButtonLink } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { ProblemView } from "../../ui/ProblemView";
import { foundFor, offered, withFound, withScope } from "../form/discovered";
import type { Draft } from "../form/draft";

const OFFERED = 40;

interface DiscoveryProps {
  draft: Draft;
  patch: (fields: Partial<Draft>) => void;
}

export function Discovery({ draft, patch }: DiscoveryProps) {
  const [address, setAddress] = useState("");
  const asking = useMutation({
    mutationFn: () => discover(address.trim(), draft.ca_certificate.trim()),
    onSuccess: (found) => patch(withFound(draft, found)),
  });
  const find = () => {
    if (address.trim() !== "" && !asking.isPending) asking.mutate();
  };
  return (
    <section className="panel-flat stack-small" aria-label={text.title}>
      <h3>{text.title}</h3>
      <p className="field-hint">{text.lead}</p>
      {/* no form of its own: forms do not nest, and Enter would create the connection */}
      <div
        className="stack-small"
        onKeyDown={(event) => {
          if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement)) return;
          event.preventDefault();
          find();
        }}
      >
        <TextField label={text.address} hint={text.addressHint} type="url" mono value={address} onChange={setAddress} />
        <div>
          <Button busy={asking.isPending} disabled={address.trim() === ""} onClick={find}>
            {text.find}
          </Button>
        </div>
      </div>
      {asking.error && <ProblemView error={asking.error} />}
      {asking.data && <Found draft={draft} patch={patch} found={asking.data} />}
    </section>
  );
}

function Found({ draft, patch, found }: DiscoveryProps & { found: Discovered }) {
  const filled = foundFor(draft, found).map((field) => change.fields[field] ?? field);
  const scopes = offered(draft, found);
  return (
    <div role="status" className="stack-small">
      <p className="note tone-info">
        {text.found(found.found_at)} {filled.length > 0 ? text.filled(filled.join(", ")) : text.nothing}
      </p>
      {found.preset === "microsoft-graph" && (
        <div className="row">
          <span className="small">{text.graph(found.tenant ?? undefined)}</span>
          <ButtonLink to="/connections/new/microsoft-graph">{text.toGraph}</ButtonLink>
        </div>
      )}
      {found.grants.length > 0 && (
        <p className="small muted">
          {text.grants}: {found.grants.join(", ")}
        </p>
      )}
      {scopes.length > 0 && (
        <div className="stack-small">
          <p className="small">{text.scopes}</p>
          <div className="row">
            {scopes.slice(0, OFFERED).map((scope) => (
              <Button key={scope} size="small" icon="plus" aria-label={text.addScope(scope)} onClick={() => patch({ scope: withScope(draft.scope, scope) })}>
                {scope}
              </Button>
            ))}
          </div>
        </div>
      )}
    </div>
  );
}
