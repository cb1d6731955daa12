"""`call: batch`: independent calls of a flow in few requests, counted at the sandbox."""

from __future__ import annotations

import json

FLOW = """
document: {dsl: '1.0.3', namespace: tests, name: batch, version: '1.0.0'}
use: {secrets: [graph]}
do:
  - ask:
      call: batch
      with:
        requests: '${ [.ids[] | {path: "/users/\\(.)", query: {"$select": "id"}}] }'
        authentication: {oauth2: {use: graph}}
      output: {as: '${ map({status, id: .body.id}) }'}
"""


def test_each_call_has_its_status_and_none_of_them_fails_the_task(flows, directory, sandbox):
    (flows.directory / "batch.yaml").write_text(FLOW)
    flows.ok("flow", "deploy", "batch.yaml")
    ids = [user["id"] for user in directory.all("/users?$select=id&$top=24")][:24]
    ids[3] = "nobody"
    sandbox.fault("graph", match=f"GET /v1.0/users/{ids[5]}", status=503, retry_after=0.1)
    before = len(sandbox.log())
    done = flows.ok("flow", "start", "batch", "--input", json.dumps({"ids": ids}), "--wait", 60)
    assert [answer["status"] for answer in done["output"]] == [404 if at == 3 else 200 for at in range(24)]
    assert [answer["id"] for answer in done["output"]] == [None if at == 3 else user for at, user in enumerate(ids)]
    batches = [line for line in sandbox.log()[before:] if line["path"] == "/v1.0/$batch"]
    assert len(batches) == 3, "twenty, four, and the one that was in trouble"
