"""Lists of any length with constant memory: what is counted is the lines that came out and the memory that the system saw."""

from __future__ import annotations

import os
import subprocess

import pytest

from support.keyway import Keyway
from support.ports import free_port
from support.processes import binary
from support.sandbox import Sandbox

LIMIT_MIB = 100


def installation(directory, sandbox):
    """A served installation with the seeded app as the connection `graph`."""
    port = free_port()
    keyway = Keyway(directory)
    keyway.declare_cloud("sandbox", sandbox.origin, sandbox.ca_file, f"http://localhost:{port}")
    keyway.serve(f"127.0.0.1:{port}")
    keyway.ok(
        "connection", "create", "graph", "--preset", "microsoft-graph", "--cloud", "sandbox", "--tenant", sandbox.tenant,
        "--grant", "client-credentials", "--client-id", sandbox.app["client_id"],
        "--client-secret-file", keyway.secret_file("secret", sandbox.app["client_secret"]),
        "--scope", "https://graph.microsoft.com/.default")
    return keyway


def peak_mib(pid: int) -> float:
    """The most memory that a process ever held; 0 when it has ended. (What `wait4` tells counts in the memory of who started it.)"""
    with open(f"/proc/{pid}/status") as status:
        return next((int(line.split()[1]) for line in status if line.startswith("VmHWM")), 0) / 1024


def stream(keyway) -> tuple[set[bytes], int, float]:
    """Reads all users as lines; answers the distinct ids, the number of lines, and the command's peak memory."""
    command = [binary(), "call", "graph", "/users?$select=id", "--all", "--output", "jsonl"]
    process = subprocess.Popen(command, env=os.environ | keyway.environment, cwd=keyway.directory, stdout=subprocess.PIPE)
    ids, lines, peak = set(), 0, 0.0
    for line in process.stdout:
        lines += 1
        ids.add(line)
        if lines % 1000 == 0:
            peak = max(peak, peak_mib(process.pid))
    assert process.wait() == 0
    assert peak > 0, "it was seen at work"
    return ids, lines, peak


def check(tmp_path, users: int) -> None:
    with Sandbox(tmp_path / "sandbox", users) as sandbox, installation(tmp_path / "keyway", sandbox) as keyway:
        ids, lines, command = stream(keyway)
        server = peak_mib(keyway.server.process.pid)
        pages = [line for line in sandbox.log() if line["path"] == "/v1.0/users"]
        print(f"{lines} users in {len(pages)} pages: the server held {server:.0f} MiB at most, the command {command:.0f} MiB")
        assert lines >= users and len(ids) == lines, "every user once"
        assert len(pages) == -(-lines // 999), "as many a page as Graph gives"
        assert server < LIMIT_MIB and command < LIMIT_MIB


def test_ten_thousand_users(tmp_path):
    check(tmp_path, 10_000)


@pytest.mark.proof
def test_a_million_users(tmp_path):
    check(tmp_path, 1_000_000)
