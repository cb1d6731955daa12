"""The process of `oidc-provider`, an authorization server that we did not write, and what it said of the requests that it answered."""

from __future__ import annotations

import json
import shutil

import requests

from . import certificates
from .processes import ROOT, Program

HERE = ROOT / "tests" / "interop" / "oidc-provider"


def read_json(line: str):
    return json.loads(line) if line.startswith("{") else None


class Provider:
    """Starts the provider with these clients (RFC 7591 metadata); use its `program` in a `with` block."""

    def __init__(self, files: certificates.Certificates, clients: list[dict]) -> None:
        node = shutil.which("node")
        assert node, "node is missing: run scripts/setup test"
        listed = files.ca.parent / "clients.json"
        listed.write_text(json.dumps(clients))
        self.files = files
        self.program = Program([node, str(HERE / "provider.js"), str(files.certificate), str(files.key), str(listed)])
        self.origin = self.program.line(lambda line: (read_json(line) or {}).get("ready"))
        self.marks = 0

    def said(self) -> list[dict]:
        """Everything up to now: what it says of a request may come a moment after the answer, so it is asked for a mark first."""
        self.marks += 1
        mark = {"mark": str(self.marks)}
        assert requests.post(f"{self.origin}/test/mark", params=mark, verify=str(self.files.ca), timeout=10).status_code == 204
        self.program.line(lambda line: read_json(line) == mark)
        return [each for line in list(self.program.lines) if (each := read_json(line))]

    def token_requests(self, client: str | None = None) -> list[dict]:
        """How each token request was answered, of one client or of all."""
        return [each for each in self.said() if "token_request" in each and client in (None, each.get("client"))]

    def hits(self) -> int:
        """How often the token endpoint was asked at all, by whomever."""
        return sum("token_endpoint" in each for each in self.said())

    def expire(self, client: str = "") -> None:
        """Ends the life of every access token issued so far, of one client or of all."""
        answer = requests.post(
            f"{self.origin}/test/expire", params={"client": client} if client else {}, verify=str(self.files.ca), timeout=10)
        assert answer.status_code == 204
