"""Nothing that was acknowledged is lost, and nothing is done twice, however often the server is killed.

The server is killed at random moments, and by itself at the engine's failpoints (development builds have them), while
flows are started and call an upstream that remembers every request. Then it is left alone, and everything is counted.
"""

from __future__ import annotations

import contextlib
import json
import math
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
import requests

from conftest import connect_graph
from support.figures import record
from support.keyway import Keyway
from support.ports import free_port
from support.processes import ROOT, Program, binary, chosen_seed, wait_until
from support.upstream import Seen, Upstream

PLACES = ("run-inserted", "sent-recorded", "request-sent", "answer-read", "result-committed", "before-next-step",
          "run-ended", "run-claimed")
OVER = ("completed", "faulted", "cancelled")

FLOW = """
document: {dsl: '1.0.3', namespace: crashes, name: counted, version: '1.0.0'}
do:
  - steps:
      for: {each: step, in: '[range(.steps)]'}
      do:
        - kind:
            switch:
              - read: {when: $step % 3 == 1, then: get}
              - write: {then: post}
        - get:
            call: http
            with: {method: get, endpoint: '${ "UPSTREAM/\\($workflow.input.label)/\\($step)" }'}
            then: exit
        - post:
            call: http
            with: {method: post, endpoint: '${ "UPSTREAM/\\($workflow.input.label)/\\($step)" }', body: {step: '${ $step }'}}
"""


@dataclass
class Started:
    """Runs that were acknowledged, and how many steps each has."""

    steps: dict[str, int] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)


class Starter(threading.Thread):
    """Starts runs as long as it may; what was not acknowledged is asked for again under the same key."""

    def __init__(self, url: str, token: str, dice: random.Random, started: Started) -> None:
        super().__init__(daemon=True)
        self.url, self.dice, self.started = url, dice, started
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["authorization"] = f"Bearer {token}"
        self.stop = threading.Event()
        self.number = 0

    def run(self) -> None:
        while not self.stop.is_set():
            label, steps = f"r{self.number}", self.dice.randint(3, 20)
            self.number += 1
            while not self.start_one(label, steps):
                if self.stop.wait(0.02):
                    return
            self.stop.wait(0.03)

    def start_one(self, label: str, steps: int) -> bool:
        body = {"input": {"label": label, "steps": steps}, "key": label}
        try:
            answer = self.session.post(f"{self.url}/api/v1/flows/crashes.counted/runs", json=body, timeout=10)
            if answer.status_code not in (200, 202):
                assert answer.status_code in (429, 503), answer.text
                return False
            self.started.steps[label], self.started.runs[label] = steps, answer.json()["run"]
            return True
        except requests.RequestException:
            return False


def listed(keyway: Keyway) -> dict[str, dict]:
    """All runs by their ids."""
    found, before = {}, None
    while True:
        page = keyway.ok("run", "list", "--limit", 1000, *(("--before", before) if before else ()))
        found |= {run["id"]: run for run in page["items"]}
        before = page["next"]
        if not before:
            return found


def kill_often(keyway: Keyway, port: int, kills: int, dice: random.Random, with_failpoints: bool) -> Counter:
    """Starts the server and ends it, `kills` times; answers by what it was ended."""
    how = Counter()
    for _ in range(kills):
        environment = dict(keyway.environment)
        place = dice.choice(PLACES) if with_failpoints and dice.random() < 0.5 else None
        if place:
            environment["ENGINE_FAILPOINT"] = f"{place}:{dice.randint(1, 12)}"
        server = Program([binary(), "serve", "--listen", f"127.0.0.1:{port}"], environment, keyway.directory)
        if place or dice.random() < 0.9:
            try:
                server.line(lambda line: "keyway is ready at" in line)
            except AssertionError:
                # The failpoint was met before the server said that it is ready.
                assert place and server.process.wait() < 0, server.output()
                how[place] += 1
                continue
        deadline = time.monotonic() + (1.0 if place else dice.uniform(0.02, 0.6))
        while server.process.poll() is None and time.monotonic() < deadline:
            try:
                server.process.wait(0.05)
            except Exception:  # noqa: BLE001 - not over yet
                continue
        if server.process.poll() is None:
            server.process.kill()
            how["SIGKILL"] += 1
        else:
            assert place and server.process.returncode < 0, server.output()
            how[place] += 1
        server.process.wait()
    return how


@dataclass
class Journals:
    """What the runs themselves have recorded: how often each label was started, and when the result of each path's step was, in seconds since 1970."""

    labels: Counter = field(default_factory=Counter)
    ended: dict[str, float] = field(default_factory=dict)

    def read(self, http: requests.Session, url: str, runs: dict[str, dict]) -> None:
        for run in runs:
            found = http.get(f"{url}/api/v1/runs/{run}", timeout=60).json()
            label = found["input"]["label"]
            self.labels[label] += 1
            for step in found["steps"]:
                if step["name"] in ("get", "post") and step["status"] == "completed":
                    self.ended[f"/{label}/{step['rounds'][0]}"] = datetime.fromisoformat(step["ended_at"]).timestamp()


def repeated(seen: list[Seen], ended: Mapping[str, float]) -> tuple[int, int]:
    """How many completed steps were run again, and how many POSTs were sent twice; `ended` is when the result of each path's step was recorded."""
    again, furthest, posts = 0, defaultdict(int), Counter()
    for request in seen:
        _, label, step = request.path.split("/")
        # When a later step has been asked for, or its result is recorded, a step was over. Both clocks are this machine's.
        again += int(step) < furthest[label] or request.at > ended.get(request.path, math.inf)
        furthest[label] = max(furthest[label], int(step))
        if request.method == "POST":
            posts[request.path] += 1
            posts[request.key] += 1
            assert request.key, "a POST has an idempotency key"
    return again, sum(count > 1 for count in posts.values())


def g1(directory: Path, kills: int, with_failpoints: bool) -> None:
    seed = chosen_seed()
    dice, port, began = random.Random(seed), free_port(), time.monotonic()
    keyway = Keyway(directory / "keyway")
    with Upstream() as upstream:
        flow = keyway.directory / "counted.yaml"
        flow.write_text(FLOW.replace("UPSTREAM", upstream.origin))
        keyway.ok("flow", "deploy", flow)
        key = keyway.ok("key", "create", "starter", "--role", "operator")["token"]
        started = Started()
        starter = Starter(f"http://127.0.0.1:{port}", key, dice, started)
        starter.start()
        how = kill_often(keyway, port, kills, random.Random(seed + 1), with_failpoints)
        with keyway.serve(f"127.0.0.1:{port}"):
            # What hangs in the air is acknowledged now; then nothing new.
            wait_until(lambda: not starter.stop.is_set() and starter.started.runs, "a first run")
            starter.stop.set()
            starter.join(30)

            def not_over() -> list[dict]:
                return [run for run in listed(keyway).values() if run["status"] not in OVER
                        and not any(parked["for"] == "outcome_unknown" for parked in run["parked"])]

            # Who is still stuck after five minutes is a figure, not an end.
            with contextlib.suppress(AssertionError):
                wait_until(lambda: not not_over(), "the end of all runs", 300)
            stuck, runs = not_over(), listed(keyway)
            journals = Journals()
            journals.read(starter.session, starter.url, runs)
        again, twice = repeated(upstream.seen, journals.ended)
    lost = [label for label, run in started.runs.items() if run not in runs]
    completed = [label for label, run in started.runs.items() if run in runs and runs[run]["status"] == "completed"]
    paths = {request.path for request in upstream.seen}
    unmade = [label for label in completed for step in range(started.steps[label]) if f"/{label}/{step}" not in paths]
    figures = {
        "seed": seed, "kills": sum(how.values()), "by": dict(how), "acknowledged": len(started.runs), "lost": len(lost),
        "completed": len(completed), "parked": sum(run["status"] == "parked" for run in runs.values()),
        "requests": len(upstream.seen), "steps again": again, "POSTs twice": twice, "steps missing": len(unmade),
        "stuck": len(stuck), "runs": len(runs), "seconds": round(time.monotonic() - began),
    }
    print("G1", json.dumps(figures))
    if not with_failpoints:
        clean = not (lost or stuck or again or twice or unmade)
        record("G1", f"{kills:,} kills: runs lost, steps repeated, POSTs sent twice, steps missing, runs stuck", goal=0,
               measured=len(lost) + again + twice + len(unmade) + len(stuck), passed=clean, seed=seed,
               unit=f"of {len(started.runs):,} runs and {len(upstream.seen):,} requests")
    assert figures["kills"] == kills and figures["acknowledged"] > kills / 4, figures
    assert not lost and not stuck and again == 0 and twice == 0 and not unmade, (figures, lost, stuck[:3])
    assert not [run for run in runs.values() if run["status"] in ("faulted", "cancelled")], figures
    assert all(f"/{label}/{step}" in journals.ended for label in completed for step in range(started.steps[label])), figures
    assert set(journals.labels.values()) == {1}, "a key starts one run"
    # All that was begun is acknowledged, but perhaps the last.
    assert set(journals.labels) - set(started.runs) <= {f"r{starter.number - 1}"}, figures


def test_two_hundred_kills_lose_nothing_and_repeat_nothing(tmp_path):
    g1(tmp_path, 200, with_failpoints=True)


@pytest.mark.proof
def test_a_thousand_kills_of_the_release_lose_nothing_and_repeat_nothing(tmp_path):
    g1(tmp_path, 1000, with_failpoints=False)


def test_a_server_killed_during_the_leaver_flow_goes_on_and_tells_what_happened(tmp_path, sandbox, directory):
    keyway = Keyway(tmp_path / "keyway")
    keyway.declare_cloud("sandbox", sandbox.origin, sandbox.ca_file, "http://localhost:8800")
    user = directory.user("killed-leaver")
    with keyway.serve():
        connect_graph(keyway, sandbox, directory)
        keyway.ok("flow", "deploy", ROOT / "examples" / "flows" / "block-leaver.yaml")
        # The sessions take their time, so that the server is killed in the middle.
        sandbox.fault("graph", match="revokeSignInSessions", delay_ms=20_000)
        before = len(sandbox.log())
        run = keyway.ok("flow", "start", "block-leaver", "--input", json.dumps({"user": user["id"]}))["run"]
        wait_until(lambda: any(step["name"] == "sessions" for step in keyway.ok("run", "show", run)["steps"]), "the revocation")
        keyway.server.process.kill()
        keyway.server.process.wait()
    with keyway.serve():
        watched = keyway.run("run", "watch", run)
        assert watched.code == 0, watched.stdout + watched.stderr
        shown = keyway.run("run", "show", run).stdout
        found = keyway.ok("run", "show", run)
    assert found["output"] == {"user": user["id"], "blocked": True, "revoked": True}
    for part in ("completed", "block", "revoke", "sessions", "HTTP 204", "HTTP 200"):
        assert part in shown, shown
    assert [step["name"] for step in found["steps"]].count("block") == 1
    assert len(directory.calls(before, "PATCH", f"/users/{user['id']}")) == 1, "the completed step was not run again"


POST_ONCE = """
document: {dsl: '1.0.3', namespace: crashes, name: once, version: '1.0.0'}
do:
  - send:
      call: http
      with: {method: post, endpoint: UPSTREAM/order, body: {n: 1}}
      metadata: {keyway: {onOutcomeUnknown: POLICY}}
"""


def killed_before_the_answer_is_stored(keyway: Keyway, upstream: Upstream, policy: str) -> str:
    """Deploys a flow with one POST and ends the server when it has read the answer; answers the run."""
    flow = keyway.directory / "once.yaml"
    flow.write_text(POST_ONCE.replace("UPSTREAM", upstream.origin).replace("POLICY", policy))
    keyway.ok("flow", "deploy", flow)
    with Program([binary(), "serve", "--listen", "127.0.0.1:0"], keyway.environment | {"ENGINE_FAILPOINT": "answer-read:1"},
                 keyway.directory) as server:
        server.line(lambda line: "keyway is ready at" in line)
        run = keyway.ok("flow", "start", "once")["run"]
        assert server.process.wait(30) < 0
    assert [request.path for request in upstream.seen] == ["/order"]
    return run


def test_a_post_whose_answer_was_lost_waits_for_somebody_who_knows(tmp_path):
    keyway = Keyway(tmp_path / "keyway")
    with Upstream() as upstream:
        run = killed_before_the_answer_is_stored(keyway, upstream, "park")
        with keyway.serve():
            parked = wait_until(lambda: keyway.ok("run", "show", run)["parked"], "the run is parked")
            assert parked[0]["for"] == "outcome_unknown", parked
            told = " ".join(keyway.run("run", "show", run).stdout.split())
            assert f"keyway run resolve {run} --command '/do/0/send'" in told, told
            keyway.ok("run", "resolve", run, "--outcome", "completed", "--output", '{"order": 7}')
            watched = keyway.run("run", "watch", run)
            assert watched.code == 0 and "a person said what became of it" in watched.stdout, watched
            assert keyway.ok("run", "show", run)["output"] == {"order": 7}
        assert len(upstream.seen) == 1


def test_a_post_that_may_be_made_twice_is_made_again_under_the_same_key(tmp_path):
    keyway = Keyway(tmp_path / "keyway")
    with Upstream() as upstream:
        run = killed_before_the_answer_is_stored(keyway, upstream, "retry")
        with keyway.serve():
            assert keyway.run("run", "watch", run).code == 0
        first, second = upstream.seen
        assert first.key == second.key is not None
        # So the counting of the test above can fail.
        assert repeated([Seen("POST", "/r0/0", first.key), Seen("POST", "/r0/0", second.key)], {}) == (0, 2)
        assert repeated([Seen("GET", "/r0/1", None), Seen("GET", "/r0/0", None)], {}) == (1, 0)
        assert repeated([Seen("GET", "/r0/0", None, at=at) for at in (1.0, 3.0)], {"/r0/0": 2.0}) == (1, 0)
