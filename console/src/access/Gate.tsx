// What somebody sees who is not signed in: the first start, or signing in. The address stays, so the page
// that was asked for opens afterwards.

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { setupQuery } from "../api/session";
import { access } from "../texts/access";
import { common } from "../texts/common";
import { Mark } from "../ui/Icon";
import { Loading } from "../ui/Loaded";
import { ProblemView } from "../ui/ProblemView";
import { SetUpForm } from "./SetUpForm";
import { SignInForm } from "./SignInForm";

export function Gate({ onSignedIn }: { onSignedIn: () => void }) {
  const setup = useQuery(setupQuery);
  if (setup.isPending) return <Frame title={common.product}>{<Loading />}</Frame>;
  if (setup.isError) return <Frame title={common.product}>{<ProblemView error={setup.error} />}</Frame>;
  const settingUp = setup.data;
  return (
    <Frame title={settingUp ? access.setUp : access.signInTo} lead={settingUp ? access.setUpLead : undefined}>
      {settingUp ? <SetUpForm onSignedIn={onSignedIn} /> : <SignInForm onSignedIn={onSignedIn} />}
    </Frame>
  );
}

function Frame({ title, lead, children }: { title: string; lead?: string | undefined; children: ReactNode }) {
  return (
    <main className="gate">
      <title>{`${title} · ${common.product}`}</title>
      <span className="brand">
        <Mark /> {common.product}
      </span>
      <div className="panel">
        <h1>{title}</h1>
        {lead && <p className="muted">{lead}</p>}
        {children}
      </div>
    </main>
  );
}
