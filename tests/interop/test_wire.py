"""The second opinion on Keyway's wire format: msal and Keyway do the same grants against one recording proxy.

Every parameter and every header in which their requests differ is listed below with its reason. A difference that is not
listed fails the test, and so does a listed one that is gone.
"""

from __future__ import annotations

import time
from urllib.parse import parse_qsl, urlsplit

import msal
import pytest

from support.browser import Browser
from support.keyway import Keyway
from support.ports import free_port
from support.recorder import Recorder

DEFAULT = "https://graph.microsoft.com/.default"

# What is random or counted in every request: that both send it is compared, its value is not.
VARIES = {"state", "nonce", "code", "code_challenge", "code_verifier", "refresh_token", "content-length", "client-request-id"}

# (where, name) of a token request → why Keyway and msal differ there. `host` and `content-type` are the same in both.
TOKEN = {
    ("header", "user-agent"): "each client names itself",
    ("header", "accept-encoding"): "what each HTTP library can unpack",
    ("header", "connection"): "msal's HTTP library spells out keep-alive, the default of HTTP/1.1",
    ("header", "x-client-sku"): "msal's telemetry; Keyway sends none",
    ("header", "x-client-ver"): "msal's telemetry; Keyway sends none",
    ("header", "x-client-os"): "msal's telemetry; Keyway sends none",
    ("header", "x-client-current-telemetry"): "msal's telemetry; Keyway sends none",
    ("header", "x-client-last-telemetry"): "msal's telemetry; Keyway sends none",
    ("header", "x-ms-lib-capability"): "msal announces that it honours Retry-After; Keyway does so unannounced",
    ("header", "client-request-id"): "msal chooses the correlation id; Keyway keeps the one that the provider answers",
    ("header", "authorization"): "Keyway's automatic client authentication begins with client_secret_basic (RFC 6749 §2.3.1)",
    ("form", "client_id"): "in Keyway's Authorization header",
    ("form", "client_secret"): "in Keyway's Authorization header",
    ("form", "client_info"): "msal asks for the key of its account cache; Keyway keys nothing by it",
    ("form", "claims"): "Keyway announces that it understands claims challenges (cp1); msal does so only when it is told to",
}
ANCHOR = {("header", "x-anchormailbox"): "msal's routing hint for Microsoft's front door, which needs the account's id; Keyway decides nothing by claims"}
REASONS = {
    "client_credentials": TOKEN,
    "authorization_code": TOKEN | ANCHOR | {
        ("form", "scope"): "RFC 6749 §4.1.3 knows no scope there: the code carries what was asked for; msal repeats it",
    },
    "refresh_token": TOKEN | ANCHOR,
    "authorize": {
        ("query", "client_info"): "msal asks for the key of its account cache; Keyway keys nothing by it",
        ("query", "claims"): "Keyway announces that it understands claims challenges (cp1); msal does so only when it is told to",
    },
}


def described(request):
    """The request as {(where, name): value}; names are compared without case, random values not at all."""
    found = {}
    for where, pairs in (("query", request.query), ("form", request.form)):
        for name, value in pairs:
            found[where, name] = "…" if name in VARIES else value
    if request.kind != "authorize":  # there the headers are the browser's
        for name, value in request.headers:
            found["header", name.lower()] = "…" if name.lower() in VARIES else value
    for scope in (("query", "scope"), ("form", "scope")):
        if scope in found:
            found[scope] = " ".join(sorted(found[scope].split()))  # order is no part of the contract
    return found


def differences(ours, theirs):
    return {key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)}


@pytest.fixture(scope="module")
def recorded(sandbox, tmp_path_factory):
    """Both clients' requests by kind: {"keyway": {kind: request}, "msal": {kind: request}}."""
    directory = tmp_path_factory.mktemp("wire")
    port = free_port()
    redirect = f"http://localhost:{port}/oauth/callback/microsoft-graph"
    with Recorder(directory / "proxy", sandbox.origin, sandbox.ca_file) as recorder:
        user = sandbox.users[1]
        person = Browser(str(recorder.files.ca), user["upn"], user["password"])
        by_msal = _msal(recorder, sandbox, person, redirect)
        recorder.requests.clear()
        by_keyway = _keyway(recorder, sandbox, person, directory, port)
    return {"msal": by_msal, "keyway": by_keyway}


def _first_by_kind(recorder):
    kinds = {}
    for request in recorder.requests:
        kinds.setdefault(request.kind, request)
    return kinds


def _msal(recorder, sandbox, person, redirect):
    def client():
        return msal.ConfidentialClientApplication(
            sandbox.app["client_id"], client_credential=sandbox.app["client_secret"],
            authority=f"{recorder.origin}/{sandbox.tenant}", instance_discovery=False, verify=str(recorder.files.ca))
    assert "access_token" in client().acquire_token_for_client([DEFAULT])
    app = client()
    flow = app.initiate_auth_code_flow(["User.Read"], redirect_uri=redirect)
    arrival = person.walk(flow["auth_uri"], stop_at=redirect)
    result = app.acquire_token_by_auth_code_flow(flow, dict(parse_qsl(urlsplit(arrival.url).query)))
    assert "access_token" in result, result
    assert app.acquire_token_silent(["User.Read"], app.get_accounts()[0], force_refresh=True)
    return _first_by_kind(recorder)


def _keyway(recorder, sandbox, person, directory, port):
    installation = Keyway(directory / "keyway")
    installation.declare_cloud("recorder", recorder.origin, str(recorder.files.ca), f"http://localhost:{port}")
    installation.browse_as(person)
    secret = installation.secret_file("secret", sandbox.app["client_secret"])
    common = ["connection", "create", "--preset", "microsoft-graph", "--cloud", recorder.origin, "--tenant", sandbox.tenant,
              "--client-id", sandbox.app["client_id"], "--client-secret-file", secret]
    with installation.serve(f"127.0.0.1:{port}"):
        installation.ok(*common, "app", "--grant", "client-credentials", "--scope", DEFAULT)
        sandbox.lifetimes(1)
        installation.ok(*common, "person", "--grant", "authorization-code", "--scope", "User.Read openid profile offline_access")
        sandbox.lifetimes(3600)
        time.sleep(1.5)  # a test renews no token that lives
        installation.ok("connection", "test", "person")
    kinds = _first_by_kind(recorder)
    # The preflight of the authorization URL asks for the same address first, without a browser's headers.
    return kinds


@pytest.mark.parametrize("kind", list(REASONS))
def test_every_difference_has_its_reason(recorded, kind):
    ours, theirs = (described(recorded[client][kind]) for client in ("keyway", "msal"))
    found = differences(ours, theirs)
    unexplained = {key: (ours.get(key), theirs.get(key)) for key in found - REASONS[kind].keys()}
    assert not unexplained, "(keyway, msal)"
    gone = REASONS[kind].keys() - found
    assert not gone, "listed, but the same in both"


def test_what_must_never_be_there(recorded):
    for kind, request in recorded["keyway"].items():
        names = [name for name, _value in request.query + request.form]
        assert len(names) == len(set(names)), f"{kind} repeats a parameter: {names}"
        assert "resource" not in names
        assert request.form == [] or request.method == "POST"
