"""`oidc-provider`, an authorization server that we did not write: authorization code with PKCE, and refresh with rotation,
through Keyway's generic connection over https with a test authority."""

from __future__ import annotations

import json

import pytest

from support import certificates
from support.browser import Browser
from support.cure import Person, explain, follow, provider_error
from support.keyway import Keyway
from support.oidc_provider import Provider
from support.ports import free_port

SECRET = "visibly-fake-secret: + / % & = ~"


@pytest.fixture
def installation(tmp_path):
    port = free_port()
    keyway = Keyway(tmp_path / "keyway", {"KEYWAY_PUBLIC_URL": f"http://localhost:{port}"})
    files = certificates.make(tmp_path / "certificates")
    keyway.browse_as(Browser(str(files.ca), "ada", "any password"))
    with keyway.serve(f"127.0.0.1:{port}"):
        # The redirect URI is reserved before anything is known, registered at the provider, then the connection is made.
        reserved = keyway.ok("connection", "redirect-uri", "--new", "idp")
        provider = Provider(files, [{
            "client_id": "keyway", "client_secret": SECRET, "redirect_uris": [reserved["redirect_uri"]],
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_basic",
        }])
        with provider.program:
            yield keyway, provider, files


def create(keyway, provider, files, secret=SECRET):
    secret = keyway.secret_file("secret", secret)
    return keyway.run(
        "--json", "connection", "create", "idp", "--authorize-url", f"{provider.origin}/auth",
        "--token-url", f"{provider.origin}/token", "--grant", "authorization-code", "--client-id", "keyway",
        "--client-secret-file", secret, "--scope", "openid offline_access", "--authorize-parameter", "prompt=consent",
        "--base-url", provider.origin, "--ca-file", files.ca)


def test_authorization_code_and_rotation(installation):
    keyway, provider, files = installation
    created = create(keyway, provider, files)
    assert created.code == 0, created
    assert created.json["state"] == "ok"
    assert created.json["token"]["refresh_token"] is True
    assert created.json["client_authentication_used"] == "client_secret_basic"
    first = keyway.ok("call", "idp", "/me")
    assert (first["status"], first["body"]["sub"]) == (200, "ada")
    assert provider.token_requests() == [
        {"token_request": "authorization_code", "answered": "issued", "client": "keyway", "code_verifier": True,
         "authentication": "client_secret_basic"}]

    generation = first["token_generation"]
    for round_ in (1, 2):  # the second round works only with the refresh token that the first one brought
        provider.expire()
        answer = keyway.ok("call", "idp", "/me")
        assert (answer["status"], answer["body"]["sub"], answer["attempts"]) == (200, "ada", 2)
        assert answer["token_generation"] == generation + round_
    renewals = provider.token_requests()[1:]
    assert [(each["token_request"], each["answered"]) for each in renewals] == [("refresh_token", "issued")] * 2


def test_wrong_secret_is_explained_and_cured(installation):
    keyway, provider, files = installation
    created = create(keyway, provider, files, secret="visibly-fake-wrong-secret")
    assert (created.code, created.json["state"]) == (9, "needs_secret"), created
    explanation = explain(keyway, "idp")
    assert explanation["connection"]["diagnosis"]["code"] == "client.refused"
    assert provider_error(explanation)["error"] == "invalid_client"
    right = keyway.secret_file("right", SECRET)
    follow(keyway, explanation, Person({"FILE": str(right)}))
    assert keyway.ok("call", "idp", "/me")["body"]["sub"] == "ada"


def test_discovery_fills_in_the_endpoints(installation):
    keyway, provider, files = installation
    secret = keyway.secret_file("secret", SECRET)
    created = keyway.run(
        "--json", "connection", "create", "idp", "--preset", "oidc", "--issuer", provider.origin, "--client-id", "keyway",
        "--grant", "authorization-code", "--client-secret-file", secret, "--scope", "openid offline_access",
        "--authorize-parameter", "prompt=consent", "--base-url", provider.origin, "--ca-file", files.ca)
    assert created.code == 0, created
    assert created.json["token_endpoint"] == f"{provider.origin}/token"
    assert keyway.ok("call", "idp", "/me")["body"]["sub"] == "ada"


def test_what_stands_behind_an_address_is_told(installation):
    keyway, provider, files = installation
    found = keyway.ok("connection", "discover", provider.origin, "--ca-file", files.ca)
    assert (found["issuer"], found["token_endpoint"]) == (provider.origin, f"{provider.origin}/token")
    assert found["device_authorization_endpoint"] == f"{provider.origin}/device/auth"
    assert found["iss_required"] is True and "offline_access" in found["scopes"]
    shown = keyway.run("connection", "discover", provider.origin, "--ca-file", files.ca)
    assert shown.code == 0 and f"{provider.origin}/token" in shown.stdout
    lost = keyway.run("--json", "connection", "discover", f"{provider.origin}/nothing", "--ca-file", files.ca)
    assert (lost.code, json.loads(lost.stdout or lost.stderr)["code"]) == (7, "issuer.discovery_failed"), lost
