"""The conformance kit of the flow language against `keyway flow run`: every scenario of the specification's features.

The kit lies beside the repository where it is developed; without it there is nothing to run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.processes import ROOT, binary

KITS = [folder / "shared" / "ctk" for folder in (ROOT.parent, ROOT.parent.parent)]
SCENARIOS = 21


def test_every_scenario_of_the_features_passes(tmp_path):
    kit = next((kit for kit in KITS if (kit / "run_ctk.py").is_file()), None)
    if kit is None:
        pytest.skip("needs ../shared/ctk, the conformance kit")
    report = tmp_path / "report.json"
    environment = os.environ | {
        "KEYWAY_EGRESS_ALLOW": "loopback", "KEYWAY_DATA_DIR": str(tmp_path / "data"), "NO_COLOR": "1",
    }
    ran = subprocess.run(
        [sys.executable, str(kit / "run_ctk.py"), "--spec", str(kit / "spec"), "--runtime", f"{binary()} flow",
         "--only", "features", "--json", str(report)],
        env=environment, capture_output=True, text=True, timeout=600, check=False)
    results = json.loads(report.read_text()) if report.exists() else {"results": []}
    failed = [f"{result['name']}: {result['detail']}" for result in results["results"] if not result["ok"]]
    assert not failed and ran.returncode == 0, "\n".join(failed) or ran.stdout + ran.stderr
    assert results["passed"] == SCENARIOS and results["unknownSteps"] == 0
    assert not (tmp_path / "data").exists(), "a run in the foreground makes no data directory"
