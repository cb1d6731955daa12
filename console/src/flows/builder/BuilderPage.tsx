// The builder's pages: a flow that is there, and one that is not yet.

import "./builder.css";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { connectionsQuery } from "../../api/connections";
import { type FlowDetail, flowQuery, secretsQuery } from "../../api/flows";
import { type Me, may } from "../../api/session";
import { Loaded } from "../../ui/Loaded";
import { renaming } from "../../ui/renamed";
import { Builder } from "./Builder";
import { draftFor, keepDraft } from "./desk";
import type { Stored } from "./draft";
import { stepHandedOver } from "./handedOver";
import { useWide } from "./useWide";

const EMPTY = `document:
  dsl: '1.0.3'
  namespace: main
  name: new-flow
  version: '1.0.0'
do: []
`;

export default function BuilderPage({ me, flow }: { me: Me; flow: string | undefined }) {
  // a save may give the flow a name, or another one: the work on it goes on
  const [came] = useState(flow);
  return came === undefined ? <Open me={me} stored={{ source: EMPTY, number: 0 }} /> : <Known me={me} flow={came} />;
}

function Known({ me, flow }: { me: Me; flow: string }) {
  // what others save meanwhile is not taken over by itself
  const query = useQuery({ ...flowQuery(flow), refetchInterval: false, refetchOnWindowFocus: false });
  return <Loaded query={query}>{(detail) => <Open me={me} stored={storedOf(detail)} />}</Loaded>;
}

function storedOf(detail: FlowDetail): Stored {
  return { source: detail.versions.find(({ number }) => number === detail.current)?.source ?? "", number: detail.current };
}

function Open({ me, stored }: { me: Me; stored: Stored }) {
  const client = useQueryClient();
  const [address, navigate] = useLocation();
  const wide = useWide();
  const [draft] = useState(() => stepHandedOver(draftFor(client, stored)));
  // One that was made a moment ago, perhaps elsewhere, is offered too.
  const connections = useQuery({ ...connectionsQuery, refetchOnMount: "always" }).data ?? NONE;
  const secrets = useQuery({ ...secretsQuery, enabled: may(me, "admin"), select: (cards) => cards.map(({ name }) => name) }).data ?? NO_NAMES;
  const saved = (key: string) => {
    keepDraft(client, draft);
    navigate(`/flows/${key}/edit`, renaming(address));
  };
  return <Builder draft={draft} connections={connections} secrets={secrets} editable={may(me, "admin") && wide ? "yes" : "no"} onSaved={saved} />;
}

const NONE: never[] = [];
const NO_NAMES: string[] = [];
