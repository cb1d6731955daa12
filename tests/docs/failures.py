"""Each failure of docs/guides/when-it-fails.md, provoked on the wire: what is seen, what somebody else does about it, and that it is over."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Callable

from support.keyway import Keyway
from support.processes import wait_until
from support.sandbox import App, Sandbox
from support.upstream import Upstream

from e2e.test_failures import app_only, assert_call_works, call, call_until_refused, delegated

FLOW = """document: {dsl: '1.0.3', namespace: guide, name: users, version: 1.0.0}
use: {secrets: [graph]}
do:
  - users:
      call: http
      with: {method: get, endpoint: {uri: '/users?$top=1', authentication: {oauth2: {use: graph}}}}
"""


@dataclass
class Provoked:
    """What was seen, what is done outside Keyway (handed what the commands before it printed), and how it is seen that it is over."""

    code: str
    cured: Callable[[], object]
    somebody: Callable[[str], object] | None = None


def told(keyway: Keyway, path: str = "/users", somebody: Callable[[str], object] | None = None) -> Provoked:
    """The failure as the connection tells it; cured is it when the call works."""
    code = keyway.ok("connection", "explain", "graph")["connection"]["diagnosis"]["code"]
    return Provoked(code, lambda: assert_call_works(keyway, "graph", path), somebody)


def hand_out(keyway: Keyway, app: App) -> None:
    """The reader's file holds the Value of this app's secret."""
    keyway.secret_file("secret.txt", app.secret)


def wrong_secret(keyway: Keyway, sandbox: Sandbox) -> Provoked:
    app_only(keyway, sandbox, "graph", secret="visibly-fake-wrong-secret")
    return told(keyway)


def consented_app(keyway: Keyway, sandbox: Sandbox, name: str) -> App:
    app = sandbox.register(name, application=("User.Read.All",))
    sandbox.grant_admin_consent(app)
    hand_out(keyway, app)
    return app


def secret_id(keyway: Keyway, sandbox: Sandbox) -> Provoked:
    app = consented_app(keyway, sandbox, "guide: Secret ID")
    _code, card = app_only(keyway, sandbox, "graph", client_id=app.client_id, secret=app.secret_id)
    assert "secret.looks_like_id" in [warning["code"] for warning in card["warnings"]]
    return told(keyway)


def expired_secret(keyway: Keyway, sandbox: Sandbox) -> Provoked:
    app = consented_app(keyway, sandbox, "guide: expired secret")
    made = sandbox.graph("POST", f"/applications/{app.object_id}/addPassword", {"passwordCredential": {
        "displayName": "old", "startDateTime": "2020-01-01T00:00:00Z", "endDateTime": "2021-01-01T00:00:00Z"}})
    app_only(keyway, sandbox, "graph", client_id=app.client_id, secret=made["secretText"])
    return told(keyway)


def unknown_tenant(keyway: Keyway, sandbox: Sandbox) -> Provoked:
    app_only(keyway, sandbox, "graph", tenant=str(uuid.uuid4()))
    return told(keyway)


def redirect_uri(keyway: Keyway, sandbox: Sandbox) -> Provoked:
    app = sandbox.register(
        "guide: redirect URI", delegated=("User.Read",), redirect_uris=("https://elsewhere.contoso.example/callback",))
    delegated(keyway, sandbox, "graph", client_id=app.client_id, secret=app.secret)

    def owner(printed: str) -> None:
        uri = next(line for line in printed.splitlines() if line.startswith("http"))
        sandbox.graph("PATCH", f"/applications/{app.object_id}", {"web": {"redirectUris": [uri]}})

    return told(keyway, "/me", owner)


def administrator(keyway: Keyway, sandbox: Sandbox) -> Callable[[str], None]:
    """Opens the link that was printed, however its lines were broken."""
    def opens(printed: str) -> None:
        link = keyway.ok("connection", "explain", "graph")["link"]
        assert link in "".join(printed.split()), printed
        arrival = sandbox.admin_browser().walk(link)
        assert arrival.status == 200, arrival
    return opens


def missing_consent(keyway: Keyway, sandbox: Sandbox) -> Provoked:
    app = sandbox.register("guide: missing consent", delegated=("User.Read.All",))
    delegated(keyway, sandbox, "graph", client_id=app.client_id, secret=app.secret, scope="User.Read.All offline_access")
    return told(keyway, "/users", administrator(keyway, sandbox))


def named_scope(keyway: Keyway, sandbox: Sandbox) -> Provoked:
    app_only(keyway, sandbox, "graph", scope="User.Read.All")
    return told(keyway)


def no_offline_access(keyway: Keyway, sandbox: Sandbox) -> Provoked:
    sandbox.lifetimes(1)
    delegated(keyway, sandbox, "graph", scope="User.Read")
    sandbox.lifetimes(3600)
    call_until_refused(keyway, "graph")
    return told(keyway, "/me")


def revoked_session(keyway: Keyway, sandbox: Sandbox) -> Provoked:
    user = sandbox.users[4]
    keyway.browse_as(sandbox.browser(user))
    sandbox.lifetimes(1)
    delegated(keyway, sandbox, "graph")
    sandbox.lifetimes(3600)
    sandbox.revoke(user["id"])
    call_until_refused(keyway, "graph")
    return told(keyway, "/me")


def no_application_permission(keyway: Keyway, sandbox: Sandbox) -> Provoked:
    app = sandbox.register("guide: application permission", application=("User.Read.All",))
    app_only(keyway, sandbox, "graph", client_id=app.client_id, secret=app.secret)
    refused = call(keyway, "graph")
    assert (refused.code, refused.json["status"]) == (7, 403)
    return told(keyway, "/users", administrator(keyway, sandbox))


def throttled_tokens(keyway: Keyway, sandbox: Sandbox) -> Provoked:
    sandbox.fault("token", status=429, retry_after=2)
    app_only(keyway, sandbox, "graph")
    ends = datetime.fromisoformat(keyway.ok("connection", "explain", "graph")["raw"]["retry_at"])

    def over() -> None:
        wait_until(lambda: datetime.now(timezone.utc) > ends, "the end of the throttling", 30)
        assert_call_works(keyway, "graph")

    return Provoked(told(keyway).code, over)


def claims_challenge(keyway: Keyway, sandbox: Sandbox) -> Provoked:
    demanded = {"access_token": {"nbf": {"essential": True, "value": "1780315200"}}}
    delegated(keyway, sandbox, "graph")
    sandbox.fault("graph", challenge=demanded)
    sandbox.fault("token", status=400, body={"error": "invalid_grant", "error_codes": [50173]}, match="refresh_token")
    assert call(keyway, "graph", "/me").json["status"] == 401
    asked = [line["claims"] for line in sandbox.token_requests() if line.get("claims")]
    assert "1780315200" in asked[-1] and "cp1" in asked[-1]
    return told(keyway, "/me")


def throttled_api(keyway: Keyway, sandbox: Sandbox) -> Provoked:
    for name in ("graph", "elsewhere"):
        app_only(keyway, sandbox, name)
    sandbox.fault("graph", status=429, retry_after=600)
    seen = call(keyway, "elsewhere").json
    if "code" not in seen:
        # the answer of the API itself is handed on; who comes next is told not to call
        assert seen["status"] == 429
        seen = call(keyway, "elsewhere").json
    sandbox.fault("graph", status=429, retry_after=1)

    def over() -> None:
        assert not sandbox.faults(), "the 429 was met on the way"
        assert_call_works(keyway, "graph")

    return Provoked(seen["code"], over)


def private_address(keyway: Keyway, _sandbox: Sandbox) -> Provoked:
    """An installation that nothing was opened for; then one that was given the line which the refusal prints."""
    with Upstream() as upstream:
        closed = Keyway(keyway.directory / "closed", {"KEYWAY_EGRESS_ALLOW": ""})
        made = closed.run("--json", "connection", "create", "intranet", "--type", "none", "--base-url", upstream.origin)
        refused = made if made.code else call(closed, "intranet", "/x")
        line = upstream.origin.removeprefix("http://")
        assert f'"{line}"' in refused.json["hint"] and not upstream.seen, refused

    def opened() -> None:
        with Upstream() as upstream:
            allowed = Keyway(keyway.directory / "opened", {"KEYWAY_EGRESS_ALLOW": upstream.origin.removeprefix("http://")})
            allowed.ok("connection", "create", "intranet", "--type", "none", "--base-url", upstream.origin)
            assert call(allowed, "intranet", "/x").code == 0
            assert [seen.path for seen in upstream.seen] == ["/x"]

    return Provoked(refused.json["code"], opened)


def other_origin(keyway: Keyway, sandbox: Sandbox) -> Provoked:
    app_only(keyway, sandbox, "graph")
    refused = call(keyway, "graph", "https://api.contoso.example/users")
    assert sandbox.origin in refused.json["detail"], refused
    return Provoked(refused.json["code"], lambda: assert_call_works(keyway, "graph"))


def parked_run(keyway: Keyway, sandbox: Sandbox) -> Provoked:
    app_only(keyway, sandbox, "graph", secret="visibly-fake-wrong-secret")
    flow = keyway.directory / "users.yaml"
    flow.write_text(FLOW)
    keyway.ok("flow", "deploy", flow)
    run = keyway.ok("flow", "start", "guide.users")["run"]

    def shown(status: str) -> dict | None:
        found = keyway.ok("run", "show", run)
        return found if found["status"] == status else None

    parked = wait_until(lambda: shown("parked"), "the run is parked")
    return Provoked(parked["parked"][0]["code"], lambda: wait_until(lambda: shown("completed"), "the run goes on"))


PROVOKED = {
    "The client secret is wrong": wrong_secret,
    "The Secret ID was pasted": secret_id,
    "The client secret has expired": expired_secret,
    "The tenant is unknown": unknown_tenant,
    "The redirect URI is not registered": redirect_uri,
    "A consent is missing": missing_consent,
    "A named scope in client credentials": named_scope,
    "offline_access is missing": no_offline_access,
    "The session was revoked": revoked_session,
    "An application permission without consent": no_application_permission,
    "The token endpoint throttles": throttled_tokens,
    "A claims challenge that a person must answer": claims_challenge,
    "The API throttles": throttled_api,
    "A private address is refused": private_address,
    "Another origin than the connection's": other_origin,
    "A run is parked": parked_run,
}
