"""Cures a connection as a person would who reads `keyway connection explain` and does what it says, nothing else."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from .browser import Browser
from .keyway import Answer, Keyway

COMMAND = re.compile(r"`(keyway [^`]+)`")


@dataclass
class Person:
    """What the person knows and Keyway can't: values to put in the place of words in capitals, and an administrator."""

    values: dict[str, str] = field(default_factory=dict)
    administrator: Browser | None = None


def explain(keyway: Keyway, name: str) -> dict:
    """The explanation, checked for what every explanation owes its reader."""
    explanation = keyway.ok("connection", "explain", name)
    for owed in ("what", "why", "who", "next"):
        assert explanation[owed], f"{owed} is empty: {explanation}"
    return explanation


def provider_error(explanation: dict) -> dict:
    """What the provider said, verbatim."""
    return explanation["connection"]["diagnosis"]["provider"]


def follow(keyway: Keyway, explanation: dict, person: Person) -> list[Answer]:
    """Does the one next action: opens the link as the administrator, then runs the commands in their order."""
    if explanation["link"]:
        assert person.administrator, f"nobody here can open {explanation['link']}"
        person.administrator.walk(explanation["link"])
    commands = COMMAND.findall(explanation["next"])
    if explanation["command"]:
        assert explanation["command"] in commands, explanation
    assert commands or explanation["link"], f"no action in: {explanation['next']}"
    answers = []
    for command in commands:
        words = shlex.split(command)[1:]
        filled = [person.values.get(word, word) for word in words]
        missing = [word for word in filled if word.isupper() and word not in person.values.values() and len(word) > 2]
        assert not missing, f"{command}: the person does not know what to put for {missing}"
        answers.append(keyway.run("--json", *filled))
        assert answers[-1].code == 0, f"{command}: {answers[-1]}"
    return answers
