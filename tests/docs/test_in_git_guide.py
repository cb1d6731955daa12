"""The commands of docs/guides/in-git.md, run word for word; replaced are the reader's own values, and the secret that he pastes."""

from __future__ import annotations

from support.keyway import Keyway
from support.ports import free_port
from support.processes import ROOT

from docs.test_guide import blocks, run_all

GUIDE = ROOT / "docs" / "guides" / "in-git.md"


def test_the_commands_work(tmp_path, sandbox):
    page = blocks(GUIDE)
    assert [block.kind for block in page] == ["run", "values", "run", "run", "stdin", "run", "run"]
    port = free_port()
    reader = Keyway(tmp_path)
    reader.declare_cloud("sandbox", sandbox.origin, sandbox.ca_file, f"http://localhost:{port}")
    values = f"TENANT={sandbox.tenant}\nCLIENT_ID={sandbox.app['client_id']}\nCLOUD=sandbox\n"
    with reader.serve(f"127.0.0.1:{port}"):
        printed = run_all(reader, page, values, sandbox.app["client_secret"] + "\n", port)
    said = [line.split(",")[0] for line in printed.splitlines() if ", from connections/graph.yaml" in line]
    assert said == [
        "would create: reports", "created: reports (needs secret)", "unchanged: reports (needs secret)",
        "changed: reports (ok)", "unchanged: reports",
    ], printed
    assert "keyway connection change reports --client-secret-file FILE" in printed
    assert "concurrency: 4" in printed and sandbox.users[0]["upn"] in printed
    text = (tmp_path / "connections" / "graph.yaml").read_text()
    assert "concurrency: 4" in text and sandbox.app["client_secret"] not in text + printed
