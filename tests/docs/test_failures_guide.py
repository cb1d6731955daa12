"""docs/guides/when-it-fails.md: its table of states against the code and against connections in those states, and its commands, run
word for word where the failure that they cure was provoked before.

A comment in the page, `<!-- test: somebody -->`, stands where somebody else does something outside Keyway.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from support.processes import ROOT

from docs import failures, states
from docs.test_guide import BLOCK, Block, blocks, run_all

GUIDE = ROOT / "docs" / "guides" / "when-it-fails.md"
STATES = ROOT / "crates" / "oauth" / "src" / "state.rs"
CONSOLE = ROOT / "console" / "src" / "texts" / "connections.ts"
VERDICT = re.compile(r"(?:`(?P<state>[a-z_]+)` · )?`(?P<code>[a-z_]+\.[a-z_.]+)`(?: \((?P<theirs>[^)]*)\))?")
SOMEBODY = "<!-- test: somebody -->"


@dataclass
class Failure:
    """A section of the page: what is seen, and the commands before and after somebody else did something."""

    heading: str
    state: str | None
    code: str
    theirs: str
    parts: list[list[Block]]


def failures_told() -> list[Failure]:
    found = []
    for section in GUIDE.read_text().split("\n### ")[1:]:
        heading, _, text = section.split("\n## ")[0].partition("\n")
        verdict = VERDICT.match(text.strip())
        assert verdict, f"{heading} does not begin with what is seen"
        parts = [[Block(match["kind"] or "run", match["text"]) for match in BLOCK.finditer(part)] for part in text.split(SOMEBODY)]
        found.append(Failure(heading, verdict["state"], verdict["code"], verdict["theirs"] or "", parts))
    return found


def rows() -> dict[str, list[str]]:
    """The table of states: the cells behind the word of each."""
    lines = GUIDE.read_text().split("## The states")[1].split("\n## ")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| `")]
    assert len({row[0] for row in cells}) == len(cells), "a state stands there twice"
    return {row[0].strip("` "): row[1:] for row in cells}


def test_every_state_is_told_and_no_other():
    words = dict(re.findall(r'Self::(\w+) => "(\w+)"', STATES.read_text()))
    variants = re.search(r"pub enum State \{(.*?)\n\}", STATES.read_text(), re.DOTALL)[1]
    assert set(words) == set(re.findall(r"^    (\w+),", variants, re.MULTILINE))
    assert list(rows()) == list(words.values())
    for state, cells in rows().items():
        assert len(cells) == 5 and all(cells), state


def test_the_console_says_the_same_words():
    labels = dict(re.findall(r'(\w+): \{ label: "([^"]+)", tone', CONSOLE.read_text()))
    assert {state: cells[0] for state, cells in rows().items()} == labels


def test_every_state_and_every_failure_is_provoked():
    assert set(states.PROVOKED) == set(rows())
    assert set(failures.PROVOKED) == {failure.heading for failure in failures_told()}


@pytest.mark.parametrize("state", list(states.PROVOKED))
def test_a_call_answers_as_the_table_says(keyway, sandbox, state):
    answered = states.PROVOKED[state](keyway, sandbox)
    seen = "the API's answer" if answered.code == 0 else f"`{answered.json['code']}`, {answered.code}"
    assert seen == rows()[state][2], answered


@pytest.mark.parametrize("failure", failures_told(), ids=lambda failure: failure.heading)
def test_the_commands_cure_it(keyway, sandbox, failure):
    keyway.secret_file("secret.txt", sandbox.app["client_secret"])
    provoked = failures.PROVOKED[failure.heading](keyway, sandbox)
    assert provoked.code == failure.code
    if failure.state:
        explanation = keyway.ok("connection", "explain", "graph")
        assert (explanation["state"], explanation["connection"]["diagnosis"]["code"]) == (failure.state, failure.code)
        if theirs := re.search(r"AADSTS\d+", failure.theirs):
            assert explanation["raw"]["aadsts"] == theirs[0]
    values = [block for block in blocks(GUIDE) if block.kind == "values"]
    assert len(values) == 1
    for at, part in enumerate(failure.parts):
        if at:
            provoked.somebody(printed)
        printed = run_all(keyway, [*values, *part], f"TENANT={sandbox.tenant}\n", "", 0)
    provoked.cured()
