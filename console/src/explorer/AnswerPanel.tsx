// The answer of a call: status, timing, views, the next page, and what to do when the API refused.

import type { TimedAnswer } from "../api/calls";
import type { Card } from "../api/connections";
import { explorer } from "../texts/explorer";
import { Answer } from "../ui/Answer";
import { Button, ButtonLink } from "../ui/Button";
import { Badge, type Fact, Facts } from "../ui/Facts";
import { Panel } from "../ui/Page";
import { nextLink } from "../ui/table";

interface AnswerPanelProps {
  card: Card | undefined;
  timed: TimedAnswer;
  busy: boolean;
  onNext: (link: string) => void;
}

export function AnswerPanel({ card, timed, busy, onNext }: AnswerPanelProps) {
  const { answer, milliseconds } = timed;
  const next = nextLink(answer.body);
  const refused = answer.status === 401 || answer.status === 403;
  const sent: Fact[] = [
    [explorer.requestId, answer.request_id && <code>{answer.request_id}</code>],
    [explorer.howSent, [explorer.attempts(answer.attempts), typeof answer.token_generation === "number" && explorer.generation(answer.token_generation)].filter(Boolean).join(", ")],
  ];
  return (
    <Panel
      title={explorer.answer}
      actions={
        <>
          <Badge tone={answer.status < 300 ? "good" : answer.status < 400 ? "info" : "bad"}>{answer.status}</Badge>
          <span className="muted small">{explorer.milliseconds(milliseconds)}</span>
        </>
      }
    >
      {refused && card && (
        <div className="banner tone-warn">
          <p className="strong">{explorer.refused}</p>
          <div>
            <ButtonLink size="small" to={`/connections/${encodeURIComponent(card.name)}`}>
              {explorer.explainConnection}
            </ButtonLink>
          </div>
        </div>
      )}
      <Answer body={answer.body} encoding={answer.body_encoding} />
      {next !== undefined && (
        <div>
          <Button busy={busy} onClick={() => onNext(next)}>
            {explorer.next}
          </Button>
        </div>
      )}
      <Facts facts={sent} />
      <details>
        <summary>{explorer.responseHeaders}</summary>
        <div className="more">
          <Facts facts={Object.entries(answer.headers).map(([name, value]): Fact => [name, <bdi className="mono">{value}</bdi>])} />
        </div>
      </details>
    </Panel>
  );
}
