"""One renewal per expiry, whoever asks: counted in the sandbox's own log, never by Keyway."""

from __future__ import annotations

import signal
import threading
import time

import pytest
import requests

from support.figures import record
from support.keyway import Keyway
from support.ports import free_port
from support.postgres import Postgres
from support.processes import allow_many_files, wait_until
from support.storm import storm

CALLS = 10_000
DEFAULT = "https://graph.microsoft.com/.default"


def installation(directory, sandbox, environment=None):
    """A served installation that knows the sandbox as a cloud."""
    port = free_port()
    keyway = Keyway(directory, environment)
    keyway.declare_cloud("sandbox", sandbox.origin, sandbox.ca_file, f"http://localhost:{port}")
    return keyway.serve(f"127.0.0.1:{port}")


def expired_connection(keyway, sandbox, name, *options):
    """An app-only connection whose token's life is over, and its own client so that its requests can be told apart."""
    app = sandbox.register(name, application=("User.Read.All",))
    sandbox.grant_admin_consent(app)
    sandbox.lifetimes(1)
    keyway.ok(
        "connection", "create", name, "--preset", "microsoft-graph", "--cloud", "sandbox", "--tenant", sandbox.tenant,
        "--grant", "client-credentials", "--client-id", app.client_id,
        "--client-secret-file", keyway.secret_file(name, app.secret), "--scope", DEFAULT, *options)
    sandbox.lifetimes(3600)
    keyway.wait_for_expiry(name)
    return app


def operator_key(keyway):
    return keyway.ok("key", "create", "storm", "--role", "operator")["token"]


def graph_tokens(sandbox, after):
    """The tokens that Graph saw since a position in the log."""
    return {line["token_fingerprint"] for line in sandbox.log() if line["seq"] > after and line["path"].startswith("/v1.0/users")}


def assert_one_renewal(sandbox, servers, key, name, app, *, figure, calls, delay_ms, pass_through=False):
    before = sandbox.token_requests(app.client_id)
    position = sandbox.log()[-1]["seq"]
    sandbox.fault("token", delay_ms=delay_ms)
    result = storm(servers, key, name, "/users?$top=1", calls, pass_through=pass_through)
    renewals = sandbox.token_requests(app.client_id)[len(before):]
    tell(f"G3.{figure}", f"token requests for {calls:,} calls on an expired token ({figure})", result, calls, len(renewals))
    assert result.statuses == {200: calls}, result
    assert not result.failures, result
    assert [each["status"] for each in renewals] == [200], renewals
    assert len(graph_tokens(sandbox, position)) == 1
    return result


def tell(id, name, result, calls, renewals):
    passed = renewals == 1 and result.statuses == {200: calls} and not result.failures
    record(id, name, goal=1, measured=renewals, unit="requests", passed=passed)


@pytest.mark.parametrize("wanted", [2000, pytest.param(CALLS, marks=pytest.mark.proof)])
def test_many_calls_on_an_expired_token(sandbox, tmp_path, wanted):
    calls = min(wanted, (allow_many_files() - 500) // 100 * 100)
    with installation(tmp_path / "one", sandbox) as keyway:
        app = expired_connection(keyway, sandbox, "storm")
        assert_one_renewal(sandbox, [keyway.url], operator_key(keyway), "storm", app, figure="one process", calls=calls, delay_ms=5000)


@pytest.mark.parametrize(("processes", "wanted"), [(2, 2000), pytest.param(4, CALLS, marks=pytest.mark.proof)])
def test_many_calls_on_several_processes(sandbox, tmp_path, processes, wanted):
    calls = min(wanted, (allow_many_files() - 500) // 100 * 100)
    with Postgres() as postgres:
        environment = {"KEYWAY_DATABASE": postgres.url}
        running = [installation(tmp_path / "shared", sandbox, environment)]
        try:
            running += [installation_beside(running[0], sandbox, environment) for _ in range(processes - 1)]
            # What is shown is the renewal: few connections to the API are opened at once, however slow the machine is.
            app = expired_connection(running[0], sandbox, f"storm{processes}", "--concurrency", 64 // processes)
            key = operator_key(running[0])
            servers = [each.url for each in running]
            assert_one_renewal(sandbox, servers, key, f"storm{processes}", app, figure=f"{processes} processes", calls=calls,
                               delay_ms=5000, pass_through=True)
            # Each has had its share: one process alone would show nothing.
            assert [calls_through(each) for each in servers] == [calls // processes] * processes
        finally:
            for each in running:
                each.stop()


def calls_through(server):
    """How many calls a process has made, by its own count."""
    lines = requests.get(f"{server}/metrics", timeout=30).text.splitlines()
    return sum(int(line.split()[-1]) for line in lines if line.startswith("keyway_calls_total{"))


def installation_beside(first, sandbox, environment):
    """Another process on the same database and key. All call themselves by the public address, which is the first one's."""
    del sandbox
    keyway = Keyway(first.directory, environment)
    keyway.environment = dict(first.environment)
    listen = f"127.0.0.1:{free_port()}"
    keyway.serve(listen).url = f"http://{listen}"
    return keyway


@pytest.mark.proof
def test_slow_token_endpoint(sandbox, tmp_path):
    allow_many_files()
    with installation(tmp_path / "slow", sandbox) as keyway:
        app = expired_connection(keyway, sandbox, "slow")
        assert_one_renewal(sandbox, [keyway.url], operator_key(keyway), "slow", app, figure="provider takes 25 s",
                           calls=CALLS, delay_ms=25_000)


@pytest.mark.parametrize("wanted", [1000, pytest.param(CALLS, marks=pytest.mark.proof)])
def test_a_token_that_died_early_is_renewed_once_for_everybody(wanted, sandbox, tmp_path):
    """A storm of 401: Graph refuses the token that Keyway thinks fresh, because the provider's clock is hours ahead."""
    calls = min(wanted, (allow_many_files() - 500) // 100 * 100)
    with installation(tmp_path / "dead", sandbox) as keyway:
        app = expired_connection(keyway, sandbox, "dead")
        keyway.ok("call", "dead", "/users")
        key, before = operator_key(keyway), len(sandbox.token_requests(app.client_id))
        position = sandbox.log()[-1]["seq"]
        sandbox.clock(2 * 3600)
        sandbox.fault("token", delay_ms=1000)
        try:
            result = storm([keyway.url], key, "dead", "/users?$top=1", calls, pass_through=False)
        finally:
            sandbox.clock(0)
        renewals = len(sandbox.token_requests(app.client_id)) - before
        tell("G3.401 storm", f"token requests for {calls:,} calls that were refused with 401", result, calls, renewals)
        assert result.statuses == {200: calls}, result
        assert not result.failures, result
        assert renewals == 1
        refused = [line for line in sandbox.log() if line["seq"] > position and line["status"] == 401]
        assert len(refused) > 1, "nobody met the dead token: the test shows nothing"


def signed_in(keyway, sandbox, name):
    """A connection that a person signs in to."""
    keyway.browse_as(sandbox.browser(sandbox.users[1]))
    return keyway.ok(
        "connection", "create", name, "--preset", "microsoft-graph", "--cloud", "sandbox", "--tenant", sandbox.tenant,
        "--grant", "authorization-code", "--client-id", sandbox.app["client_id"], "--scope", "User.Read offline_access",
        "--client-secret-file", keyway.secret_file("client.secret", sandbox.app["client_secret"]))


def test_a_sign_in_that_another_process_finishes_is_noticed(sandbox, tmp_path):
    """The command asks the process that started last; the browser comes back to the first, which still exchanges the code."""
    with Postgres() as postgres:
        with installation(tmp_path / "shared", sandbox, {"KEYWAY_DATABASE": postgres.url}) as first:
            with installation_beside(first, sandbox, first.environment):
                sandbox.fault("token", match="grant_type=authorization_code", delay_ms=2000)
                assert signed_in(first, sandbox, "elsewhere")["state"] == "ok"


@pytest.mark.proof
def test_a_process_that_stands_still_while_it_renews_overwrites_nothing(sandbox, tmp_path):
    """Stopped with its request under way, and continued when another process has long renewed."""
    with Postgres() as postgres:
        environment = {"KEYWAY_DATABASE": postgres.url}
        first = installation(tmp_path / "shared", sandbox, environment)
        second = installation_beside(first, sandbox, environment)
        try:
            # A test renews no token that lives.
            sandbox.lifetimes(1)
            signed_in(first, sandbox, "still")
            sandbox.lifetimes(3600)
            time.sleep(1.2)
            headers = {"authorization": f"Bearer {operator_key(first)}"}

            def ask(keyway, what):
                return requests.request(
                    "GET" if what == "" else "POST", f"{keyway.url}/api/v1/connections/still{what}", headers=headers, timeout=120).json()

            before = ask(second, "")["token"]["generation"]
            sandbox.fault("token", match="grant_type=refresh_token", delay_ms=1000)
            answers = []
            asking = threading.Thread(target=lambda: answers.append(ask(first, "/test")))
            asking.start()
            wait_until(lambda: not sandbox.faults(), "the token request is at the provider")
            stopped = time.monotonic()
            first.server.process.send_signal(signal.SIGSTOP)
            # The lease of the one that stands still lapses; then the other one renews.
            renewed = wait_until(lambda: (card := ask(second, "/test"))["token"]["generation"] > before and card, "a renewal", 90)
            wait_until(lambda: time.monotonic() - stopped > 60, "a minute", 90)
            first.server.process.send_signal(signal.SIGCONT)
            asking.join(60)
            after, answered = ask(second, ""), answers[0] if answers else {}
            kept = after["token"]["generation"] == renewed["token"]["generation"] and after["state"] == answered.get("state") == "ok"
            # What is stored still works, for both.
            working = [ask(keyway, "/test")["state"] for keyway in (first, second)]
            passed = kept and working == ["ok", "ok"]
            record("G3.stopped", "tokens lost or overwritten by a process that stood still for 60 s while it renewed", goal=0,
                   measured=int(not passed), unit="tokens", passed=passed)
            assert passed, (before, renewed, after, answered, working)
        finally:
            first.server.process.send_signal(signal.SIGCONT)
            second.stop()
            first.stop()
