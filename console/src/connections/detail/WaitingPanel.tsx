import { useQuery, useQueryClient } from "@tanstack/react-query";
import { waiting } from "../../texts/connections";
import { Button, OutsideLink } from "../../ui/Button";
import { Copyable } from "../../ui/Copyable";
import { ProblemView } from "../../ui/ProblemView";
import { type Waiting, endSignIn, signInPoll } from "../signIn";

/** Shown while somebody signs in in another window; the poll ends it. */
export function WaitingPanel({ name, signIn }: { name: string; signIn: Waiting }) {
  const client = useQueryClient();
  const poll = useQuery(signInPoll(client, name, signIn));
  return (
    <section className="banner tone-info" aria-label={waiting.title}>
      <p className="row strong" role="status">
        <span className="spinner" aria-hidden="true" /> {waiting.title}
      </p>
      <p>{signIn.userCode ? waiting.typeAt : signIn.opened ? waiting.lead : waiting.blocked}</p>
      {signIn.userCode && (
        <>
          <Copyable text={signIn.url} what={waiting.address} />
          <p>{waiting.typeCode}</p>
          <Copyable text={signIn.userCode} what={waiting.code} />
        </>
      )}
      {poll.isError && <ProblemView error={poll.error} />}
      <div className="row">
        {!signIn.opened && (
          <OutsideLink to={signIn.url} variant="primary">
            {waiting.open}
          </OutsideLink>
        )}
        <Button onClick={() => endSignIn(client, name)}>{waiting.stop}</Button>
      </div>
    </section>
  );
}
