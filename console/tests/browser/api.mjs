// The REST API as somebody else uses it while the walks look at the pages: with the session of a person's browser.

import assert from "node:assert/strict";

/** `call(method, path, body, headers)`; what is not a success fails the test. */
export function apiOf(stage, context) {
  return async (method, path, data, headers = {}) => {
    const answer = await context.request.fetch(`${stage.url}/api/v1${path}`, { method, headers: { origin: stage.url, ...headers }, data });
    assert.ok(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`);
    const text = await answer.text();
    return text === "" ? undefined : JSON.parse(text);
  };
}

/** Waits until a run has a status. */
export async function reaches(api, run, status) {
  return until(`the run ${run} is ${status}`, async () => {
    const { items } = await api("GET", "/runs?limit=1000");
    const found = items.find(({ id }) => id === run);
    assert.ok(found?.status === status || !["completed", "faulted", "cancelled"].includes(found?.status), `the run is ${found?.status}, not ${status}`);
    return found?.status === status && found;
  });
}

/** Looks until there is something, a minute at most; gives it back. */
export async function until(what, look) {
  const end = Date.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    assert.ok(Date.now() < end, `not within a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
