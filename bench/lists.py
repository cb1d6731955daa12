"""A list of a million users through `keyway call --all`, beside a bare loop of the same HTTP client over the same pages."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from pathlib import Path

from support.keyway import Keyway
from support.ports import free_port
from support.processes import ROOT, binary
from support.sandbox import Sandbox

PATH = "/users?$select=id,displayName,userPrincipalName"


def peak_mb(pid: int) -> float:
    """The most memory that a process ever held; 0 when it has ended. (What `wait4` tells counts in the memory of who started it.)"""
    status = Path(f"/proc/{pid}/status").read_text()
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0) / 1024


def bare(sandbox: Sandbox, token: str) -> dict:
    """The loop: users, and users per second."""
    command = [str(built()), f"{sandbox.origin}/v1.0{PATH}&$top=999", sandbox.ca_file]
    said = json.loads(subprocess.run(command, input=token, capture_output=True, text=True, check=True).stdout)
    return {"users": said["users"], "per_second": said["users"] / said["seconds"]}


def built() -> Path:
    """The loop's program, of the same build as the binary that is measured."""
    subprocess.run(
        ["cargo", "build", "--quiet", "--release", "--locked", "--package", "connect", "--example", "bare"], cwd=ROOT, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "examples" / "bare"


def ours(keyway: Keyway) -> dict:
    """`keyway call --all`, its lines counted as they come."""
    command = [binary(), "call", "graph", PATH, "--all", "--output", "jsonl"]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | keyway.environment, cwd=keyway.directory, stdout=subprocess.PIPE)
    users = peak = 0
    while piece := process.stdout.read(1 << 20):
        users += piece.count(b"\n")
        peak = max(peak, peak_mb(process.pid))
    seconds = time.perf_counter() - began
    assert process.wait() == 0, "keyway call ended badly"
    return {"users": users, "per_second": users / seconds, "command_mb": peak}


def measure(directory: Path, users: int, rounds: int) -> dict:
    """Both in turn, on the same sandbox."""
    port = free_port()
    with Sandbox(directory / "lists-sandbox", users) as sandbox:
        keyway = Keyway(directory / "lists")
        keyway.declare_cloud("sandbox", sandbox.origin, sandbox.ca_file, f"http://localhost:{port}")
        with keyway.serve(f"127.0.0.1:{port}"):
            keyway.ok(
                "connection", "create", "graph", "--preset", "microsoft-graph", "--cloud", "sandbox", "--tenant", sandbox.tenant,
                "--grant", "client-credentials", "--client-id", sandbox.app["client_id"],
                "--client-secret-file", keyway.secret_file("secret", sandbox.app["client_secret"]),
                "--scope", "https://graph.microsoft.com/.default")
            token = sandbox.app_token()
            measured = {"bare": [], "keyway": []}
            for _ in range(rounds):
                measured["bare"].append(bare(sandbox, token))
                measured["keyway"].append(ours(keyway))
            server = peak_mb(keyway.server.process.pid)
    ratios = [ours["per_second"] / loop["per_second"] for ours, loop in zip(measured["keyway"], measured["bare"])]
    counted = {each["users"] for rounds in measured.values() for each in rounds}
    assert len(counted) == 1, f"both must read the same list: {counted}"
    return {
        "users": counted.pop(),
        "bare_per_second": statistics.median(each["per_second"] for each in measured["bare"]),
        "keyway_per_second": statistics.median(each["per_second"] for each in measured["keyway"]),
        "ratio": statistics.median(ratios), "ratios": ratios, "server_mb": server,
        "command_mb": max(each["command_mb"] for each in measured["keyway"]),
    }


def report(figures: dict) -> None:
    print(f"\n{figures['users']:,} users by call --all           {figures['keyway_per_second']:,.0f} users/s")
    print(f"  against a bare loop                     {figures['ratio']:.2f}      at least 0.8 (the loop: {figures['bare_per_second']:,.0f} users/s)")
    print(f"  memory: server, command                 {figures['server_mb']:.0f} MB, {figures['command_mb']:.0f} MB   under 100 each")
