"""Keyway and `oidc-provider` in every combination: grant × client authentication × rotation × scope, each from nothing through a
renewal; and what must be refused, with the number of token requests counted at the provider.

The combinations are the names of the tests; the summary lists them. Discovery finds the endpoints, `iss` is on in each answer.
"""

from __future__ import annotations

import datetime
import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from support import certificates, matrix
from support.browser import Browser
from support.keyway import Keyway
from support.oidc_provider import Provider
from support.ports import free_port
from support.processes import wait_until

SECRET = "visibly-fake-secret: + / % & = ~"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
FULL, LONG = "openid offline_access", "openid offline_access profile email"


@dataclass(frozen=True)
class Case:
    """One combination. `method` is how the client is registered, `chosen` what Keyway is told."""

    grant: str
    method: str
    chosen: str
    rotation: str
    scope: str

    @property
    def id(self) -> str:
        method = self.method if self.chosen == self.method else f"{self.chosen}->{self.method}"
        return " ".join((self.grant, method, self.rotation, self.scope.replace(" ", "+") or "no-scope"))

    @property
    def name(self) -> str:
        return f"run-{CASES.index(self):02}-{'keeps' if self.rotation == 'keeps' else 'strict'}"

    @property
    def redirects(self) -> bool:
        return self.grant == "authorization_code"


SECRETS = ["client_secret_basic", "client_secret_post"]
PLAIN = [(method, method) for method in [*SECRETS, "private_key_jwt"]]
AUTOMATIC = ("client_secret_basic", "automatic")
CASES = [
    *(Case("authorization_code", *methods, rotation, scope)
      for methods, rotation, scope in itertools.product([*PLAIN, ("none", "none"), AUTOMATIC], ["strict", "keeps"], [FULL, LONG])),
    *(Case("client_credentials", *methods, "new-token", scope)
      for methods, scope in itertools.product([*PLAIN, AUTOMATIC], ["", "api:read api:write"])),
    *(Case("device_code", *methods, rotation, scope)
      for methods, rotation, scope in itertools.product([*PLAIN, ("none", "none"), AUTOMATIC], ["strict", "keeps"], [FULL, LONG])),
]


class Api:
    """The REST API with one key."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.http = url, requests.Session()
        self.http.trust_env = False
        self.http.headers["Authorization"] = f"Bearer {key}"

    def __call__(self, method: str, path: str, status: int = 200, body: dict | None = None) -> dict:
        answer = self.http.request(method, f"{self.url}/api/v1{path}", json=body, timeout=60)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.text else {}


@dataclass
class House:
    """A served Keyway, a provider that knows a client for each case, and the person at the browser."""

    keyway: Keyway
    api: Api
    provider: Provider
    signing: str

    def browser(self) -> Browser:
        return Browser(str(self.provider.files.ca), "ada", "any password")

    def connection(self, case: Case) -> dict:
        body = {
            "name": case.name, "preset": "oidc", "issuer": self.provider.origin, "grant": case.grant, "client_id": case.name,
            "client_authentication": case.chosen, "scope": case.scope, "base_url": f"{self.provider.origin}/api",
            "ca_certificate": self.provider.files.ca.read_text(),
        }
        if case.redirects:
            body["authorize_parameters"] = {"prompt": "consent"}
        if case.method in SECRETS:
            body["client_secret"] = SECRET
        if case.method == "private_key_jwt":
            body["certificate"] = self.signing
        return self.api("POST", "/connections", 201, body)

    def whoami(self, name: str) -> dict:
        answer = self.api("POST", f"/connections/{name}/call", body={"method": "GET", "path": "/whoami"})
        assert answer["status"] == 200, answer
        return answer["body"]

    def signed_in(self, name: str) -> None:
        last = self.api("GET", f"/connections/{name}/explain")["last_authorization"]
        assert last and last["result"] == "authorized", last


def pair() -> tuple[str, dict]:
    """A certificate with its key in PEM, and its public key as a JWK."""
    from base64 import urlsafe_b64encode
    key = rsa.generate_private_key(65537, 2048)
    named, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "keyway")]), datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder().subject_name(named).issuer_name(named).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - day).not_valid_after(now + day).sign(key, hashes.SHA256()))
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    def number(value: int) -> str:
        return urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()
    numbers = key.public_key().public_numbers()
    return pem.decode(), {"kty": "RSA", "use": "sig", "n": number(numbers.n), "e": number(numbers.e)}


def client(case: Case, redirect_uri: str | None, jwk: dict) -> dict:
    """The client of a case as the provider knows it."""
    grants = {"authorization_code": ["authorization_code", "refresh_token"], "client_credentials": ["client_credentials"],
              "device_code": [DEVICE, "refresh_token"]}[case.grant]
    known = {
        "client_id": case.name, "grant_types": grants, "redirect_uris": [redirect_uri] if redirect_uri else [],
        "response_types": ["code"] if redirect_uri else [], "token_endpoint_auth_method": case.method,
    }
    if case.method in SECRETS:
        known["client_secret"] = SECRET
    if case.method == "private_key_jwt":
        known["jwks"] = {"keys": [jwk]}
    return known


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    directory = tmp_path_factory.mktemp("matrix")
    port = free_port()
    keyway = Keyway(directory / "keyway", {"KEYWAY_PUBLIC_URL": f"http://localhost:{port}"})
    files = certificates.make(directory / "certificates")
    signing, jwk = pair()
    with keyway.serve(f"127.0.0.1:{port}"):
        api = Api(f"http://localhost:{port}", keyway.ok("key", "create", "matrix", "--role", "admin")["token"])
        reserve = lambda name: api("POST", "/redirect-uris", 201, {"name": name})["redirect_uri"]  # noqa: E731
        clients = [client(case, reserve(case.name) if case.redirects else None, jwk) for case in CASES]
        with (provider := Provider(files, clients)).program:
            yield House(keyway, api, provider, signing)
            assert not [each for each in provider.said() if "revoked" in each or "server_error" in each]


@pytest.fixture(scope="module")
def devices(house):
    """All sign-ins by device code, begun and approved side by side: each waits some seconds for its poll."""
    def sign_in(case: Case) -> None:
        house.connection(case)
        device = house.api("POST", f"/connections/{case.name}/authorize")["device"]
        arrival = house.browser().walk(device["verification_uri_complete"])
        assert "Sign-in Success" in arrival.text, arrival
    cases = [case for case in CASES if case.grant == "device_code"]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(sign_in, cases))


def test_there_are_enough_combinations():
    assert len(CASES) >= 40 and len({case.id for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_from_nothing_through_a_renewal(house, case, request):
    if case.grant == "device_code":
        request.getfixturevalue("devices")
        ended = lambda: house.api("GET", f"/connections/{case.name}/explain")["last_authorization"]  # noqa: E731
        wait_until(ended, "a poll that brings a token", 30)
        house.signed_in(case.name)
    else:
        house.connection(case)
        if case.redirects:
            started = house.api("POST", f"/connections/{case.name}/authorize")
            assert house.browser().walk(started["url"]).status == 200
            house.signed_in(case.name)
    card = house.api("GET", f"/connections/{case.name}")
    assert card["state"] == "ok", card
    assert card["client_authentication_used"] == case.method
    who = {"client": case.name, "scope": case.scope} | ({} if case.grant == "client_credentials" else {"sub": "ada"})
    seen = house.whoami(case.name)
    seen["scope"] = seen.get("scope", "")
    assert seen == who
    for _ in range(2):  # the second time only the refresh token of the first renewal is good, where they rotate
        house.provider.expire(case.name)
        assert house.whoami(case.name)["client"] == case.name
    asked = house.provider.token_requests(case.name)
    first = {"authorization_code": "authorization_code", "client_credentials": "client_credentials", "device_code": DEVICE}[case.grant]
    again = "client_credentials" if case.grant == "client_credentials" else "refresh_token"
    issued = [each for each in asked if each["answered"] == "issued"]
    assert [each["token_request"] for each in issued] == [first, again, again]
    assert {each["authentication"] for each in issued} == {case.method}
    assert issued[0]["code_verifier"] == case.redirects
    # Nothing else was asked but by polls that came before the person was done.
    assert {each["answered"] for each in asked} <= {"issued", "authorization_pending"}
    polls = len(asked) - len(issued)
    matrix.told.append((case.id, f"{len(issued)} token requests" + (f", {polls} polls before the person was done" if polls else "")))


# What must be refused. Each case begins a sign-in of its own, so that its state is fresh, and counts at the provider.


@dataclass
class Trip:
    """A sign-in that was begun: where the provider was told to send the browser, and with what."""

    callback: str
    state: str
    browser: requests.Session
    issuer: str

    def good(self) -> dict[str, str]:
        return {"code": "visibly-fake-code", "state": self.state, "iss": self.issuer}


NEGATIVE = next(case for case in CASES if case.redirects and case.method == "client_secret_basic")
OTHER = next(case for case in CASES if case.redirects and case.method == "client_secret_post")


@pytest.fixture(scope="module")
def known(house):
    """Two connections for whoever tries something; they may have been made above already."""
    names = {card["name"] for card in house.api("GET", "/connections")["items"]}
    for case in (NEGATIVE, OTHER):
        if case.name not in names:
            house.connection(case)
    return house


def begin(house: House, case: Case = NEGATIVE) -> Trip:
    started = house.api("POST", f"/connections/{case.name}/authorize")
    browser = requests.Session()
    browser.trust_env = False
    sent = browser.get(started["url"], allow_redirects=False, timeout=30)
    assert sent.is_redirect, sent.text
    asked = parse_qs(urlsplit(sent.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"] and asked["response_type"] == ["code"] and len(asked["code_challenge"][0]) == 43
    return Trip(asked["redirect_uri"][0], asked["state"][0], browser, house.provider.origin)


def refused(house: House, send) -> None:
    """What `send` does is refused, and the token endpoint never hears of it."""
    before = house.provider.hits()
    answer = send()
    assert 400 <= answer.status_code < 500, f"{answer.status_code}: {answer.text[:400]}"
    assert "visibly-fake-code" not in answer.text
    assert house.provider.hits() == before


def without(*names: str):
    return lambda good: [(name, value) for name, value in good.items() if name not in names]


def put(**changed: str):
    return lambda good: list((good | changed).items())


def change(name: str, how):
    return lambda good: list((good | {name: how(good[name])}).items())


def add(*pairs: tuple[str, str]):
    return lambda good: [*good.items(), *pairs]


def error(word: str, description: str = "AADSTS65004: <script>alert(1)</script>\x1b[2J"):
    return lambda good: [("error", word), ("error_description", description), ("state", good["state"]), ("iss", good["iss"])]


ERRORS = ["access_denied", "login_required", "consent_required", "interaction_required", "account_selection_required", "invalid_scope",
          "invalid_request", "unauthorized_client", "unsupported_response_type", "server_error", "temporarily_unavailable", "unknown_word"]
CALLBACKS = {
    "state missing": without("state"),
    "state empty": put(state=""),
    "state unknown": put(state="visibly-fake-state"),
    "state cut": change("state", lambda state: state[:-1]),
    "state longer": change("state", lambda state: state + "A"),
    "state in other case": change("state", str.swapcase),
    "state with a blank": change("state", lambda state: f" {state}"),
    "state twice": lambda good: [*good.items(), ("state", good["state"])],
    "nothing at all": lambda good: [],
    "iss missing though promised": without("iss"),
    "iss empty": put(iss=""),
    "iss of another": put(iss="https://evil.example"),
    "iss with a slash": change("iss", lambda iss: iss + "/"),
    "iss with a path": change("iss", lambda iss: iss + "/tenant"),
    "iss over http": change("iss", lambda iss: iss.replace("https:", "http:")),
    "iss at another port": change("iss", lambda iss: iss.rsplit(":", 1)[0] + ":1"),
    "iss in capitals": change("iss", str.upper),
    "iss with user information": change("iss", lambda iss: iss.replace("://", "://evil.example@")),
    "iss as a prefix": change("iss", lambda iss: iss + ".evil.example"),
    "iss twice": add(("iss", "https://evil.example")),
    "code missing": without("code"),
    "code empty": put(code=""),
    "code twice": add(("code", "visibly-fake-code")),
    "code and error": add(("error", "access_denied")),
    "code of ten kilobytes": put(code="visibly-fake-code" * 700),
    "code with a line feed": put(code="visibly-fake-code\n"),
    "code in an ID token's place": lambda good: [("id_token", "visibly-fake-code"), ("state", good["state"]), ("iss", good["iss"])],
    "an access token (implicit)": lambda good: [("access_token", "visibly-fake-code"), ("state", good["state"]), ("iss", good["iss"])],
    "a signed response (JARM)": lambda good: [("response", "visibly-fake-code")],
    **{f"error {word}": error(word) for word in ERRORS},
}


@pytest.mark.parametrize("how", CALLBACKS.values(), ids=CALLBACKS.keys())
def test_a_callback_that_is_not_the_answer(known, how):
    trip = begin(known)
    query = urlencode(how(trip.good()))
    refused(known, lambda: trip.browser.get(f"{trip.callback}?{query}", allow_redirects=False, timeout=30))


def elsewhere(trip: Trip, path: str) -> str:
    return trip.callback.rsplit("/", 1)[0] + f"/{path}?{urlencode(trip.good())}"


PEOPLE = {
    "another browser": lambda house, trip: requests.get(f"{trip.callback}?{urlencode(trip.good())}", timeout=30),
    "a browser with a cookie of its own": lambda house, trip: begin(house).browser.get(f"{trip.callback}?{urlencode(trip.good())}", timeout=30),
    "a browser with cookies made up": lambda house, trip: requests.get(
        f"{trip.callback}?{urlencode(trip.good())}", cookies={name: "fake" for name in trip.browser.cookies.keys()}, timeout=30),
    "the callback of another connection": lambda house, trip: trip.browser.get(
        f"{begin(house, OTHER).callback}?{urlencode(trip.good())}", timeout=30),
    "the state of another connection": lambda house, trip: trip.browser.get(
        f"{trip.callback}?{urlencode(trip.good() | {'state': begin(house, OTHER).state})}", timeout=30),
    "the callback of a preset": lambda house, trip: trip.browser.get(elsewhere(trip, "microsoft-graph"), timeout=30),
    "the callback of no connection": lambda house, trip: trip.browser.get(elsewhere(trip, "con_unknown"), timeout=30),
    "a form post": lambda house, trip: trip.browser.post(trip.callback, data=trip.good(), headers={"Origin": trip.issuer}, timeout=30),
    "a fragment": lambda house, trip: trip.browser.get(f"{trip.callback}#{urlencode(trip.good())}", timeout=30),
}


@pytest.mark.parametrize("how", PEOPLE.values(), ids=PEOPLE.keys())
def test_an_answer_that_comes_another_way(known, how, request):
    trip = begin(known)
    if request.node.callspec.id == "a form post":
        trip.state = "visibly-fake-state"  # the right one would be an answer with response_mode=form_post
    refused(known, lambda: how(known, trip))


def test_a_real_code_works_once(known):
    """After the one exchange, the same answer is worth nothing: again, and twice at the same time."""
    started = known.api("POST", f"/connections/{NEGATIVE.name}/authorize")
    browser = known.browser()
    callback = known.api("GET", f"/connections/{NEGATIVE.name}")["redirect_uri"]
    answer = browser.walk(started["url"], stop_at=callback).url
    assert parse_qsl(urlsplit(answer).query)[0][0] == "code"
    before = known.provider.hits()
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(lambda _: browser.session.get(answer, allow_redirects=False, timeout=30).status_code, range(4)))
    assert sorted(codes)[1:] == [400, 400, 400] and sorted(codes)[0] < 400
    assert known.provider.hits() == before + 1
    refused(known, lambda: browser.session.get(answer, timeout=30))


def test_tickets_work_once(known):
    url = known.api("POST", f"/connections/{NEGATIVE.name}/authorize")["url"]
    assert requests.get(url, allow_redirects=False, timeout=30).is_redirect
    refused(known, lambda: requests.get(url, allow_redirects=False, timeout=30))
    refused(known, lambda: requests.get(url + "A", allow_redirects=False, timeout=30))


RESERVED = {
    "authorize_parameters": ["response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
                             "code_challenge_method", "request", "request_uri", "CODE_CHALLENGE_METHOD"],
    "token_parameters": ["grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type", "code", "code_verifier",
                         "redirect_uri", "refresh_token", "device_code", "Grant_Type"],
}


@pytest.mark.parametrize(("field", "name"), [(field, name) for field, names in RESERVED.items() for name in names])
def test_a_parameter_that_would_undo_the_protocol(known, field, name):
    body = {
        "name": "undone", "preset": "oidc", "issuer": known.provider.origin, "grant": "authorization_code", "client_id": NEGATIVE.name,
        "client_secret": SECRET, "ca_certificate": known.provider.files.ca.read_text(), field: {name: "plain"},
    }
    answer = []
    refused(known, lambda: answer.append(known.api.http.post(f"{known.api.url}/api/v1/connections", json=body, timeout=30)) or answer[0])
    assert answer[0].json()["code"] == "parameter.reserved", answer[0].text


@pytest.mark.parametrize("role", ["viewer", "nobody"])
def test_only_who_may_begins_a_sign_in(known, role):
    key = known.keyway.ok("key", "create", f"matrix-{role}", "--role", "viewer")["token"] if role == "viewer" else "kw_visibly-fake"
    send = lambda: Api(known.api.url, key).http.post(f"{known.api.url}/api/v1/connections/{NEGATIVE.name}/authorize", timeout=30)  # noqa: E731
    refused(known, send)


def test_there_are_enough_refusals():
    listed = len(CALLBACKS) + len(PEOPLE) + sum(map(len, RESERVED.values())) + 6
    assert listed >= 60
    print(json.dumps({"positive runs": len(CASES), "refusals": listed}))
