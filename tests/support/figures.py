"""The figures that the project promises, as they were measured last: `target/figures.json`, one entry per id.

`python -m support.figures` reads lines that begin with `figure ` and hold such an entry (Rust tests print them), merges
them, and passes everything on; `--table` prints all of them.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from datetime import datetime, timezone
from pathlib import Path

from .processes import ROOT

FIELDS = ("id", "name", "goal", "measured", "unit", "passed", "seed", "date")
told: list[dict] = []  # what this process has recorded


def file() -> Path:
    return Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "figures.json"


def record(id: str, name: str, *, goal: object, measured: object, unit: str, passed: bool, seed: int | None = None) -> None:
    """Puts a figure in the place of the one with the same id; what others wrote meanwhile stays."""
    figure = {"id": id, "name": name, "goal": goal, "measured": measured, "unit": unit, "passed": passed, "seed": seed,
              "date": datetime.now(timezone.utc).date().isoformat()}
    told.append(figure)
    path = file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = json.loads(path.read_text())["figures"] if path.exists() else []
        merged = [*(other for other in known if other["id"] != id), figure]
        merged.sort(key=lambda each: [int(part) if part.isdigit() else part for part in _parts(each["id"])])
        written = path.with_suffix(".new")
        written.write_text(json.dumps({"figures": merged}, indent=1) + "\n")
        written.replace(path)


def _parts(id: str) -> list[str]:
    """`G10.a` after `G9.b`: letters and numbers apart."""
    parts, last = [""], ""
    for character in id:
        if last and character.isdigit() != last.isdigit():
            parts.append("")
        parts[-1] += character
        last = character
    return parts


def table(figures: list[dict]) -> str:
    """The figures for people, one a line."""
    rows = [("id", "what", "goal", "measured", "unit", "")]
    rows += [(each["id"], each["name"], str(each["goal"]), str(each["measured"]), each["unit"], "ok" if each["passed"] else "FAILED")
             for each in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def main() -> int:
    if sys.argv[1:] == ["--table"]:
        print(table(json.loads(file().read_text())["figures"]))
        return 0
    for line in sys.stdin:
        print(line, end="", flush=True)
        _, found, entry = line.partition("figure {")
        if found:
            known = json.loads("{" + entry)
            record(known.pop("id"), known.pop("name"), **known)
    return 0 if all(figure["passed"] for figure in told) else 1


if __name__ == "__main__":
    sys.exit(main())
