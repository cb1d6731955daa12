// The redirect URI, shown before anything else is known: the one that Microsoft connections on known
// clouds share, and the one that is reserved for this name.

import { useQuery } from "@tanstack/react-query";
import { draftQuery } from "../../api/connections";
import { form } from "../../texts/form";
import { Copyable } from "../../ui/Copyable";
import { Loading } from "../../ui/Loaded";
import { ProblemView } from "../../ui/ProblemView";

export type Callback = "undecided" | "shared" | "own";

interface RedirectUriProps {
  callback: Callback;
  shared: string;
  /** The name to reserve for; empty while it is being typed. */
  reserved: string;
}

export function RedirectUri({ callback, shared, reserved }: RedirectUriProps) {
  return (
    <div className="stack-small">
      <h3>{form.redirectUri}</h3>
      <p className="field-hint">{form.redirectLead}</p>
      {callback !== "own" && (
        <div className="stack-small">
          {callback === "undecided" && <p className="small strong">{form.redirectMicrosoft}</p>}
          <Copyable text={shared} what={form.redirectUri} />
        </div>
      )}
      {callback !== "shared" && (
        <div className="stack-small">
          {callback === "undecided" && <p className="small strong">{form.redirectOther}</p>}
          <Own reserved={reserved} />
        </div>
      )}
    </div>
  );
}

function Own({ reserved }: { reserved: string }) {
  const draft = useQuery(draftQuery(reserved));
  if (reserved === "") return <p className="small muted">{form.redirectNeedsName}</p>;
  if (draft.isError) return <ProblemView error={draft.error} />;
  if (!draft.data) return <Loading />;
  return <Copyable text={draft.data.redirect_uri} what={form.redirectUri} />;
}
