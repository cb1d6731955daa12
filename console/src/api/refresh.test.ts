import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { expect, it } from "vitest";
import { fresh, refresh } from "./refresh";

/** A list behind a server that answers when it is told to, with what there was when it was asked. */
function slowList() {
  const client = new QueryClient();
  const items: string[] = [];
  const answers: (() => void)[] = [];
  const query = {
    queryKey: ["keys"],
    queryFn: ({ signal }: { signal: AbortSignal }) => {
      const then = [...items];
      return new Promise<string[]>((resolve, reject) => {
        signal.addEventListener("abort", () => reject(new DOMException("gone", "AbortError")));
        answers.push(() => resolve(then));
      });
    },
  };
  return { client, items, answers, query };
}

it("does not take a first load that began before the change for new", async () => {
  const { client, items, answers, query } = slowList();
  const unsubscribe = new QueryObserver(client, query).subscribe(() => undefined);
  items.push("made");
  const done = refresh(client, { queryKey: query.queryKey });
  answers[0]?.();
  await expect.poll(() => answers.length).toBe(2);
  answers[1]?.();
  await done;
  expect(client.getQueryData(query.queryKey)).toEqual(["made"]);
  unsubscribe();
});

it("asks anew for what must be known now", async () => {
  const { client, items, answers, query } = slowList();
  const unsubscribe = new QueryObserver(client, query).subscribe(() => undefined);
  items.push("made");
  const asked = fresh(client, query);
  await expect.poll(() => answers.length).toBe(2);
  answers.forEach((answer) => answer());
  expect(await asked).toEqual(["made"]);
  unsubscribe();
});
