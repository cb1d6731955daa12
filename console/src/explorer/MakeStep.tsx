// Hands a request over to the builder, where it becomes a step.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { flowsQuery } from "../api/flows";
import { common } from "../texts/common";
import { explorer } from "../texts/explorer";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Select } from "../ui/Field";
import type { Request } from "./request";
import { stepOf } from "./step";

export function MakeStep({ request, type }: { request: Request; type: string }) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button size="small" icon="plus" onClick={() => setAsking(true)}>
        {explorer.step}
      </Button>
      {asking && <WhichFlow request={request} type={type} onClose={() => setAsking(false)} />}
    </>
  );
}

function WhichFlow({ request, type, onClose }: { request: Request; type: string; onClose: () => void }) {
  const [, navigate] = useLocation();
  const [flow, setFlow] = useState("");
  const known = useQuery(flowsQuery).data ?? [];
  const step = stepOf(request, type);
  const options = [{ value: "", label: explorer.stepNew }, ...known.map(({ key }) => ({ value: key, label: key }))];
  // the state of the history, so that the request is in no address
  const go = () => navigate(flow === "" ? "/flows/new" : `/flows/${encodeURIComponent(flow)}/edit`, { state: { step } });
  return (
    <Dialog title={explorer.step} onClose={onClose}>
      <p>{step ? explorer.stepLead : explorer.stepNot}</p>
      <Select label={explorer.stepOf} value={flow} options={options} onChange={setFlow} />
      <div className="row">
        <Button variant="primary" disabled={!step} onClick={go}>
          {explorer.stepGo}
        </Button>
        <Button onClick={onClose}>{common.cancel}</Button>
      </div>
    </Dialog>
  );
}
