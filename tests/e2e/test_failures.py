"""The ten ways in which connecting to Microsoft Graph goes wrong most often.

Each is provoked on the wire, `keyway connection explain` says what, why, who and what to do with the provider's code
and trace id, the connection is cured by following only the printed next action, and then the same call succeeds.
"""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timezone

import pytest

from support.cure import Person, explain, follow, provider_error
from support.processes import wait_until

DEFAULT = "https://graph.microsoft.com/.default"
DELEGATED = "User.Read offline_access openid profile"
GUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def app_only(keyway, sandbox, name, *, client_id=None, secret=None, tenant=None, scope=DEFAULT):
    """Creates a client-credentials connection; answers the exit code and the card."""
    secret_file = keyway.secret_file(f"{name}.secret", secret or sandbox.app["client_secret"])
    answer = keyway.run(
        "--json", "connection", "create", name, "--preset", "microsoft-graph", "--cloud", "sandbox",
        "--tenant", tenant or sandbox.tenant, "--grant", "client-credentials",
        "--client-id", client_id or sandbox.app["client_id"], "--client-secret-file", secret_file, "--scope", scope)
    return answer.code, answer.json


def delegated(keyway, sandbox, name, *, client_id=None, secret=None, scope=DELEGATED):
    """Creates an authorization-code connection and signs in as the person whose browser is set."""
    secret_file = keyway.secret_file(f"{name}.secret", secret or sandbox.app["client_secret"])
    answer = keyway.run(
        "--json", "connection", "create", name, "--preset", "microsoft-graph", "--cloud", "sandbox",
        "--tenant", sandbox.tenant, "--grant", "authorization-code", "--client-id", client_id or sandbox.app["client_id"],
        "--client-secret-file", secret_file, "--scope", scope)
    return answer.code, answer.json


def call(keyway, name, path="/users"):
    """`keyway call NAME PATH`, as a script would read it."""
    return keyway.run("--json", "call", name, path)


def assert_call_works(keyway, name, path="/users"):
    answer = call(keyway, name, path)
    assert answer.code == 0, answer
    assert answer.json["status"] == 200
    assert answer.json["body"]


def assert_provider(explanation, aadsts, *, page=False):
    """The provider's code and its trace id are there, verbatim."""
    error = provider_error(explanation)
    # An answer sent through the browser has no error_codes: there the code stands in the description.
    assert aadsts in error["error_codes"] or error["error_description"].startswith(f"AADSTS{aadsts}:"), error
    assert GUID.match(error["trace_id"]), error
    assert GUID.match(error["correlation_id"]), error
    assert str(aadsts) in explanation["why"] + explanation["what"] or error["error_description"], explanation


def test_wrong_secret(keyway, sandbox):
    code, card = app_only(keyway, sandbox, "graph", secret="visibly-fake-wrong-secret")
    assert (code, card["state"]) == (9, "needs_secret")
    explanation = explain(keyway, "graph")
    assert explanation["connection"]["diagnosis"]["code"] == "client_secret.wrong"
    assert_provider(explanation, 7000215)
    right = keyway.secret_file("right.secret", sandbox.app["client_secret"])
    follow(keyway, explanation, Person({"FILE": str(right)}))
    assert_call_works(keyway, "graph")


def test_secret_id_pasted(keyway, sandbox):
    app = sandbox.register("secret id pasted", application=("User.Read.All",))
    sandbox.grant_admin_consent(app)
    code, card = app_only(keyway, sandbox, "graph", client_id=app.client_id, secret=app.secret_id)
    assert (code, card["state"]) == (9, "needs_secret")
    assert "secret.looks_like_id" in [warning["code"] for warning in card["warnings"]]
    explanation = explain(keyway, "graph")
    assert explanation["connection"]["diagnosis"]["code"] == "client_secret.is_id"
    assert "Value" in explanation["why"] + explanation["next"]
    assert_provider(explanation, 7000215)
    right = keyway.secret_file("right.secret", app.secret)
    follow(keyway, explanation, Person({"FILE": str(right)}))
    assert_call_works(keyway, "graph")


def test_unknown_tenant(keyway, sandbox):
    code, card = app_only(keyway, sandbox, "graph", tenant=str(uuid.uuid4()))
    assert (code, card["state"]) == (9, "needs_settings")
    explanation = explain(keyway, "graph")
    assert explanation["connection"]["diagnosis"]["code"] == "tenant.unknown"
    assert_provider(explanation, 90002)
    secret = keyway.secret_file("again.secret", sandbox.app["client_secret"])
    follow(keyway, explanation, Person({"TENANT": sandbox.tenant, "FILE": str(secret)}))
    assert_call_works(keyway, "graph")


def test_redirect_mismatch(keyway, sandbox):
    app = sandbox.register("redirect mismatch", delegated=("User.Read",), redirect_uris=("https://elsewhere.contoso.example/callback",))
    _code, card = delegated(keyway, sandbox, "graph", client_id=app.client_id, secret=app.secret)
    assert card["state"] == "needs_settings"
    explanation = explain(keyway, "graph")
    assert explanation["connection"]["diagnosis"]["code"] == "redirect_uri.mismatch"
    assert_provider(explanation, 50011)
    uri = next(quoted for quoted in re.findall(r"`([^`]+)`", explanation["next"]) if quoted.startswith("http"))
    assert uri == explanation["connection"]["redirect_uri"]
    # The owner of the registration adds exactly what was printed.
    sandbox.graph("PATCH", f"/applications/{app.object_id}", {"web": {"redirectUris": [uri]}})
    follow(keyway, explanation, Person())
    assert_call_works(keyway, "graph", "/me")


def test_missing_consent(keyway, sandbox):
    app = sandbox.register("missing consent", delegated=("User.Read.All",))
    _code, card = delegated(keyway, sandbox, "graph", client_id=app.client_id, secret=app.secret, scope="User.Read.All offline_access")
    assert card["state"] == "needs_admin"
    explanation = explain(keyway, "graph")
    assert explanation["connection"]["diagnosis"]["code"] == "consent.admin_needed"
    assert_provider(explanation, 90094)
    assert explanation["link"].startswith(f"{sandbox.origin}/{sandbox.tenant}/")
    follow(keyway, explanation, Person(administrator=sandbox.admin_browser()))
    assert_call_works(keyway, "graph")


def test_named_scope_in_client_credentials(keyway, sandbox):
    code, card = app_only(keyway, sandbox, "graph", scope="User.Read.All")
    assert (code, card["state"]) == (9, "needs_settings")
    assert "scope.not_default" in [warning["code"] for warning in card["warnings"]]
    explanation = explain(keyway, "graph")
    assert explanation["connection"]["diagnosis"]["code"] == "scope.not_default"
    assert_provider(explanation, 1002012)
    follow(keyway, explanation, Person())
    assert_call_works(keyway, "graph")


def test_missing_offline_access(keyway, sandbox):
    sandbox.lifetimes(1)
    _code, card = delegated(keyway, sandbox, "graph", scope="User.Read")
    assert "scope.no_refresh" in [warning["code"] for warning in card["warnings"]]
    assert card["token"]["refresh_token"] is False
    sandbox.lifetimes(3600)
    refused = call_until_refused(keyway, "graph")
    assert refused.json["code"] == "connection.needs_user"
    explanation = explain(keyway, "graph")
    assert explanation["state"] == "needs_user"
    assert explanation["connection"]["diagnosis"]["code"] == "token.no_refresh"
    assert "offline_access" in explanation["next"]
    follow(keyway, explanation, Person())
    assert keyway.ok("connection", "show", "graph")["token"]["refresh_token"] is True
    assert_call_works(keyway, "graph", "/me")


def call_until_refused(keyway, name):
    """Calls until the one second that the token lives is over, and Keyway itself says that somebody has to do something.

    Until then a 401 of Graph is handed on as it is: that is the API's answer to the call.
    """
    def refused():
        answer = call(keyway, name, "/me")
        assert answer.code in (0, 7, 9), answer
        return answer if answer.code == 9 else None
    return wait_until(refused, "the token outlives its second")


def test_revoked_session(keyway, sandbox):
    user = sandbox.users[3]
    keyway.browse_as(sandbox.browser(user))
    sandbox.lifetimes(1)
    code, card = delegated(keyway, sandbox, "graph")
    assert (code, card["state"]) == (0, "ok"), card
    sandbox.lifetimes(3600)
    sandbox.revoke(user["id"])
    refused = call_until_refused(keyway, "graph")
    assert refused.json["code"] == "connection.needs_user"
    explanation = explain(keyway, "graph")
    assert explanation["state"] == "needs_user"
    assert explanation["connection"]["diagnosis"]["code"] == "session.revoked"
    assert_provider(explanation, 50173)
    follow(keyway, explanation, Person())
    assert_call_works(keyway, "graph", "/me")


def test_application_permission_without_consent(keyway, sandbox):
    app = sandbox.register("application permission, no consent", application=("User.Read.All",))
    _code, card = app_only(keyway, sandbox, "graph", client_id=app.client_id, secret=app.secret)
    assert card["state"] == "needs_admin"
    refused = call(keyway, "graph")
    assert (refused.code, refused.json["status"]) == (7, 403)
    explanation = explain(keyway, "graph")
    assert explanation["connection"]["diagnosis"]["code"] == "application.no_roles"
    assert "Authorization_RequestDenied" in str(explanation["raw"])
    assert refused.json["request_id"] in str(explanation["raw"])
    follow(keyway, explanation, Person(administrator=sandbox.admin_browser()))
    assert_call_works(keyway, "graph")


@pytest.mark.parametrize("body", [None, "Too Many Requests"], ids=["json", "plain text"])
def test_token_endpoint_throttles(keyway, sandbox, body):
    fault = {"status": 429, "retry_after": 1} | ({"body": body} if body else {})
    sandbox.fault("token", **fault)
    code, card = app_only(keyway, sandbox, "graph")
    assert (code, card["state"]) == (7, "waiting")
    explanation = explain(keyway, "graph")
    diagnosis = explanation["connection"]["diagnosis"]
    assert diagnosis["code"] == "provider.throttled"
    assert diagnosis["retry_at"]
    if not body:
        assert_provider(explanation, 90055)
    # The printed action is to wait until a time, then to run one command.
    ends = datetime.fromisoformat(diagnosis["retry_at"])
    wait_until(lambda: datetime.now(timezone.utc) > ends, "the end of the throttling", 30)
    follow(keyway, explanation, Person())
    assert_call_works(keyway, "graph")
