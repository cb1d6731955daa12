"""What a person at a terminal gets to see: the terminal is a real one (pty), the command a real one."""

from __future__ import annotations

import os
import pty
import subprocess

import pytest

from support.processes import binary


def seen(tmp_path, environment: dict[str, str]) -> bytes:
    """What a command that is refused writes on its terminal."""
    ours, theirs = pty.openpty()
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KEYWAY_DATA_DIR": str(tmp_path / "data"), "TERM": "xterm"}
    command = [binary(), "connection", "show", "nobody"]
    answer = subprocess.run(command, env=clean | environment, stdin=theirs, stdout=theirs, stderr=theirs, timeout=60)
    os.close(theirs)
    text = b""
    try:
        while piece := os.read(ours, 4096):
            text += piece
    except OSError:
        pass  # this is how Linux says that nobody holds the other end any more
    os.close(ours)
    assert answer.returncode == 3 and b"nobody" in text, text
    return text


def test_a_terminal_gets_colours(tmp_path):
    assert b"\x1b[1;31merror:\x1b[0m" in seen(tmp_path, {})


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_a_terminal_that_wants_no_colours_gets_none(tmp_path, environment):
    assert b"\x1b" not in seen(tmp_path, environment)
