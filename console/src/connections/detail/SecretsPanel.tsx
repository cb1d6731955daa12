// The live secrets of an OAuth client: at most two, so that one is replaced without anything stopping. A certificate that is
// made here is downloaded without its key and uploaded at the provider.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Card, type ConnectionSecret, certificateOf, connectionKey, connectionsKey, generateCertificate, removeSecret } from "../../api/connections";
import { refresh } from "../../api/refresh";
import { secrets as text } from "../../texts/secrets";
import { Button } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { Facts } from "../../ui/Facts";
import { Panel } from "../../ui/Page";
import { ProblemView } from "../../ui/ProblemView";
import { Time } from "../../ui/Time";
import { saveText } from "../../ui/download";
import { AddSecretDialog } from "./AddSecretDialog";

export function SecretsPanel({ card, admin }: { card: Card; admin: boolean }) {
  const client = useQueryClient();
  const [adding, setAdding] = useState(false);
  const changed = () => {
    void refresh(client, { queryKey: connectionKey(card.name) });
    void refresh(client, { queryKey: connectionsKey, exact: true });
  };
  const make = useMutation({ mutationFn: () => generateCertificate(card.name), onSuccess: changed });
  const roomForAnother = card.secrets.length < 2;
  return (
    <Panel
      title={text.title}
      lead={text.lead}
      actions={
        admin &&
        roomForAnother && (
          <>
            <Button busy={make.isPending} onClick={() => make.mutate()}>
              {text.make}
            </Button>
            <Button onClick={() => setAdding(true)}>{text.enter}</Button>
          </>
        )
      }
    >
      {make.error && <ProblemView error={make.error} />}
      {make.isSuccess && (
        <p role="status" className="note tone-info">
          {text.made}
        </p>
      )}
      {card.secrets.length === 0 && <p className="muted">{text.none}</p>}
      {card.secrets.map((secret) => (
        <LiveSecret key={`${secret.which} ${secret.added_at ?? ""}`} card={card} secret={secret} removable={admin && !roomForAnother} onChange={changed} />
      ))}
      {adding && <AddSecretDialog card={card} onClose={() => setAdding(false)} />}
    </Panel>
  );
}

interface LiveSecretProps {
  card: Card;
  secret: ConnectionSecret;
  removable: boolean;
  onChange: () => void;
}

function LiveSecret({ card, secret, removable, onChange }: LiveSecretProps) {
  const client = useQueryClient();
  const [removing, setRemoving] = useState(false);
  const which = secret.which === "older" ? "older" : "newest";
  const download = useMutation({
    mutationFn: () => certificateOf(card.name, which),
    onSuccess: ({ pem }) => saveText(`${card.name}.cer`, pem, "application/x-x509-ca-cert"),
  });
  const removal = useMutation({
    mutationFn: () => removeSecret(card.name, which),
    onSuccess: (changed) => {
      client.setQueryData(connectionKey(card.name), changed);
      setRemoving(false);
      onChange();
    },
  });
  const name = text.nameOf(which, secret.kind);
  return (
    <section className="stack-small" aria-label={name}>
      <h3>{name}</h3>
      <Facts
        facts={[
          [text.thumbprint, secret.certificate && <span className="mono">{secret.certificate.thumbprint}</span>],
          [text.added, secret.added_at ? <Time at={secret.added_at} /> : null],
          [text.expires, secret.expires_at ? <Time at={secret.expires_at} /> : null],
          [text.refused, secret.refused_at ? <Time at={secret.refused_at} /> : null],
        ]}
      />
      {download.error && <ProblemView error={download.error} />}
      <div className="row">
        {secret.certificate && (
          <Button size="small" busy={download.isPending} onClick={() => download.mutate()}>
            {text.download}
          </Button>
        )}
        {removable && (
          <Button size="small" onClick={() => setRemoving(true)}>
            {text.remove}
          </Button>
        )}
      </div>
      {removing && <ConfirmDialog title={text.removeTitle(name)} lead={text.removeLead} action={text.remove} busy={removal.isPending} error={removal.error} onConfirm={() => removal.mutate()} onClose={() => setRemoving(false)} />}
    </section>
  );
}
