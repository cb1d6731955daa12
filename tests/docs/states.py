"""A connection in each of its states, and what a call through it answers then."""

from __future__ import annotations

import sqlite3

from support.keyway import Answer, Keyway
from support.processes import Program, binary, wait_until
from support.sandbox import Sandbox

from e2e.test_failures import app_only, call, call_until_refused, delegated


def stands(keyway: Keyway, state: str) -> None:
    assert keyway.ok("connection", "show", "graph")["state"] == state


def expired(keyway: Keyway, sandbox: Sandbox) -> None:
    """A connection whose token has ended; those that come after it live for an hour."""
    sandbox.lifetimes(1)
    app_only(keyway, sandbox, "graph")
    sandbox.lifetimes(3600)
    keyway.wait_for_expiry("graph")


def works(keyway: Keyway, sandbox: Sandbox) -> Answer:
    app_only(keyway, sandbox, "graph")
    stands(keyway, "ok")
    return call(keyway, "graph")


def renewing(keyway: Keyway, sandbox: Sandbox) -> Answer:
    expired(keyway, sandbox)
    sandbox.fault("token", delay_ms=10_000)
    with Program([binary(), "--json", "call", "graph", "/users"], keyway.environment, keyway.directory) as waiting:
        wait_until(lambda: keyway.ok("connection", "show", "graph")["state"] == "renewing", "the renewal")
        code = waiting.process.wait(30)
        return Answer(code, waiting.output(), "")


def never_authorized(keyway: Keyway, sandbox: Sandbox) -> Answer:
    secret = keyway.secret_file("graph.secret", sandbox.app["client_secret"])
    keyway.ok(
        "connection", "create", "graph", "--preset", "microsoft-graph", "--cloud", "sandbox", "--tenant", sandbox.tenant,
        "--grant", "authorization-code", "--client-id", sandbox.app["client_id"], "--client-secret-file", secret,
        "--scope", "User.Read offline_access", "--no-authorize")
    stands(keyway, "never_authorized")
    return call(keyway, "graph", "/me")


def needs_user(keyway: Keyway, sandbox: Sandbox) -> Answer:
    sandbox.lifetimes(1)
    delegated(keyway, sandbox, "graph", scope="User.Read")
    sandbox.lifetimes(3600)
    refused = call_until_refused(keyway, "graph")
    stands(keyway, "needs_user")
    return refused


def needs_admin(keyway: Keyway, sandbox: Sandbox) -> Answer:
    app = sandbox.register("state: needs an administrator", delegated=("User.Read.All",))
    delegated(keyway, sandbox, "graph", client_id=app.client_id, secret=app.secret, scope="User.Read.All offline_access")
    stands(keyway, "needs_admin")
    return call(keyway, "graph")


def needs_secret(keyway: Keyway, sandbox: Sandbox) -> Answer:
    app_only(keyway, sandbox, "graph", secret="visibly-fake-wrong-secret")
    stands(keyway, "needs_secret")
    return call(keyway, "graph")


def needs_settings(keyway: Keyway, sandbox: Sandbox) -> Answer:
    app_only(keyway, sandbox, "graph", scope="User.Read.All")
    stands(keyway, "needs_settings")
    return call(keyway, "graph")


def waiting(keyway: Keyway, sandbox: Sandbox) -> Answer:
    sandbox.fault("token", status=429, retry_after=600)
    app_only(keyway, sandbox, "graph")
    stands(keyway, "waiting")
    return call(keyway, "graph")


def degraded(keyway: Keyway, sandbox: Sandbox) -> Answer:
    sandbox.fault("token", status=503, times=50)
    app_only(keyway, sandbox, "graph")
    stands(keyway, "degraded")
    return call(keyway, "graph")


def unreadable(keyway: Keyway, sandbox: Sandbox) -> Answer:
    """One byte of what is sealed is another, the token has ended, and then what the page says cures it."""
    expired(keyway, sandbox)
    keyway.stop()
    with sqlite3.connect(keyway.data / "keyway.db") as database:
        sealed = bytearray(database.execute("SELECT sealed FROM connections").fetchone()[0])
        sealed[-1] ^= 1
        database.execute("UPDATE connections SET sealed = ?", (bytes(sealed),))
    database.close()
    keyway.serve()
    stands(keyway, "unreadable")
    answered = call(keyway, "graph")
    secret = keyway.secret_file("again.secret", sandbox.app["client_secret"])
    keyway.ok("connection", "change", "graph", "--client-secret-file", secret)
    assert keyway.ok("connection", "test", "graph")["state"] == "ok"
    return answered


PROVOKED = {
    "ok": works,
    "renewing": renewing,
    "never_authorized": never_authorized,
    "needs_user": needs_user,
    "needs_admin": needs_admin,
    "needs_secret": needs_secret,
    "needs_settings": needs_settings,
    "waiting": waiting,
    "degraded": degraded,
    "unreadable": unreadable,
}
