"""A running `keyway sandbox serve`: its controls, its log, and its administrator at work over Graph."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import requests

from .browser import Browser
from .processes import Program, binary, wait_until

GRAPH = "00000003-0000-0000-c000-000000000000"
PERMISSIONS = {
    ("User.Read", "Scope"): "e1fe6dd8-ba31-4d61-89e7-88639da4683d",
    ("User.Read.All", "Scope"): "a154be20-db9c-4678-8ab7-66f6cc099a59",
    ("User.Read.All", "Role"): "df021288-bdef-4463-88db-98f22de89214",
    ("User.ReadWrite.All", "Role"): "741f803b-c850-494e-b5df-cde7c675a1ca",
    ("Group.ReadWrite.All", "Role"): "62a82d76-70ea-41e2-9197-370581804d09",
    ("Organization.Read.All", "Role"): "498476ce-e0fe-48b0-b801-37ba7e2685c6",
    ("openid", "Scope"): "37f7f235-527c-4136-accd-4a02d197296e",
    ("profile", "Scope"): "14dad69e-099b-42c9-810b-d002981feec1",
    ("offline_access", "Scope"): "7427e0e9-2fba-42fe-b0c0-848c9e6a8182",
}


@dataclass
class App:
    """An app registration, as the portal shows it."""

    object_id: str
    client_id: str
    secret: str
    secret_id: str


class Sandbox:
    """Starts the sandbox in a `with` block."""

    def __init__(self, directory: Path, users: int = 50) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        command = [binary(), "sandbox", "serve", "--data-dir", str(directory), "--listen", "127.0.0.1:0", "--users", str(users)]
        self.program = Program(command)
        described = directory / "sandbox.json"
        wait_until(lambda: described.exists() or self.program.process.poll() is not None, "sandbox.json")
        assert described.exists(), self.program.output()
        assert stat.S_IMODE(described.stat().st_mode) == 0o600
        facts = json.loads(described.read_text())
        self.origin, self.tenant, self.domain = facts["origin"], facts["tenant_id"], facts["domain"]
        self.ca_file, self.app, self.users, self.admin = facts["ca_file"], facts["app"], facts["users"], facts["admin"]
        self._control = {"Authorization": f"Bearer {facts['control_token']}"}
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = self.ca_file
        self._admin_token: str | None = None

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_error) -> None:
        self.program.stop()

    # Controls

    def _controlled(self, method: str, path: str, body: dict | None = None) -> requests.Response:
        answer = self.http.request(method, f"{self.origin}/sandbox/{path}", json=body, headers=self._control, timeout=30)
        assert answer.ok, f"{method} /sandbox/{path}: {answer.status_code} {answer.text}"
        return answer

    def fault(self, route: str, **fields) -> None:
        self._controlled("POST", "faults", {"route": route, "times": 1} | fields)

    def faults(self) -> list[dict]:
        """Those that are still to come."""
        return self._controlled("GET", "faults").json()["faults"]

    def clear_faults(self) -> None:
        self._controlled("DELETE", "faults")

    def lifetimes(self, access_seconds: int) -> None:
        self._controlled("POST", "lifetimes", {"access_seconds": access_seconds})

    def rotation(self, mode: str, **fields) -> None:
        """What a used refresh token is still good for: entra-like, grace (with grace_seconds) or strict."""
        self._controlled("POST", "rotation", {"mode": mode} | fields)

    def families_revoked(self) -> int:
        """Since the mode of rotation was set."""
        return self._controlled("GET", "rotation").json()["families_revoked"]

    def clock(self, offset_seconds: int) -> None:
        self._controlled("POST", "clock", {"offset_seconds": offset_seconds})

    def revoke(self, user_id: str) -> None:
        self._controlled("POST", "revoke", {"user": user_id})

    def log(self) -> list[dict]:
        """Every request so far, oldest first."""
        return [json.loads(line) for line in self._controlled("GET", "log").text.splitlines() if line.strip()]

    def token_requests(self, client_id: str | None = None) -> list[dict]:
        """What reached the token endpoint, of one client or of all."""
        return [line for line in self.log() if line["path"].endswith("/token") and client_id in (None, line["client_id"])]

    # People

    def browser(self, user: dict | None = None, consent: bool = True) -> Browser:
        user = user or self.users[0]
        return Browser(self.ca_file, user["upn"], user["password"], consent)

    def admin_browser(self) -> Browser:
        return Browser(self.ca_file, self.admin["upn"], self.admin["password"])

    # The administrator, over Graph like anybody

    def app_token(self) -> str:
        """A token of the seeded app for itself."""
        form = {
            "grant_type": "client_credentials", "client_id": self.app["client_id"], "client_secret": self.app["client_secret"],
            "scope": "https://graph.microsoft.com/.default"}
        answer = self.http.post(f"{self.origin}/{self.tenant}/oauth2/v2.0/token", data=form, timeout=30)
        assert answer.ok, answer.text
        return answer.json()["access_token"]

    def admin_token(self) -> str:
        """Signs the administrator in (authorization code with PKCE, public client)."""
        if self._admin_token:
            return self._admin_token
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        redirect = "http://localhost"
        scope = ("Application.ReadWrite.All AppRoleAssignment.ReadWrite.All DelegatedPermissionGrant.ReadWrite.All")
        query = {
            "client_id": self.admin["client_id"], "response_type": "code", "redirect_uri": redirect, "scope": scope,
            "state": "s", "code_challenge": challenge, "code_challenge_method": "S256",
        }
        authorize = f"{self.origin}/{self.tenant}/oauth2/v2.0/authorize?{urlencode(query)}"
        arrival = self.admin_browser().walk(authorize, stop_at=redirect)
        answered = parse_qs(urlsplit(arrival.url).query)
        assert "code" in answered, f"the administrator could not sign in: {arrival}"
        token = self.http.post(f"{self.origin}/{self.tenant}/oauth2/v2.0/token", timeout=30, data={
            "client_id": self.admin["client_id"], "grant_type": "authorization_code", "code": answered["code"][0],
            "redirect_uri": redirect, "code_verifier": verifier,
        })
        assert token.ok, token.text
        self._admin_token = token.json()["access_token"]
        return self._admin_token

    def graph(self, method: str, path: str, body: dict | None = None) -> dict:
        """One call of the administrator to Graph."""
        answer = self.http.request(
            method, f"{self.origin}/v1.0{path}", json=body, timeout=30,
            headers={"Authorization": f"Bearer {self.admin_token()}"})
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else {}

    def register(self, name: str, *, delegated: tuple[str, ...] = (), application: tuple[str, ...] = (),
                 redirect_uris: tuple[str, ...] = ("http://localhost/oauth/callback/microsoft-graph",)) -> App:
        """Registers an app with a secret and permissions, nothing consented."""
        access = [{"id": PERMISSIONS[each, "Scope"], "type": "Scope"} for each in delegated]
        access += [{"id": PERMISSIONS[each, "Role"], "type": "Role"} for each in application]
        made = self.graph("POST", "/applications", {
            "displayName": name, "web": {"redirectUris": list(redirect_uris)},
            "requiredResourceAccess": [{"resourceAppId": GRAPH, "resourceAccess": access}] if access else [],
        })
        self.graph("POST", "/servicePrincipals", {"appId": made["appId"]})
        secret = self.graph("POST", f"/applications/{made['id']}/addPassword", {"passwordCredential": {"displayName": "test"}})
        return App(made["id"], made["appId"], secret["secretText"], secret["keyId"])

    def grant_admin_consent(self, app: App) -> None:
        """Opens the v1 admin-consent page as the administrator and accepts."""
        redirect = "http://localhost/oauth/callback/microsoft-graph"
        url = f"{self.origin}/{self.tenant}/adminconsent?client_id={app.client_id}&redirect_uri={quote(redirect, safe='')}&state=s"
        arrival = self.admin_browser().walk(url, stop_at=redirect)
        assert "admin_consent=True" in arrival.url, arrival
