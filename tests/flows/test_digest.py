"""A flow that calls with digest authentication of its own, against servers of others (`support/digest.py`)."""

from __future__ import annotations

import json

import pytest

from support.digest import DigestServer
from support.keyway import Keyway

PASSWORD = "fake-camera-password"
FLOW = """
document: {{dsl: '1.0.3', namespace: tests, name: camera, version: '1.0.0'}}
use: {{secrets: [camera]}}
do:
  - ask:
      call: http
      with:
        method: post
        endpoint: {{uri: '{uri}', authentication: {{digest: {digest}}}}}
        body: {{n: 1}}
"""
INLINE = "{username: adä, password: '${ $secrets.camera }'}"


@pytest.fixture
def server():
    with DigestServer("adä", PASSWORD) as running:
        yield running


def run(tmp_path, server: DigestServer, path: str, secret: object, digest: str = INLINE) -> tuple[dict, str]:
    """Runs the flow; what it printed, as JSON and as it is."""
    keyway = Keyway(tmp_path / "keyway")
    (keyway.directory / "camera.yaml").write_text(FLOW.format(uri=server.origin + path, digest=digest))
    secrets = keyway.secret_file("secrets.json", json.dumps({"camera": secret}))
    answer = keyway.run("flow", "run", "camera.yaml", "--secrets-file", secrets)
    return answer.json, answer.stdout + answer.stderr


@pytest.mark.parametrize("path", ["/MD5", "/MD5-Sess", "/plain", "/SHA-256", "/SHA-256?at=1&q=a%20b"])
def test_servers_of_others_take_the_answer(tmp_path, server, path):
    done, printed = run(tmp_path, server, path, PASSWORD)
    assert done["status"] == "completed", printed
    assert done["output"]["got"] == {"n": 1}
    assert [(asked.proven, asked.body) for asked in server.asked] == [(False, b'{"n":1}'), (True, b'{"n":1}')]
    # The server tells the password and the proof on purpose.
    assert PASSWORD not in printed and done["output"]["knows"] == "[redacted]", printed
    assert 'response="[redacted]"' in done["output"]["proof"], printed


def test_a_secret_may_hold_the_policy(tmp_path, server):
    policy = {"username": "adä", "password": PASSWORD}
    done, printed = run(tmp_path, server, "/MD5", policy, "{use: camera}")
    assert done["status"] == "completed" and done["output"]["got"] == {"n": 1}, printed
    assert PASSWORD not in printed


@pytest.mark.parametrize("path", ["/MD5", "/SHA-256"])
def test_a_wrong_password_is_a_fault_with_the_server_s_status(tmp_path, server, path):
    done, printed = run(tmp_path, server, path, "fake-wrong-password")
    assert done["status"] == "faulted" and done["error"]["status"] == 401, printed
    assert [asked.proven for asked in server.asked] == [False, True]
    assert "fake-wrong-password" not in printed and PASSWORD not in printed
