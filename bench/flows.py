"""The flows part of `make bench`: hook → one call through a connection → answer, with every run durable.

What the disk and the upstream take is measured in the same rounds, on the same file system, with nothing else going on.
Runs are counted by the server's own metrics: a load generator can't tell an answer from an acknowledgement.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Callable
from urllib.parse import urlsplit

from support.keyway import Keyway
from support.ports import free_port
from support.processes import wait_until

ROOT = Path(__file__).resolve().parent.parent
SLEEPING = 100_000

HOOKED = """document:
  dsl: 1.0.3
  namespace: bench
  name: {name}
  version: 1.0.0
  metadata: {{keyway: {{webhooks: {{go: {{authentication: apiKey{wait}}}}}}}}}
use: {{secrets: [bench]}}
do:
{tasks}
"""
CALL = """  - users:
      call: http
      with: {method: get, endpoint: {uri: /v1.0/users, authentication: {oauth2: {use: bench}}}}
"""
TEN = "".join(f"  - step{number}: {{set: {{n: '${{ .n + 1 }}'}}}}\n" for number in range(10))
SLEEP = "  - sleeps: {wait: P30D}\n"
POST = """wrk.method = "POST"
wrk.body = "{\\"n\\": 0}"
wrk.headers["Content-Type"] = "application/json"
"""
# A hook takes 10,000 messages a second, and no more: the load goes to several in turn.
IN_TURN = POST + """local hooks, at = {%s}, 0
request = function()
  at = at %% #hooks + 1
  return wrk.format(nil, hooks[at])
end
"""


def fsync_p50_us(directory: Path, times: int = 200) -> float:
    """How long the disk takes to keep one page of a log that is already allocated, in microseconds."""
    taken = []
    path = directory / "fsync"
    with path.open("wb", buffering=0) as file:
        file.write(bytes(4096 * times))
        os.fsync(file.fileno())
        for page in range(times):
            os.pwrite(file.fileno(), b"x" * 4096, page * 4096)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - began) * 1e6)
    path.unlink()
    return statistics.median(taken)


def metric(keyway: Keyway, name: str) -> float:
    """A figure of the server's own; 0 if it was never counted."""
    with urllib.request.urlopen(f"{keyway.url}/metrics", timeout=60) as answer:
        found = re.search(rf"^{re.escape(name)} (\S+)$", answer.read().decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def deploy(keyway: Keyway, key: str, name: str, tasks: str, wait: str = ", wait: PT30S") -> str:
    """Deploys a flow and answers the address of its hook."""
    source = HOOKED.format(name=name, wait=wait, tasks=tasks)
    request = urllib.request.Request(
        f"{keyway.url}/api/v1/flows", json.dumps({"source": source}).encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60):
        return f"{keyway.url}/hooks/bench.{name}/go"


def resident_mb(keyway: Keyway) -> float:
    status = Path(f"/proc/{keyway.server.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def hooks(directory: Path, upstream: str, load: Callable, rounds: int, seconds: int) -> dict:
    """Runs a second with 64 clients, and what one client waits, beside the disk and the upstream."""
    port = free_port()
    found: dict[str, list] = {"call_64": [], "call_1": [], "ten_64": [], "upstream_1": [], "fsync_us": []}
    with Keyway(directory / "hooks", {"KEYWAY_PUBLIC_URL": f"http://localhost:{port}"}).serve(f"127.0.0.1:{port}") as keyway:
        keyway.ok(
            "connection", "create", "bench", "--grant", "client-credentials", "--token-url", f"{upstream}/token",
            "--base-url", upstream, "--client-id", "bench", "--scope", "bench",
            "--client-secret-file", keyway.secret_file("secret", "visibly-fake-secret"))
        admin = keyway.ok("key", "create", "deploys", "--role", "admin")["token"]
        key = keyway.ok("key", "create", "bench", "--role", "operator")["token"]
        call, tens = deploy(keyway, admin, "call", CALL), [deploy(keyway, admin, f"ten{each}", TEN) for each in range(4)]
        script, in_turn = directory / "post.lua", directory / "in_turn.lua"
        script.write_text(POST)
        in_turn.write_text(IN_TURN % ", ".join(f'"{urlsplit(hook).path}"' for hook in tens))
        load(call, 64, 2, key, script)
        for _ in range(rounds):
            before = metric(keyway, 'keyway_runs_total{status="completed"}')
            found["call_64"].append(load(call, 64, seconds, key, script))
            counted = metric(keyway, 'keyway_runs_total{status="completed"}') - before
            if counted < found["call_64"][-1]["rps"] * seconds * 0.98:
                sys.exit(f"only {counted:,.0f} runs were completed: hooks were answered before the end of their runs")
            found["ten_64"].append(load(tens[0], 64, seconds, key, in_turn))
            found["fsync_us"].append(fsync_p50_us(keyway.data))
            found["upstream_1"].append(load(f"{upstream}/v1.0/users", 1, seconds))
            found["call_1"].append(load(call, 1, seconds, key, script))

    def median(name: str, figure: str) -> float:
        return statistics.median(each[figure] for each in found[name])

    # of the rounds the one in which the disk was quickest: a disk that was busy must not make the goal easier
    fsync, direct = min(found["fsync_us"]), median("upstream_1", "p50_us")
    return {
        "runs_per_second_64": median("call_64", "rps"), "p50_us_64": median("call_64", "p50_us"),
        "p50_us_1": median("call_1", "p50_us"), "fsync_p50_us": fsync, "upstream_p50_us": direct,
        "p50_goal_us_1": 3 * fsync + direct + 2_000,
        "ten_steps_per_second_64": median("ten_64", "rps") * 10, "rounds": found,
    }


def sleepers(directory: Path, load: Callable) -> dict:
    """How much memory runs take that wait for a month, and how long it takes to begin them."""
    port = free_port()
    with Keyway(directory / "sleepers", {"KEYWAY_PUBLIC_URL": f"http://localhost:{port}"}).serve(f"127.0.0.1:{port}") as keyway:
        admin = keyway.ok("key", "create", "deploys", "--role", "admin")["token"]
        key = keyway.ok("key", "create", "bench", "--role", "operator")["token"]
        address = deploy(keyway, admin, "sleep", SLEEP, wait="")
        script = directory / "post.lua"
        script.write_text(POST)

        def asleep() -> float:
            return metric(keyway, 'keyway_runs{status="waiting"}')

        load(address, 16, 1, key, script, refusals=True)
        wait_until(lambda: metric(keyway, "keyway_runs_live") == 0, "the first sleepers")
        first, before, began = asleep(), resident_mb(keyway), time.perf_counter()
        while asleep() < first + SLEEPING:
            load(address, 16, 5, key, script, refusals=True)
        took = time.perf_counter() - began
        wait_until(lambda: metric(keyway, "keyway_runs_live") == 0, "everybody to sleep")
        count = asleep() - first
        time.sleep(2)
        grown = resident_mb(keyway) - before
        keyway.stop()
        keyway.serve(f"127.0.0.1:{port}")
        restarted = resident_mb(keyway)
    return {
        "runs": count, "seconds": took, "rss_before_mb": before, "rss_grown_mb": grown,
        "rss_grown_mb_per_100000": grown * SLEEPING / count, "rss_after_restart_mb": restarted,
    }


def machine() -> list[dict]:
    """Steps a second of the machine alone, by kind of flow."""
    command = ["cargo", "run", "--release", "--locked", "--quiet", "--package", "flow", "--example", "speed"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in said.splitlines()]


def report(figures: dict) -> None:
    """The figures for people, each beside what it has to reach."""
    hook, sleep = figures["hooks"], figures["sleepers"]
    print(f"\nhook, call, answer; 64 clients            {hook['runs_per_second_64']:,.0f} runs/s, p50 {hook['p50_us_64'] / 1e3:.1f} ms      at least 2,000")
    print(f"the same; 1 client                        p50 {hook['p50_us_1'] / 1e3:.2f} ms      at most {hook['p50_goal_us_1'] / 1e3:.2f} ms: "
          f"3 x fsync ({hook['fsync_p50_us'] / 1e3:.2f} ms) + upstream ({hook['upstream_p50_us'] / 1e3:.2f} ms) + 2 ms")
    print(f"ten steps without I/O; 64 clients         {hook['ten_steps_per_second_64']:,.0f} steps/s      at least 5,000")
    print(f"{sleep['runs']:,.0f} sleeping runs                   {sleep['rss_grown_mb']:.0f} MB more ({sleep['rss_grown_mb_per_100000']:.0f} MB per 100,000)      "
          f"under 50 (after a restart: {sleep['rss_after_restart_mb']:.0f} MB in all)")
    for each in figures["machine"]:
        print(f"machine alone, {each['flow']:<27}{each['steps_per_second']:,.0f} steps/s")
