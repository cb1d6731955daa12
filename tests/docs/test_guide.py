"""The commands of docs/guides/microsoft-graph.md and certificates.md, run word for word against the sandbox.

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
from support.ports import free_port

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


CERTIFICATES = ROOT / "docs" / "guides" / "certificates.md"
UPLOAD = re.compile(r"<!-- test: upload (\S+) -->")


def test_the_commands_for_certificates_work(tmp_path, sandbox):
    """The page, up to each upload in the portal, which is done over Graph here."""
    app = sandbox.register("Signs", delegated=("User.Read", "User.Read.All", "offline_access"), application=("User.Read.All",))
    sandbox.grant_admin_consent(app)
    port = free_port()
    reader = Keyway(tmp_path)
    reader.declare_cloud("sandbox", sandbox.origin, sandbox.ca_file, f"http://localhost:{port}")
    reader.browse_as(sandbox.browser())
    values = f"TENANT={sandbox.tenant}\nCLIENT_ID={app.client_id}\nCLOUD=sandbox\n"
    sections = UPLOAD.split(CERTIFICATES.read_text())
    files = sections[1::2]
    assert files == ["graph.cer", "new.cer", "keyway.cer"]
    printed, registered = [], []
    with Program([binary(), "serve", "--listen", f"127.0.0.1:{port}"], reader.environment, tmp_path) as server:
        server.line(lambda line: "keyway is ready at" in line)
        for at, section in enumerate(sections[::2]):
            page = [Block(match["kind"] or "run", match["text"]) for match in BLOCK.finditer(section)]
            assert page, section
            printed.append(run_all(reader, page, values, "", port))
            if at < len(files):
                pem = (tmp_path / files[at]).read_text()
                der = "".join(line for line in pem.splitlines() if not line.startswith("-----"))
                registered.append({"displayName": files[at], "type": "AsymmetricX509Cert", "usage": "Verify", "key": der})
                sandbox.graph("PATCH", f"/applications/{app.object_id}", {"keyCredentials": registered})
    made, connected, replaced, generated = printed
    thumbprint = re.search(r"Fingerprint=([0-9A-F:]+)", made)[1].replace(":", "")
    assert thumbprint in connected and thumbprint not in replaced
    assert sandbox.users[0]["upn"] in connected and "private_key_jwt" in connected
    assert "PRIVATE KEY" not in connected + replaced + generated
    # A new certificate is refused until it is uploaded; the older one serves meanwhile.
    statuses = [line["status"] for line in sandbox.token_requests(app.client_id)]
    assert statuses.count(200) >= 5 and set(statuses) == {200, 401}
    assert connected.count(thumbprint) >= 3
    assert not [path for kind in ("key", "pem", "pfx", "password") for path in tmp_path.glob(f"*.{kind}")]


DEVICE_CODE = ROOT / "docs" / "guides" / "device-code.md"


def test_the_commands_for_a_device_code_work(tmp_path, sandbox):
    """No server and no browser here: the page is opened elsewhere, with the code that the command prints."""
    reader = Keyway(tmp_path)
    reader.declare_cloud("sandbox", sandbox.origin, sandbox.ca_file, f"http://localhost:{free_port()}")
    values = f"TENANT={sandbox.tenant}\nCLIENT_ID={sandbox.admin['client_id']}\nCLOUD=sandbox\n"
    texts = [values if block.kind == "values" else block.text for block in blocks(DEVICE_CODE)]
    assert len(texts) == 2
    person = sandbox.browser()
    with Program(["bash", "-euc", "\n".join(texts)], reader.environment, tmp_path) as shell:
        page = shell.line(lambda line: line if line.startswith("https://") else None)
        shell.line(lambda line: line == "and enter the code:")
        person.user_code = shell.line(lambda line: line)
        assert "signed in on your device" in person.walk(page).text
        assert shell.process.wait(60) == 0, shell.output()
        shell.line(lambda line: sandbox.users[0]["upn"] in line)
    polls = [line for line in sandbox.token_requests(sandbox.admin["client_id"]) if "device_code" in line["grant_type"]]
    assert polls[-1]["status"] == 200


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
