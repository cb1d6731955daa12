// Method, path, query, headers and body of a call.

import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useId } from "react";
import type { Card } from "../api/connections";
import { explorer, graphPaths } from "../texts/explorer";
import { Button } from "../ui/Button";
import { Check, type FieldNote, FileField, Pairs, Select, TextArea, TextField } from "../ui/Field";
import { FILE_LIMIT, METHODS, type Request, base64Of, isComplete, parsedJson } from "./request";

interface RequestFormProps {
  request: Request;
  cards: readonly Card[];
  busy: boolean;
  onChange: (request: Request) => void;
  onSend: () => void;
}

export function RequestForm({ request, cards, busy, onChange, onSend }: RequestFormProps) {
  const list = useId();
  const patch = (fields: Partial<Request>) => onChange({ ...request, ...fields });
  const card = cards.find((known) => known.name === request.connection);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSend();
  };
  return (
    <form className="stack" onSubmit={submit}>
      <Select
        label={explorer.connection}
        value={request.connection}
        options={[...(card ? [] : [{ value: request.connection, label: explorer.choose }]), ...cards.map(({ name }) => ({ value: name, label: name }))]}
        onChange={(connection) => patch({ connection })}
        notes={card ? [] : [{ severity: "error", message: explorer.gone(request.connection) }]}
      />
      <div className="row-end">
        <div className="method">
          <Select label={explorer.method} value={request.method} options={METHODS.map((method) => ({ value: method as string, label: method }))} onChange={(method) => patch({ method })} />
        </div>
        <div className="grow">
          <TextField label={explorer.path} mono required list={list} value={request.path} onChange={(path) => patch({ path })} />
        </div>
        <Button type="submit" variant="primary" icon="send" busy={busy} disabled={!card || !isComplete(request)}>
          {explorer.send}
        </Button>
      </div>
      <datalist id={list}>
        {(card?.preset === "microsoft-graph" ? graphPaths : []).map((path) => (
          <option key={path} value={path} />
        ))}
      </datalist>
      <p className="field-hint anywhere">{card?.base_url ? explorer.pathHint(card.base_url) : explorer.pathHintPlain}</p>
      <div className="columns">
        <Pairs legend={explorer.query} nameLabel={explorer.name} valueLabel={explorer.value} pairs={request.query} onChange={(query) => patch({ query })} />
        <Pairs legend={explorer.headers} nameLabel={explorer.name} valueLabel={explorer.value} pairs={request.headers} onChange={(headers) => patch({ headers })} />
      </div>
      <BodyFields request={request} patch={patch} />
      <Check label={explorer.follow} checked={request.follow} onChange={(follow) => patch({ follow })} />
    </form>
  );
}

function BodyFields({ request, patch }: { request: Request; patch: (fields: Partial<Request>) => void }) {
  const { bodyKind, body } = request;
  const bad = bodyKind === "json" && body.trim() !== "" && !parsedJson(body);
  return (
    <>
      <Select label={explorer.body} value={bodyKind} options={explorer.bodyKinds} onChange={(kind) => patch({ bodyKind: kind })} />
      {(bodyKind === "json" || bodyKind === "text") && (
        <TextArea label={explorer.bodyText} rows={6} value={body} onChange={(text) => patch({ body: text })} notes={bad ? [{ severity: "error", message: explorer.badJson }] : []} />
      )}
      {(bodyKind === "form" || bodyKind === "multipart") && <Pairs legend={explorer.bodyText} nameLabel={explorer.name} valueLabel={explorer.value} pairs={request.form} onChange={(form) => patch({ form })} />}
      {bodyKind === "multipart" && <TextField label={explorer.fileField} value={request.fileField} onChange={(fileField) => patch({ fileField })} />}
      {(bodyKind === "bytes" || bodyKind === "multipart") && <FilePicker request={request} patch={patch} />}
    </>
  );
}

function FilePicker({ request, patch }: { request: Request; patch: (fields: Partial<Request>) => void }) {
  const reading = useMutation({
    mutationFn: async (file: File) => {
      if (file.size > FILE_LIMIT) throw new Error(explorer.fileTooLarge(FILE_LIMIT / 1024));
      return { name: file.name, size: file.size, base64: base64Of(new Uint8Array(await file.arrayBuffer())) };
    },
    onSuccess: (file) => patch({ file }),
    onError: () => patch({ file: null }),
  });
  const notes: FieldNote[] = reading.error ? [{ severity: "error", message: reading.error.message }] : [];
  return <FileField label={explorer.file} hint={request.file ? explorer.fileChosen(request.file.name, request.file.size) : explorer.fileHints[request.bodyKind === "multipart" ? "multipart" : "bytes"]} onChoose={(file) => reading.mutate(file)} notes={notes} />;
}
