import { afterEach, expect, it, vi } from "vitest";
import { listen } from "./client";

afterEach(() => vi.unstubAllGlobals());

it("lets go of a stream that is listened to no longer", async () => {
  let cancelled = false;
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("event: run\ndata: 1\n\n")),
    cancel: () => {
      cancelled = true;
    },
  });
  vi.stubGlobal("fetch", async () => new Response(body));
  for await (const events of listen("/runs/run_fake/watch", new AbortController().signal)) {
    expect(events).toEqual([{ name: "run", data: 1 }]);
    break;
  }
  expect(cancelled).toBe(true);
});
