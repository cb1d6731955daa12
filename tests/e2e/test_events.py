"""An event of the installation starts a flow once and is heard once, also when the server dies between telling and noting that."""

from __future__ import annotations

from collections import Counter

from support.keyway import Keyway
from support.ports import free_port
from support.processes import wait_until

FLOW = """
document: {dsl: 1.0.3, namespace: ops, name: watch, version: 1.0.0}
schedule: {on: {one: {with: {type: dev.keyway.connection.state}}}}
do:
  - note: {set: '${ .[0].data }'}
"""
HEARS = """
document: {dsl: 1.0.3, namespace: ops, name: hears, version: 1.0.0}
do:
  - hear: {listen: {to: {any: [{with: {type: dev.keyway.connection.state}}], until: {one: {with: {type: com.contoso.over}}}}}}
"""


def break_connection(keyway: Keyway, name: str) -> None:
    """Makes one whose token endpoint nobody listens at: the proof fails, which is a change of its state."""
    keyway.run(
        "connection", "create", name, "--grant", "client-credentials", "--token-url", "http://127.0.0.1:1/token",
        "--base-url", "http://127.0.0.1:1", "--client-id", "fake", "--scope", "fake",
        "--client-secret-file", keyway.secret_file(name, "visibly-fake-secret"))


def started_for(keyway: Keyway) -> Counter:
    """How many runs each change of a connection started."""
    runs = keyway.ok("run", "list")["items"]
    told = [keyway.ok("run", "show", run["id"]).get("output") or {} for run in runs]
    return Counter(change(data) for data in told if isinstance(data, dict) and data)


def change(data: dict) -> tuple:
    return data["connection"]["name"], data["from"], data["to"]


def test_a_server_killed_between_telling_and_noting_repeats_nothing(tmp_path):
    keyway = Keyway(tmp_path / "keyway")
    # The same address each time: it is the source of the installation's events.
    listen = f"127.0.0.1:{free_port()}"
    with keyway.serve(listen):
        for name, text in ("watch", FLOW), ("hears", HEARS):
            (keyway.directory / f"{name}.yaml").write_text(text)
            keyway.ok("flow", "deploy", f"{name}.yaml")
        hears = keyway.ok("flow", "start", "ops.hears")["run"]
        wait_until(lambda: keyway.ok("run", "show", hears)["status"] == "waiting", "the run listens")
    keyway.environment["ENGINE_FAILPOINT"] = "event-told:1"
    server = keyway.serve(listen).server
    break_connection(keyway, "first")
    assert server.process.wait(30) < 0, server.output()
    del keyway.environment["ENGINE_FAILPOINT"]
    with keyway.serve(listen):
        # Events are told in their order: when the second one has started its flow, the first was told again.
        break_connection(keyway, "second")
        started = wait_until(lambda: (seen := started_for(keyway)) and {name for name, *_ in seen} == {"first", "second"} and seen,
                             "both changes have started the flow")
        assert set(started.values()) == {1}, started
        # A run is told before flows are started, so it has both by now.
        keyway.ok("event", "send", "--type", "com.contoso.over", "--data", "{}")
        done = wait_until(lambda: (run := keyway.ok("run", "show", hears))["status"] == "completed" and run, "the run has heard enough")
        heard = Counter(change(data) for data in done["output"])
        assert {name for name, *_ in heard} == {"first", "second"} and set(heard.values()) == {1}, heard
