// Who is asking decides what there is: nobody sees the gate, a person sees the pages of their role.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { type AroundNavHandler, Router } from "wouter";
import { Gate } from "../access/Gate";
import { SignInForm } from "../access/SignInForm";
import { sessionLapsed } from "../api/lapse";
import { fresh, refresh } from "../api/refresh";
import { type Me, meQuery } from "../api/session";
import { access } from "../texts/access";
import { Dialog } from "../ui/Dialog";
import { Loading } from "../ui/Loaded";
import { ProblemView } from "../ui/ProblemView";
import { leave } from "../ui/leaving";
import { Pages } from "./Pages";
import { Shell } from "./Shell";

/** Links ask before they lead away from unsaved work; an address that is put in place of another leads nowhere. */
const mayLeave: AroundNavHandler = (navigate, to, options) => (options?.replace ? navigate(to, options) : leave(() => navigate(to, options)));

export function App() {
  const client = useQueryClient();
  const me = useQuery(meQuery);
  const lapsed = useSyncExternalStore(sessionLapsed.subscribe, sessionLapsed.get);
  if (me.isPending) {
    return (
      <main className="gate">
        <Loading />
      </main>
    );
  }
  if (me.isError) {
    return (
      <main className="gate">
        <ProblemView error={me.error} />
      </main>
    );
  }
  const enter = async () => {
    const next = await fresh(client, meQuery);
    // what one person saw is not another's to see
    if (me.data && next?.id !== me.data.id) client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== meQuery.queryKey[0] });
    sessionLapsed.set(false);
    await refresh(client, {});
  };
  if (me.data === null) return <Gate onSignedIn={() => void enter()} />;
  const known: Me = me.data;
  return (
    <Router aroundNav={mayLeave}>
      <Shell me={known}>
        <Pages me={known} />
        {lapsed && (
          <Dialog title={access.again}>
            <p>{access.againLead}</p>
            <SignInForm onSignedIn={() => void enter()} />
          </Dialog>
        )}
      </Shell>
    </Router>
  );
}
