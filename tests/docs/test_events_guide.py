"""The commands of docs/guides/events.md, run word for word; replaced is the receiver's address.

What arrives is checked with the standard's own rule: HMAC-SHA256 over id, timestamp and body.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re

from support.keyway import Keyway
from support.processes import ROOT, wait_until
from support.upstream import Seen, Upstream

from docs.test_guide import blocks, run_all

GUIDE = ROOT / "docs" / "guides" / "events.md"


def signed(message: Seen, secret: str) -> bool:
    content = b".".join([message.headers["webhook-id"].encode(), message.headers["webhook-timestamp"].encode(), message.body])
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    return expected in message.headers["webhook-signature"].split(" ")


def test_the_commands_work(tmp_path):
    page = blocks(GUIDE)
    assert len(page) == 1
    flow = re.search(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)[1]
    reader = Keyway(tmp_path / "reader")
    with Upstream() as receiver, reader.serve():
        page[0].text = page[0].text.replace("https://hooks.contoso.example", receiver.origin)
        printed = run_all(reader, page, "", "", 0)
        secret = re.search(r"whsec_[A-Za-z0-9+/=]+", printed)[0]
        assert [json.loads(message.body)["type"] for message in receiver.seen] == ["dev.keyway.webhook.test"]
        assert receiver.seen[0].path == "/keyway" and signed(receiver.seen[0], secret)

        (reader.directory / "watch.yaml").write_text(flow)
        reader.ok("flow", "deploy", "watch.yaml")
        # nobody listens there: the proof fails, and the connection goes to another state
        reader.run(
            "connection", "create", "graph", "--grant", "client-credentials", "--token-url", "http://127.0.0.1:1/token",
            "--base-url", "http://127.0.0.1:1", "--client-id", "fake", "--scope", "fake",
            "--client-secret-file", reader.secret_file("secret", "visibly-fake-secret"))
        wait_until(lambda: len(receiver.seen) > 1, "the message of the change")
        event = json.loads(receiver.seen[1].body)
        assert event["type"] == "dev.keyway.connection.state" and event["data"]["connection"]["name"] == "graph"
        assert signed(receiver.seen[1], secret)
        runs = wait_until(lambda: [run for run in reader.ok("run", "list")["items"] if run["status"] == "completed"], "the run")
        shown = reader.ok("run", "show", runs[0]["id"])
        assert shown["output"]["connection"]["name"] == "graph", shown
