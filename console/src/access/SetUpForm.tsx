import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { setUp } from "../api/session";
import { access } from "../texts/access";
import { Button } from "../ui/Button";
import { type FieldNote, TextField } from "../ui/Field";
import { ProblemView } from "../ui/ProblemView";
import { Words } from "../ui/Words";

const SHORTEST = 12;

/** Setup token, first user, password. */
export function SetUpForm({ onSignedIn }: { onSignedIn: () => void }) {
  const [token, setToken] = useState("");
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [repeated, setRepeated] = useState("");
  const setup = useMutation({ mutationFn: setUp, onSuccess: onSignedIn });
  const tooShort = password !== "" && [...password].length < SHORTEST;
  const differs = repeated !== "" && repeated !== password;
  const note = (wrong: boolean, message: string): FieldNote[] => (wrong ? [{ severity: "error", message }] : []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!tooShort && repeated === password) setup.mutate({ token: token.trim(), username, password });
  };
  return (
    <form className="stack" onSubmit={submit}>
      <TextField label={access.token} hint={<Words text={access.tokenHint} />} mono required autoFocus value={token} onChange={setToken} />
      <TextField label={access.newUsername} autoComplete="username" required value={username} onChange={setUsername} />
      <TextField label={access.newPassword} hint={access.newPasswordHint} type="password" autoComplete="new-password" required value={password} onChange={setPassword} notes={note(tooShort, access.tooShort)} />
      <TextField label={access.repeat} type="password" autoComplete="new-password" required value={repeated} onChange={setRepeated} notes={note(differs, access.differs)} />
      {setup.error && <ProblemView error={setup.error} />}
      <Button type="submit" variant="primary" busy={setup.isPending} disabled={tooShort || differs}>
        {access.create}
      </Button>
    </form>
  );
}
