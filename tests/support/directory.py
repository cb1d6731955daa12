"""The sandbox's tenant as a Graph app with wide permissions sees and changes it: what flows are checked against."""

from __future__ import annotations

import requests

from .sandbox import App, Sandbox

ROLES = ("User.ReadWrite.All", "Group.ReadWrite.All", "Organization.Read.All")
PASSWORD = "fake-Passw0rd-of-a-test"


class Directory:
    """An app registration with application permissions, and Graph by its hand."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.app: App = sandbox.register("Flows", application=ROLES)
        sandbox.grant_admin_consent(self.app)
        answer = sandbox.http.post(f"{sandbox.origin}/{sandbox.tenant}/oauth2/v2.0/token", timeout=30, data={
            "client_id": self.app.client_id, "client_secret": self.app.secret, "grant_type": "client_credentials",
            "scope": "https://graph.microsoft.com/.default"})
        assert answer.ok, answer.text
        self._headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def ask(self, method: str, path: str, body: dict | None = None) -> requests.Response:
        return self.sandbox.http.request(
            method, f"{self.sandbox.origin}/v1.0{path}", json=body, headers=self._headers, timeout=30)

    def ok(self, method: str, path: str, body: dict | None = None) -> dict:
        answer = self.ask(method, path, body)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else {}

    def all(self, path: str) -> list[dict]:
        """Every page."""
        items, url = [], f"{self.sandbox.origin}/v1.0{path}"
        while url:
            page = self.sandbox.http.get(url, headers=self._headers, timeout=30).json()
            items += page["value"]
            url = page.get("@odata.nextLink")
        return items

    def user(self, alias: str) -> dict:
        """A new user, for tests that change one."""
        return self.ok("POST", "/users", {
            "accountEnabled": True, "displayName": f"Test {alias}", "mailNickname": alias,
            "userPrincipalName": f"{alias}@{self.sandbox.domain}", "passwordProfile": {"password": PASSWORD}})

    def group(self, name: str, members: list[str] = ()) -> str:
        """A new group's id."""
        made = self.ok("POST", "/groups", {
            "displayName": name, "mailEnabled": False, "mailNickname": name, "securityEnabled": True})
        for member in members:
            self.ok("POST", f"/groups/{made['id']}/members/$ref", {"@odata.id": f"https://graph.microsoft.com/v1.0/users/{member}"})
        return made["id"]

    def members(self, group: str) -> set[str]:
        return {user["id"] for user in self.all(f"/groups/{group}/members")}

    def calls(self, since: int, method: str, path: str) -> list[dict]:
        """Requests of that kind after the first `since` ones of the sandbox's log."""
        return [line for line in self.sandbox.log()[since:] if line["method"] == method and line["path"] == f"/v1.0{path}"]
