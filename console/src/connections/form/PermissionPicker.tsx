// Which permissions: searchable, each with a plain sentence. Delegated ones are ticked into the scope;
// application ones into a list of what to add in the app registration.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { permissionsQuery } from "../../api/presets";
import { graph } from "../../texts/form";
import { CopyButton } from "../../ui/Copyable";
import { Badge, Scopes } from "../../ui/Facts";
import { TextField } from "../../ui/Field";
import { ProblemView } from "../../ui/ProblemView";
import { type GraphDraft, names, toggled } from "./graphDraft";
import { idOf, offered } from "./permissionList";

interface PermissionPickerProps {
  draft: GraphDraft;
  patch: (fields: Partial<GraphDraft>) => void;
}

export function PermissionPicker({ draft, patch }: PermissionPickerProps) {
  const [words, setWords] = useState("");
  const delegated = draft.grant === "authorization_code";
  const list = useQuery(permissionsQuery);
  const found = offered(list.data ?? [], delegated, words);
  const isTicked = (name: string) => (delegated ? names(draft.scope, name) : draft.wanted.includes(name));
  const tick = (name: string) => {
    if (delegated) patch({ scope: toggled(draft.scope, name) });
    else patch({ wanted: draft.wanted.includes(name) ? draft.wanted.filter((other) => other !== name) : [...draft.wanted, name] });
  };
  return (
    <div className="stack-small">
      <p className="field-hint">{delegated ? graph.permissionsDelegated : graph.permissionsAppOnly}</p>
      <TextField label={graph.search} type="search" value={words} onChange={setWords} />
      <div className="permissions" tabIndex={0} role="group" aria-label={graph.permissions}>
        {list.isError && <ProblemView error={list.error} />}
        {found.length === 0 && list.isSuccess && <p className="permission muted">{graph.noMatch}</p>}
        {found.map((permission) => (
          <label key={permission.name} className="permission check">
            <input type="checkbox" checked={isTicked(permission.name)} onChange={() => tick(permission.name)} />
            <span className="grow">
              <span className="mono">{permission.name}</span>
              <br />
              <span className="muted small">{permission.allows}.</span>
              <br />
              <span className="muted small mono">{idOf(permission, delegated)}</span>
            </span>
            {(!delegated || permission.delegated_needs_admin) && (
              <span>
                <Badge tone="neutral" plain>
                  {graph.adminConsent}
                </Badge>
              </span>
            )}
          </label>
        ))}
      </div>
      {!delegated && draft.wanted.length > 0 && (
        <div className="row">
          <span className="small">{graph.toAdd}</span>
          <Scopes names={draft.wanted} none="" />
          <CopyButton text={draft.wanted.join("\n")} what={graph.permissions} />
        </div>
      )}
    </div>
  );
}
