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
  for (;;) {
    const { items } = await api("GET", "/runs?limit=1000");
    const found = items.find(({ id }) => id === run);
    if (found?.status === status) return found;
    assert.ok(!["completed", "faulted", "cancelled"].includes(found?.status), `the run is ${found?.status}, not ${status}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
