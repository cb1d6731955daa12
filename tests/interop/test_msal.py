"""msal, a client that we did not write, against the sandbox: client credentials, authorization code, refresh.

It proves that the sandbox speaks the protocol as Microsoft's own library expects it, so that what Keyway learns from the
sandbox holds elsewhere.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import msal
import pytest

DEFAULT = ["https://graph.microsoft.com/.default"]
REDIRECT = "http://localhost/oauth/callback/microsoft-graph"


def client(sandbox, secret=None, tenant=None):
    return msal.ConfidentialClientApplication(
        sandbox.app["client_id"], client_credential=secret or sandbox.app["client_secret"],
        authority=f"{sandbox.origin}/{tenant or sandbox.tenant}", instance_discovery=False, verify=sandbox.ca_file)


def sign_in(sandbox, app, scopes, user=None):
    """Walks through sign-in and consent, and redeems the code."""
    flow = app.initiate_auth_code_flow(scopes, redirect_uri=REDIRECT)
    arrival = sandbox.browser(user).walk(flow["auth_uri"], stop_at=REDIRECT)
    return app.acquire_token_by_auth_code_flow(flow, dict(parse_qsl(urlsplit(arrival.url).query)))


def graph(sandbox, path, token):
    return sandbox.http.get(f"{sandbox.origin}/v1.0{path}", headers={"Authorization": f"Bearer {token}"}, timeout=30)


def test_client_credentials(sandbox):
    result = client(sandbox).acquire_token_for_client(DEFAULT)
    assert "access_token" in result, result
    assert result["token_type"] == "Bearer" and result["expires_in"] > 0
    users = graph(sandbox, "/users", result["access_token"])
    assert users.status_code == 200 and users.json()["value"]
    me = graph(sandbox, "/me", result["access_token"])
    assert (me.status_code, me.json()["error"]["code"]) == (400, "BadRequest")


@pytest.mark.parametrize("by", ["tenant id", "domain"])
def test_authorization_code(sandbox, by):
    app = client(sandbox, tenant=sandbox.domain if by == "domain" else None)
    result = sign_in(sandbox, app, ["User.Read", "User.Read.All"])
    assert "access_token" in result, result
    assert result["id_token_claims"]["preferred_username"] == sandbox.users[0]["upn"]
    assert result["id_token_claims"]["aud"] == sandbox.app["client_id"]
    me = graph(sandbox, "/me", result["access_token"])
    assert me.json()["userPrincipalName"] == sandbox.users[0]["upn"]
    assert graph(sandbox, "/users", result["access_token"]).status_code == 200


def test_refresh(sandbox):
    app = client(sandbox)
    first = sign_in(sandbox, app, ["User.Read"])
    assert "refresh_token" in first, first
    account = app.get_accounts()[0]
    second = app.acquire_token_silent(["User.Read"], account, force_refresh=True)
    assert second and "access_token" in second, second
    assert second["access_token"] != first["access_token"]
    assert graph(sandbox, "/me", second["access_token"]).status_code == 200


def test_wrong_secret(sandbox):
    result = client(sandbox, secret="visibly-fake-wrong-secret").acquire_token_for_client(DEFAULT)
    assert (result["error"], result["error_codes"]) == ("invalid_client", [7000215])
    assert result["trace_id"] and result["correlation_id"]


def test_unknown_tenant(sandbox):
    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        client(sandbox, tenant="nowhere.contoso.example").acquire_token_for_client(DEFAULT)
