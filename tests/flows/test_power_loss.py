"""What was acknowledged outlasts a power cut: the disk is what was synchronised, nothing else.

A small library that is loaded before the server keeps each file of the data directory as it was at its last fsync. After
a kill, the installation is put together from that alone.
"""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest
import requests

from support.figures import record
from support.keyway import Keyway
from support.processes import ROOT, Program, binary, chosen_seed

FLOW = """
document: {dsl: '1.0.3', namespace: power, name: kept, version: '1.0.0'}
do:
  - first: {set: {n: '${ .n }'}}
  - later: {wait: {hours: 1}}
"""


@pytest.fixture(scope="session")
def library(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("power") / "power.so"
    source = ROOT / "tests" / "support" / "power.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", made, source], check=True)
    return made


def image(keyway: Keyway, library: Path, kept: Path, fault: str | None, starts: int) -> set[str]:
    """Serves until `starts` runs are acknowledged, kills, and answers the runs; `kept` is then what the disk holds."""
    kept.mkdir()
    for file in ("keyway.db", "kek"):
        shutil.copy2(keyway.data / file, kept / file)
    environment = keyway.environment | {"LD_PRELOAD": str(library), "POWER_WATCHED": str(keyway.data), "POWER_KEPT": str(kept)}
    if fault:
        environment["ENGINE_FAULT"] = fault
    acknowledged = set()
    with Program([binary(), "serve", "--listen", "127.0.0.1:0"], environment, keyway.directory) as server:
        url = server.line(lambda line: line.partition("keyway is ready at ")[2].split(" ")[0] or None)
        session = requests.Session()
        session.trust_env = False
        session.headers["authorization"] = f"Bearer {keyway.key}"
        for number in range(starts):
            answer = session.post(f"{url}/api/v1/flows/power.kept/runs", json={"input": {"n": number}}, timeout=10)
            assert answer.status_code in (200, 202), answer.text
            acknowledged.add(answer.json()["run"])
        server.process.kill()
        server.process.wait()
    return acknowledged


def lost(directory: Path, library: Path, images: int, fault: str | None, seed: int) -> tuple[int, int]:
    """How many runs were acknowledged, and how many of them a disk after a power cut does not hold."""
    print(f"seed {seed}")
    dice, acknowledged, missing = random.Random(seed), 0, 0
    keyway = Keyway(directory / "keyway")
    flow = keyway.directory / "kept.yaml"
    flow.write_text(FLOW)
    keyway.ok("flow", "deploy", flow)
    keyway.key = keyway.ok("key", "create", "power", "--role", "operator")["token"]
    for number in range(images):
        kept = directory / f"disk-{number}"
        runs = image(keyway, library, kept, fault, dice.randint(1, 20))
        after = Keyway(directory / f"after-{number}", {"KEYWAY_DATA_DIR": str(kept)})
        found = {run["id"] for run in after.ok("run", "list", "--limit", 1000)["items"]}
        acknowledged, missing = acknowledged + len(runs), missing + len(runs - found)
        # The next one begins where the disk ended.
        shutil.rmtree(keyway.data)
        shutil.copytree(kept, keyway.data)
    return acknowledged, missing


def test_what_was_acknowledged_outlasts_a_power_cut(tmp_path, library):
    acknowledged, missing = lost(tmp_path, library, 5, None, chosen_seed())
    assert acknowledged and not missing, (acknowledged, missing)


def test_a_commit_without_fsync_is_noticed(tmp_path, library):
    acknowledged, missing = lost(tmp_path, library, 1, "commit-without-fsync", chosen_seed())
    assert missing, f"none of {acknowledged} acknowledged runs was lost: the check above shows nothing"


@pytest.mark.proof
def test_hundred_power_cuts_lose_nothing(tmp_path, library):
    chosen = chosen_seed()
    acknowledged, missing = lost(tmp_path, library, 100, None, chosen)
    record("G2", "acknowledged runs lost by 100 power cuts (what was not synchronised is gone)", goal=0, measured=missing,
           unit=f"of {acknowledged} runs", passed=missing == 0, seed=chosen)
    assert not missing
