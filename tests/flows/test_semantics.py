"""A run that an older program began, taken up by this one: it goes on under the meaning that it began with."""

from __future__ import annotations

import sqlite3

from support.keyway import Keyway
from support.processes import wait_until

FLOW = """document: {dsl: '1.0.3', namespace: test, name: waits, version: 1.0.0}
do:
  - hear: {listen: {to: {one: {with: {type: com.contoso.go}}}}}
  - said: {set: '${ $runtime.version }'}
"""
UNKNOWN = 99


def begun(keyway: Keyway) -> str:
    run = keyway.ok("flow", "start", "test.waits")["run"]
    wait_until(lambda: keyway.ok("run", "show", run)["status"] == "waiting", "the run listens")
    return run


def test_a_run_of_another_version(tmp_path):
    keyway = Keyway(tmp_path / "keyway")
    flow = keyway.directory / "waits.yaml"
    flow.write_text(FLOW)
    with keyway.serve():
        keyway.ok("flow", "deploy", flow)
        ours, older, newer = begun(keyway), begun(keyway), begun(keyway)
    database = sqlite3.connect(keyway.data / "keyway.db")
    with database:
        current = database.execute("SELECT DISTINCT semantics FROM runs").fetchall()
        database.executemany("UPDATE runs SET semantics = ? WHERE id = ?", [(1, older), (UNKNOWN, newer)])
    database.close()
    assert len(current) == 1 and 1 < current[0][0] < UNKNOWN
    with keyway.serve():
        keyway.ok("event", "send", "--type", "com.contoso.go")

        def ended(run: str) -> dict | None:
            shown = keyway.run("--json", "run", "show", run).json
            return shown if shown.get("status") in ("completed", "faulted") else None

        assert wait_until(lambda: ended(older), "the run of an older program")["output"] == "1"
        assert wait_until(lambda: ended(ours), "a run of this program")["output"] == str(current[0][0])
        wait_until(lambda: newer in [run["id"] for run in keyway.ok("run", "list", "--status", "faulted")["items"]], "the unknown one ends")
        refused = keyway.run("--json", "run", "show", newer)
        assert "run.semantics_unknown" in refused.stdout and str(UNKNOWN) in refused.stdout, refused
