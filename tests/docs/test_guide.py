"""The commands of docs/guides/microsoft-graph.md, run word for word against the sandbox.

Only what a reader replaces is replaced: the block of his own values, the secret that he pastes, and his browser.
A comment before a block tells how it is run: `<!-- test: values|stdin|background -->`.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.keyway import Keyway
from support.processes import ROOT, Program, binary
from support.postgres import free_port

GUIDE = ROOT / "docs" / "guides" / "microsoft-graph.md"
BLOCK = re.compile(r"(?:<!-- test: (?P<kind>\w+) -->\n)?```sh\n(?P<text>.*?)```", re.DOTALL)


@dataclass
class Block:
    kind: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(match["kind"] or "run", match["text"]) for match in BLOCK.finditer(page.read_text())]


def test_every_kind_of_block_is_there():
    kinds = [block.kind for block in blocks(GUIDE)]
    assert {"values", "stdin", "background", "run"} == set(kinds)
    assert kinds.count("run") >= 6


def run_all(reader: Keyway, page: list[Block], values: str, secret: str, port: int) -> str:
    """All blocks in one shell, as a reader has one terminal; answers what was printed."""
    script = ["set -euo pipefail"]
    for block in page:
        if block.kind == "background":
            continue
        text = values if block.kind == "values" else block.text
        for line in text.splitlines():
            if not line.startswith((" ", "#")) and line:
                script.append(f"echo '=== {line.split()[0]}'")
                break
        script.append(text.replace("localhost:8800", f"localhost:{port}"))
    result = subprocess.run(
        ["bash", "-c", "\n".join(script)], env=os.environ | reader.environment, cwd=reader.directory, input=secret,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180)
    assert result.returncode == 0, result.stdout
    return result.stdout


def test_the_commands_work(tmp_path, sandbox):
    page = blocks(GUIDE)
    port = free_port()
    reader = Keyway(tmp_path)
    reader.declare_cloud("sandbox", sandbox.origin, sandbox.ca_file, f"http://localhost:{port}")
    reader.browse_as(sandbox.browser())
    background = [block.text.split() for block in page if block.kind == "background"]
    assert background == [["keyway", "serve"]]
    with Program([binary(), "serve", "--listen", f"127.0.0.1:{port}"], reader.environment, tmp_path) as server:
        server.line(lambda line: "keyway is ready at" in line)
        values = f"TENANT={sandbox.tenant}\nCLIENT_ID={sandbox.app['client_id']}\nCLOUD=sandbox\n"
        printed = run_all(reader, page, values, sandbox.app["client_secret"] + "\n", port)
    assert sandbox.users[0]["upn"] in printed
    assert sandbox.app["client_secret"] not in printed
    graph = [line for line in sandbox.log() if line["path"].startswith("/v1.0/")]
    assert {line["status"] for line in graph[-4:]} == {200}


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
