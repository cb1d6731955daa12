"""The commands of docs/guides/flows.md, run word for word against the sandbox.

Replaced are the leaver's name, the signing key that a reader pastes, and the port of his server.
"""

from __future__ import annotations

import base64
import shutil

from support.directory import Directory
from support.keyway import Keyway
from support.ports import free_port
from support.processes import ROOT

from flows.conftest import connect_graph
from docs.test_guide import blocks, run_all

GUIDE = ROOT / "docs" / "guides" / "flows.md"
SIGNING_KEY = "whsec_" + base64.b64encode(b"fake-signing-key-of-a-test-only!").decode()


def test_the_commands_work(tmp_path, sandbox):
    directory, port = Directory(sandbox), free_port()
    leaver = directory.user("guide-leaver")
    reader = Keyway(tmp_path / "reader")
    reader.declare_cloud("sandbox", sandbox.origin, sandbox.ca_file, f"http://localhost:{port}")
    shutil.copytree(ROOT / "examples", reader.directory / "examples")
    reader.environment["SIGNING_KEY"] = SIGNING_KEY
    with reader.serve(f"127.0.0.1:{port}"):
        connect_graph(reader, sandbox, directory)
        values = f"LEAVER={leaver['userPrincipalName']}\n"
        printed = run_all(reader, blocks(GUIDE), values, SIGNING_KEY, port)
    assert directory.ok("GET", f"/users/{leaver['id']}?$select=accountEnabled")["accountEnabled"] is False
    assert directory.ok("GET", "/users/ada.example@contoso.example")["displayName"] == "Ada Example"
    for part in ("leaver.yaml: valid", "flowchart", "would create", "created: guide.leaver", "HTTP 204", "deleted guide.leaver"):
        assert part in printed, f"{part} is missing in:\n{printed}"
    assert SIGNING_KEY not in printed and "fake-First-Passw0rd" not in printed


def test_the_readme_s_flow_works(tmp_path, sandbox):
    section = (ROOT / "README.md").read_text().split("## A flow in one file")[1].split("\n## ")[0]
    commands = [line.split()[1:] for line in section.splitlines() if line.startswith("    target/release/keyway ")]
    reader = Keyway(tmp_path / "reader")
    reader.declare_cloud("sandbox", sandbox.origin, sandbox.ca_file, f"http://localhost:{free_port()}")
    shutil.copytree(ROOT / "examples", reader.directory / "examples")
    with reader.serve():
        connect_graph(reader, sandbox, Directory(sandbox))
        for command in commands:
            assert reader.ok(*command) is not None
        assert [run["status"] for run in reader.ok("run", "list")["items"]] == ["completed"]


def test_every_example_is_explained():
    page = GUIDE.read_text()
    for path in (ROOT / "examples" / "flows").glob("*.yaml"):
        assert f"### {path.stem}:" in page, path.name
