"""msal, a client that we did not write, against the sandbox: client credentials, authorization code, refresh, certificates,
device code, on-behalf-of.

It proves that the sandbox speaks the protocol as Microsoft's own library expects it, so that what Keyway learns from the
sandbox holds elsewhere.
"""

from __future__ import annotations

import base64
import datetime
from urllib.parse import parse_qsl, urlsplit

import msal
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

DEFAULT = ["https://graph.microsoft.com/.default"]
REDIRECT = "http://localhost/oauth/callback/microsoft-graph"


def client(sandbox, secret=None, tenant=None):
    return msal.ConfidentialClientApplication(
        sandbox.app["client_id"], client_credential=secret or sandbox.app["client_secret"],
        authority=f"{sandbox.origin}/{tenant or sandbox.tenant}", instance_discovery=False, verify=sandbox.ca_file)


def signing_client(sandbox, registered, credential):
    return msal.ConfidentialClientApplication(
        registered.client_id, client_credential=credential, authority=f"{sandbox.origin}/{sandbox.tenant}",
        instance_discovery=False, verify=sandbox.ca_file)


def signing_certificate():
    """A fresh key in PEM with a self-signed certificate."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Keyway test client")])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode(), certificate


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


def test_certificate(sandbox):
    """By thumbprint msal signs with RS256 and x5t, with the certificate in hand with PS256 and x5t#S256."""
    key_pem, certificate = signing_certificate()
    registered = sandbox.register("Signs with a certificate", application=("User.Read.All",))
    sandbox.grant_admin_consent(registered)
    der = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
    credential = {"displayName": "fake", "type": "AsymmetricX509Cert", "usage": "Verify", "key": der}
    app = f"/applications(appId='{registered.client_id}')"
    sandbox.graph("PATCH", app, {"keyCredentials": [credential]})
    ways = [
        {"private_key": key_pem, "thumbprint": certificate.fingerprint(hashes.SHA1()).hex()},
        {"private_key": key_pem, "public_certificate": certificate.public_bytes(serialization.Encoding.PEM).decode()},
    ]
    for way in ways:
        result = signing_client(sandbox, registered, way).acquire_token_for_client(DEFAULT)
        assert "access_token" in result, result
        assert graph(sandbox, "/users", result["access_token"]).status_code == 200
    other_key, _ = signing_certificate()
    forged = signing_client(sandbox, registered, {**ways[0], "private_key": other_key}).acquire_token_for_client(DEFAULT)
    assert (forged["error"], forged["error_codes"]) == ("invalid_client", [700027])


def test_device_code(sandbox):
    app = msal.PublicClientApplication(
        sandbox.admin["client_id"], authority=f"{sandbox.origin}/{sandbox.tenant}", instance_discovery=False, verify=sandbox.ca_file)
    flow = app.initiate_device_flow(["User.Read"])
    assert flow["user_code"] in flow["message"], flow
    pending = app.acquire_token_by_device_flow(flow | {"expires_at": 0})
    assert (pending["error"], pending["error_codes"]) == ("authorization_pending", [70016])
    person = sandbox.browser(sandbox.users[2])
    person.user_code = flow["user_code"].lower()
    assert person.walk(flow["verification_uri"]).status == 200
    result = app.acquire_token_by_device_flow(flow)
    assert result["id_token_claims"]["preferred_username"] == sandbox.users[2]["upn"], result
    assert graph(sandbox, "/me", result["access_token"]).json()["userPrincipalName"] == sandbox.users[2]["upn"]


def test_on_behalf_of(sandbox):
    """The seeded API gets a secret and consent; a person's token for it becomes one for Graph, and nobody else's does."""
    api = sandbox.graph("GET", "/applications?$filter=displayName eq 'Contoso Ledger API'")["value"][0]
    secret = sandbox.graph("POST", f"/applications/{api['id']}/addPassword", {"passwordCredential": {"displayName": "further"}})["secretText"]
    front = sandbox.register("Uses the ledger", delegated=("User.Read", "openid", "profile", "offline_access"))
    scope = api["api"]["oauth2PermissionScopes"][0]
    required = sandbox.graph("GET", f"/applications/{front.object_id}")["requiredResourceAccess"]
    required.append({"resourceAppId": api["appId"], "resourceAccess": [{"id": scope["id"], "type": "Scope"}]})
    sandbox.graph("PATCH", f"/applications/{front.object_id}", {"requiredResourceAccess": required})
    principal = lambda app_id: sandbox.graph("GET", f"/servicePrincipals(appId='{app_id}')")["id"]  # noqa: E731
    authority = {"authority": f"{sandbox.origin}/{sandbox.tenant}", "instance_discovery": False, "verify": sandbox.ca_file}
    people = msal.ConfidentialClientApplication(front.client_id, client_credential=front.secret, **authority)
    token = sign_in(sandbox, people, [f"{api['identifierUris'][0]}/{scope['value']}"])["access_token"]
    # A fresh one for each request: msal itself answers a refused one from memory for a minute.
    middle = lambda: msal.ConfidentialClientApplication(api["appId"], client_credential=secret, **authority)  # noqa: E731
    refused = middle().acquire_token_on_behalf_of(token, ["User.Read"])
    assert (refused["error"], refused["suberror"], refused["error_codes"]) == ("invalid_grant", "consent_required", [65001])
    sandbox.graph("POST", "/oauth2PermissionGrants", {
        "clientId": principal(api["appId"]), "resourceId": principal("00000003-0000-0000-c000-000000000000"),
        "consentType": "AllPrincipals", "scope": "User.Read openid profile offline_access"})
    result = middle().acquire_token_on_behalf_of(token, ["User.Read"])
    assert "access_token" in result, result
    assert graph(sandbox, "/me", result["access_token"]).json()["userPrincipalName"] == sandbox.users[0]["upn"]
    for assertion, code in [(token + "A", 50013), (result["access_token"], 500131)]:
        assert middle().acquire_token_on_behalf_of(assertion, ["User.Read"])["error_codes"] == [code]


def test_unknown_tenant(sandbox):
    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        client(sandbox, tenant="nowhere.contoso.example").acquire_token_for_client(DEFAULT)
