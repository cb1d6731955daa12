import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { signIn } from "../api/session";
import { access } from "../texts/access";
import { Button } from "../ui/Button";
import { TextField } from "../ui/Field";
import { ProblemView } from "../ui/ProblemView";

export function SignInForm({ onSignedIn }: { onSignedIn: () => void }) {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const attempt = useMutation({ mutationFn: signIn, onSuccess: onSignedIn });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    attempt.mutate({ username, password });
  };
  return (
    <form className="stack" onSubmit={submit}>
      <TextField label={access.username} autoComplete="username" required autoFocus value={username} onChange={setUsername} />
      <TextField label={access.password} type="password" autoComplete="current-password" required value={password} onChange={setPassword} />
      {attempt.error && <ProblemView error={attempt.error} />}
      <Button type="submit" variant="primary" busy={attempt.isPending}>
        {access.signIn}
      </Button>
    </form>
  );
}
