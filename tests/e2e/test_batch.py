"""`keyway call --batch`: calls from a file of lines, counted at the sandbox."""

from __future__ import annotations

import json

import pytest

from support.sandbox import Sandbox

from test_lists import installation


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    directory = tmp_path_factory.mktemp("batch")
    with Sandbox(directory / "sandbox") as sandbox, installation(directory / "keyway", sandbox) as keyway:
        yield sandbox, keyway


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_each_line_has_its_answer_and_twenty_share_a_request(served):
    sandbox, keyway = served
    wanted = [user["id"] for user in sandbox.users[:3]] * 7
    requests = [f"/users/{user}?$select=id" for user in wanted]
    requests[1] = json.dumps({"method": "GET", "path": "/users/nobody"})
    sandbox.fault("graph", match=f"GET /v1.0/users/{wanted[2]}", status=429, retry_after=0.1)
    (keyway.directory / "requests.jsonl").write_text("\n".join(requests) + "\n\n")
    before = len(sandbox.log())
    ended = keyway.run("call", "graph", "--batch", "@requests.jsonl")
    assert ended.code == 7, "one of them was refused"
    answers = lines(ended.stdout)
    assert [answer["line"] for answer in answers] == list(range(1, len(wanted) + 1))
    assert answers[1]["status"] == 404
    assert answers[1]["body"]["error"]["code"] == "Request_ResourceNotFound"
    for at, answer in enumerate(answers):
        if at != 1:
            assert (answer["status"], answer["body"]["id"]) == (200, wanted[at])
    batches = [line for line in sandbox.log()[before:] if line["path"] == "/v1.0/$batch"]
    assert len(batches) == 3, "twenty, the one that was throttled, and the last"


def test_a_document_for_scripts_and_refusals_by_name(served):
    _, keyway = served
    ended = keyway.run("--json", "call", "graph", "--batch", "-", stdin="/users?$top=1\n")
    assert ended.code == 0
    (answer,) = json.loads(ended.stdout)["answers"]
    assert answer["status"] == 200 and len(answer["body"]["value"]) == 1
    ended = keyway.run("call", "graph", "--batch", "-", stdin="/users\nnonsense\n")
    assert ended.code == 5 and "line 2" in ended.stderr
    ended = keyway.run("call", "graph", "/users", "--batch", "-")
    assert ended.code == 2
    ended = keyway.run("call", "graph", "--batch", "missing.jsonl")
    assert ended.code == 5 and "missing.jsonl" in ended.stderr
