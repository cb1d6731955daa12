"""Starts programs, waits for what they say, and ends exactly those that were started."""

from __future__ import annotations

import os
import queue
import random
import resource
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Callable

ROOT = Path(__file__).resolve().parent.parent.parent
READY_SECONDS = 60


def binary() -> str:
    """The keyway binary under test: KEYWAY_BIN, else the development build."""
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    path = Path(os.environ.get("KEYWAY_BIN") or target / "debug" / "keyway").absolute()
    assert path.exists(), f"{path} is not built: run `make test`"
    return str(path)


def chosen_seed() -> int:
    """KEYWAY_TEST_SEED, else one by chance; whoever draws it prints it."""
    return int(os.environ.get("KEYWAY_TEST_SEED") or random.SystemRandom().randrange(1 << 32))


def allow_many_files(wanted: int = 20_000) -> int:
    """Raises the limit of open files (children inherit it); answers what is allowed now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    reachable = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft < reachable:
        resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def wait_until(condition: Callable[[], object], what: str, seconds: float = READY_SECONDS):
    """Asks until the condition holds and answers its value; fails with `what` when it never does."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {seconds:.0f} s in vain: {what}"
        pause.wait(0.05)


class Program:
    """A running program whose lines can be waited for. Use it in a `with` block."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None, cwd: Path | None = None) -> None:
        self.command = [str(part) for part in command]
        self.lines: list[str] = []
        self._new: queue.Queue[str | None] = queue.Queue()
        self.process = subprocess.Popen(
            self.command, env=os.environ | (environment or {}), cwd=cwd, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._new.put(line.rstrip("\n"))
        self._new.put(None)

    def line(self, wanted: Callable[[str], object], seconds: float = READY_SECONDS):
        """Reads on until a line for which `wanted` answers something, and answers that."""
        end = time.monotonic() + seconds
        while True:
            try:
                line = self._new.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{self.command} did not say it within {seconds:.0f} s:\n{self.output()}") from None
            assert line is not None, f"{self.command} ended with {self.process.wait()}:\n{self.output()}"
            if value := wanted(line):
                return value

    def output(self) -> str:
        return "\n".join(self.lines[-60:])

    def stop(self, seconds: float = 20) -> int:
        """SIGTERM, then SIGKILL for one that does not listen."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_error) -> None:
        self.stop()
