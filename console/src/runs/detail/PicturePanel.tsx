// The drawing of a run, once somebody wants to see it.

import { useQuery } from "@tanstack/react-query";
import { Suspense, lazy, useState } from "react";
import { flowQuery } from "../../api/flows";
import type { RunDetail } from "../../api/runs";
import { run as text } from "../../texts/runs";
import { Loaded, Loading } from "../../ui/Loaded";
import { showStep } from "./showStep";

const Picture = lazy(() => import("./Picture").then((module) => ({ default: module.Picture })));

export function PicturePanel({ run, flow }: { run: RunDetail; flow: string }) {
  const [open, setOpen] = useState(false);
  return (
    <details className="panel" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="strong">{text.picture}</summary>
      {open && (
        <div className="more picture">
          <Drawn run={run} flow={flow} />
        </div>
      )}
    </details>
  );
}

function Drawn({ run, flow }: { run: RunDetail; flow: string }) {
  const query = useQuery(flowQuery(flow));
  return (
    <Loaded query={query}>
      {({ versions }) => {
        const version = versions.find(({ number }) => number === run.version);
        if (!version) return <p className="muted">{text.noPicture}</p>;
        return (
          <Suspense fallback={<Loading />}>
            <Picture source={version.source} run={run} onChoose={showStep} />
          </Suspense>
        );
      }}
    </Loaded>
  );
}
