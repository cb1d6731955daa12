"""Servers that take digest authentication and were written by others: Flask-HTTPAuth judges MD5 and MD5-sess; for SHA-256,
which it does not know, the answer is compared with the one that `requests` gives to the same challenge.
"""

from __future__ import annotations

import re
import secrets
import threading
from dataclasses import dataclass
from unittest import mock

from flask import Flask, request
from flask_httpauth import HTTPDigestAuth
from requests.auth import HTTPDigestAuth as Client
from werkzeug.serving import WSGIRequestHandler, make_server

REALM = "cameras, \"all\" of them"


@dataclass(frozen=True)
class Asked:
    """One request, in the order of arrival."""

    path: str
    proven: bool
    body: bytes


class Whole(str):
    """A text that can't be cut."""

    def __getitem__(self, _key):
        return str(self)


def proof_of_requests(username: str, password: str, challenge: dict, cnonce: str, method: str, url: str) -> str:
    """The `response` that the client of `requests` gives to a challenge, with this nonce of its own."""
    client = Client(username, password)
    client.init_per_thread_state()
    client._thread_local.chal = challenge
    with mock.patch("requests.auth.hashlib.sha1") as sha1:
        sha1.return_value.hexdigest.return_value = Whole(cnonce)
        return re.search('response="([0-9a-f]+)"', client.build_digest_header(method, url))[1]


class DigestServer:
    """Runs in a `with` block. `/MD5`, `/MD5-Sess` and `/plain` (without qop) are Flask-HTTPAuth's, `/SHA-256` offers MD5 too.
    Each answers with what it got, the password included. `.asked` grows as clients call.
    """

    def __init__(self, username: str, password: str) -> None:
        self.asked: list[Asked] = []
        self.username, self.password = username, password
        self.nonces: set[str] = set()
        app = Flask("cameras")
        # The library keeps its nonces in a session of cookies, which Keyway does not send.
        for path, settings in {
            "MD5": {}, "MD5-Sess": {"algorithm": "MD5-Sess"}, "plain": {"qop": None},
        }.items():
            auth = HTTPDigestAuth(realm="cameras", **settings)
            auth.get_password(lambda name: password if name == username else None)
            auth.generate_nonce(self.nonce)
            auth.verify_nonce(lambda nonce: nonce in self.nonces)
            auth.generate_opaque(lambda: "fake-opaque")
            auth.verify_opaque(lambda opaque: opaque == "fake-opaque")
            app.add_url_rule(f"/{path}", path, auth.login_required(self.welcome), methods=["GET", "POST"])
        app.add_url_rule("/SHA-256", "SHA-256", self.sha256, methods=["GET", "POST"])
        app.before_request(self.note)

        class Silent(WSGIRequestHandler):
            def log(self, *_arguments) -> None:
                """Says nothing: the record is the log."""

        self.server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"

    def nonce(self) -> str:
        nonce = secrets.token_hex(16)
        self.nonces.add(nonce)
        return nonce

    def note(self) -> None:
        self.asked.append(Asked(request.path, "Authorization" in request.headers, request.get_data()))

    def welcome(self) -> dict:
        return {"got": request.get_json(silent=True), "knows": self.password, "proof": request.headers["Authorization"]}

    def sha256(self):
        given = request.authorization
        if given and given.parameters.get("nonce") in self.nonces:
            challenge = {"realm": REALM, "nonce": given.nonce, "qop": "auth", "algorithm": "SHA-256"}
            expected = proof_of_requests(
                self.username, self.password, challenge, given.cnonce, request.method, self.origin + given.uri)
            if given.algorithm == "SHA-256" and given.response == expected:
                return self.welcome()
        realm = REALM.replace('"', '\\"')
        offers = [f'Digest realm="{realm}", nonce="{self.nonce()}", qop="auth, auth-int", algorithm={algorithm}, charset=UTF-8'
                  for algorithm in ("MD5", "SHA-256")]
        return "who are you?", 401, {"WWW-Authenticate": ", ".join(offers)}

    def __enter__(self) -> DigestServer:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error) -> None:
        self.server.shutdown()
        self.server.server_close()
