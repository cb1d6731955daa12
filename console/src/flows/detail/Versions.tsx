// The versions of a flow: their texts, how two of them differ, which one new runs get.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type FlowDetail, type VersionCard, flowsKey, rollBack, sourceAddress } from "../../api/flows";
import { refresh } from "../../api/refresh";
import { common } from "../../texts/common";
import { flow as text } from "../../texts/flows";
import { Actor } from "../../ui/Actor";
import { Button, DownloadLink } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { Badge } from "../../ui/Facts";
import { Panel } from "../../ui/Page";
import { StackedTable } from "../../ui/StackedTable";
import { Time } from "../../ui/Time";
import { Compare } from "./Compare";

export function Versions({ flow, admin }: { flow: FlowDetail; admin: boolean }) {
  const client = useQueryClient();
  const [asked, setAsked] = useState<number | null>(null);
  const back = useMutation({
    mutationFn: (number: number) => rollBack(flow.key, number),
    onSuccess: () => {
      setAsked(null);
      return refresh(client, { queryKey: flowsKey });
    },
  });
  return (
    <Panel title={text.versions}>
      <div role="status" className="notes">{back.isSuccess && <p className="note tone-info">{text.rolledBack(back.variables)}</p>}</div>
      <Table flow={flow} admin={admin} onRollBack={setAsked} />
      <Source versions={flow.versions} current={flow.current} />
      {flow.versions.length > 1 && <Compare versions={flow.versions} current={flow.current} />}
      {asked !== null && (
        <ConfirmDialog
          title={text.rollBackTitle(asked)}
          lead={text.rollBackLead}
          action={text.rollBackDo}
          busy={back.isPending}
          error={back.error}
          onConfirm={() => back.mutate(asked)}
          onClose={() => {
            back.reset();
            setAsked(null);
          }}
        />
      )}
    </Panel>
  );
}

function Table({ flow, admin, onRollBack }: { flow: FlowDetail; admin: boolean; onRollBack: (number: number) => void }) {
  return (
    <StackedTable label={text.versions} columns={[text.number, text.deployed, text.by]} actions={text.rollBack} className="scroll-tall">
      {flow.versions.map(({ number, version, deployed_at, deployed_by }) => (
        <tr key={number}>
          <td>
            <span className="row">
              <bdi className="strong">{text.versionName(number, version)}</bdi>
              {number === flow.current && <Badge tone="good">{text.isCurrent}</Badge>}
            </span>
          </td>
          <td data-label={text.deployed}>
            <Time at={deployed_at} />
          </td>
          <td data-label={text.by} className="anywhere">
            <Actor id={deployed_by} />
          </td>
          <td>
            <span className="row">
              <DownloadLink size="small" to={sourceAddress(flow.key, number)} file={`${flow.key}-${number}.yaml`}>
                {common.download}
              </DownloadLink>
              {admin && number !== flow.current && (
                <Button size="small" aria-label={`${text.rollBack}: ${number}`} onClick={() => onRollBack(number)}>
                  {text.rollBack}
                </Button>
              )}
            </span>
          </td>
        </tr>
      ))}
    </StackedTable>
  );
}

function Source({ versions, current }: { versions: VersionCard[]; current: number }) {
  const source = versions.find(({ number }) => number === current)?.source ?? "";
  return (
    <details>
      <summary>{text.text}</summary>
      <div className="more">
        <div className="scroll scroll-tall" tabIndex={0} role="region" aria-label={text.text}>
          <pre className="raw">{source}</pre>
        </div>
      </div>
    </details>
  );
}
