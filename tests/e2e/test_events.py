"""An event of the installation starts a flow once, also when the server dies between starting it and noting that."""

from __future__ import annotations

from collections import Counter

from support.keyway import Keyway
from support.postgres import free_port
from support.processes import wait_until

FLOW = """
document: {dsl: 1.0.3, namespace: ops, name: watch, version: 1.0.0}
schedule: {on: {one: {with: {type: dev.keyway.connection.state}}}}
do:
  - note: {set: '${ .[0].data }'}
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
    return Counter((data["connection"]["name"], data["from"], data["to"]) for data in told if data)


def test_a_server_killed_between_telling_and_noting_starts_no_flow_twice(tmp_path):
    keyway = Keyway(tmp_path / "keyway")
    # The same address each time: it is the source of the installation's events.
    listen = f"127.0.0.1:{free_port()}"
    with keyway.serve(listen):
        (keyway.directory / "watch.yaml").write_text(FLOW)
        keyway.ok("flow", "deploy", "watch.yaml")
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
