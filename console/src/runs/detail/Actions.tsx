// What a person may do about a run, by how it stands and by role.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { refresh } from "../../api/refresh";
import { type RunDetail, deleteRun, isOver, retryRun, runAddress, runKey, runsKey, tellRun } from "../../api/runs";
import { type Me, may } from "../../api/session";
import { run as text } from "../../texts/runs";
import { Button, ButtonLink, DownloadLink } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { ProblemView } from "../../ui/ProblemView";

type Asking = "none" | "cancel" | "delete";

export function Actions({ run, me }: { run: RunDetail; me: Me }) {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [asking, setAsking] = useState<Asking>("none");
  const close = () => setAsking("none");
  const tell = useMutation({
    mutationFn: (what: "cancel" | "suspend" | "resume") => tellRun(run.id, what),
    onSuccess: () => {
      close();
      void refresh(client, { queryKey: runKey(run.id) });
    },
  });
  const retry = useMutation({
    mutationFn: (from: "start" | "failed_step") => retryRun(run.id, from),
    onSuccess: (started) => navigate(`/runs/${encodeURIComponent(started.run)}`),
  });
  const removal = useMutation({
    mutationFn: () => deleteRun(run.id),
    onSuccess: () => {
      navigate("/runs");
      client.removeQueries({ queryKey: runKey(run.id) });
      void refresh(client, { queryKey: runsKey });
    },
  });
  const over = isOver(run);
  const operator = may(me, "operator");
  return (
    <>
      {operator && !over && run.status !== "suspended" && (
        <Button busy={tell.isPending && tell.variables === "suspend"} onClick={() => tell.mutate("suspend")}>
          {text.suspend}
        </Button>
      )}
      {operator && run.status === "suspended" && (
        <Button variant="primary" busy={tell.isPending && tell.variables === "resume"} onClick={() => tell.mutate("resume")}>
          {text.resume}
        </Button>
      )}
      {operator && !over && (
        <Button variant="danger" onClick={() => setAsking("cancel")}>
          {text.cancel}
        </Button>
      )}
      {operator && over && run.status !== "completed" && (
        <Button variant="primary" busy={retry.isPending && retry.variables === "failed_step"} onClick={() => retry.mutate("failed_step")}>
          {text.retryFailed}
        </Button>
      )}
      {operator && over && (
        <Button busy={retry.isPending && retry.variables === "start"} onClick={() => retry.mutate("start")}>
          {text.retryStart}
        </Button>
      )}
      {operator && !run.once && <ButtonLink to={`/flows/${encodeURIComponent(run.flow)}/start?from=${encodeURIComponent(run.id)}`}>{text.rerun}</ButtonLink>}
      <DownloadLink to={runAddress(run.id)} file={`${run.id}.json`}>
        {text.export}
      </DownloadLink>
      {may(me, "admin") && over && (
        <Button variant="danger" onClick={() => setAsking("delete")}>
          {text.delete}
        </Button>
      )}
      {tell.error && asking === "none" && <ProblemView error={tell.error} />}
      {retry.error && <ProblemView error={retry.error} />}
      {asking === "cancel" && (
        <ConfirmDialog title={text.cancelTitle} lead={text.cancelLead} action={text.cancelDo} busy={tell.isPending} error={tell.error} onConfirm={() => tell.mutate("cancel")} onClose={close} />
      )}
      {asking === "delete" && (
        <ConfirmDialog title={text.deleteTitle} lead={text.deleteLead} action={text.deleteDo} busy={removal.isPending} error={removal.error} onConfirm={() => removal.mutate()} onClose={close} />
      )}
    </>
  );
}
