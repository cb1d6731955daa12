"""A https reverse proxy in front of the sandbox that keeps every request: what a client really puts on the wire.

Its answers name its own origin wherever the sandbox named itself, so that clients stay with it.
"""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import requests

from . import certificates

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "host"}


@dataclass
class Recorded:
    """One request as it arrived."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: list[tuple[str, str]]
    body: str

    @property
    def form(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body, keep_blank_values=True)

    @property
    def kind(self) -> str:
        """authorize, token, or something else by its last path segment; token requests by their grant."""
        last = self.path.rsplit("/", 1)[-1]
        return dict(self.form).get("grant_type", last) if last == "token" else last


class Recorder:
    """Runs in a `with` block; `.requests` grows as clients speak."""

    def __init__(self, directory: Path, target: str, target_ca: str) -> None:
        self.files = certificates.make(directory)
        self.requests: list[Recorded] = []
        self.target, self.target_ca = target, target_ca
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                recorder.forward(self)

            do_GET = do_POST = do_HEAD = handle_any

            def log_message(self, *_arguments) -> None:
                """Says nothing: the record is the log."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.files.certificate, self.files.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.origin = f"https://127.0.0.1:{self.server.server_address[1]}"

    def forward(self, handler: BaseHTTPRequestHandler) -> None:
        """Records one request, hands it on, and answers with the sandbox's answer."""
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        parts = urlsplit(handler.path)
        self.requests.append(Recorded(
            handler.command, parts.path, parse_qsl(parts.query, keep_blank_values=True),
            list(handler.headers.items()), body.decode()))
        answer = requests.request(
            handler.command, self.target + handler.path, data=body, verify=self.target_ca, allow_redirects=False, timeout=30,
            headers={name: value for name, value in handler.headers.items() if name.lower() not in HOP_BY_HOP})
        content = answer.content.replace(self.target.encode(), self.origin.encode())
        handler.send_response(answer.status_code)
        for name, value in answer.raw.headers.items():
            if name.lower() not in HOP_BY_HOP:
                handler.send_header(name, value.replace(self.target, self.origin))
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(content)

    def __enter__(self) -> Recorder:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error) -> None:
        self.server.shutdown()
        self.server.server_close()
