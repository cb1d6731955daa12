"""The keyway binary on one data directory: commands as a person types them, and a server."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from .browser import Browser
from .processes import Program, binary, wait_until

SIGN_IN = """#!{python}
# Stands in for the person's browser: keyway runs it with the address to open.
import sys
sys.path.insert(0, {tests!r})
from support.browser import Browser
arrival = Browser({ca_file!r}, {username!r}, {password!r}, {consent!r}).walk(sys.argv[1])
print(arrival.status, arrival.url.split("?")[0], file=sys.stderr)
"""


@dataclass
class Answer:
    """What a command printed and how it ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict:
        assert self.stdout.strip(), f"nothing on stdout (exit code {self.code}): {self.stderr}"
        return json.loads(self.stdout)


class Keyway:
    """One installation: a data directory, the settings it is run with, and the person at its browser."""

    def __init__(self, directory: Path, environment: dict[str, str] | None = None) -> None:
        self.directory = directory
        self.data = directory / "data"
        directory.mkdir(parents=True, exist_ok=True)
        self.environment = {
            "KEYWAY_DATA_DIR": str(self.data), "KEYWAY_EGRESS_ALLOW": "loopback", "NO_COLOR": "1",
            "PATH": f"{Path(binary()).parent}:{os.environ['PATH']}",
        } | (environment or {})
        self.server: Program | None = None
        self.url = ""

    def declare_cloud(self, name: str, origin: str, ca_file: str, public_url: str) -> None:
        """Writes the configuration in which the operator declares a cloud of his own."""
        config = self.directory / "keyway.toml"
        config.write_text(
            f'public_url = "{public_url}"\n\n[[cloud]]\nname = "{name}"\norigin = "{origin}"\nca_file = "{ca_file}"\n')
        config.chmod(0o600)
        self.environment["KEYWAY_CONFIG"] = str(config)

    def browse_as(self, browser: Browser) -> None:
        """From now on commands that open a browser meet this person."""
        script = self.directory / "browser"
        script.write_text(SIGN_IN.format(
            python=sys.executable, tests=str(Path(__file__).resolve().parent.parent), ca_file=browser.ca_file,
            username=browser.username, password=browser.password, consent=browser.consent))
        script.chmod(0o700)
        self.environment["BROWSER"] = str(script)

    def secret_file(self, name: str, secret: str) -> Path:
        """A 0600 file as a person keeps a secret in, with a final newline."""
        path = self.directory / name
        path.touch(0o600)
        path.write_text(secret + "\n")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        return path

    def run(self, *arguments: object, stdin: str = "", seconds: float = 60) -> Answer:
        """Runs one command to its end."""
        result = subprocess.run(
            [binary(), *map(str, arguments)], env=os.environ | self.environment, cwd=self.directory, input=stdin,
            text=True, capture_output=True, timeout=seconds)
        return Answer(result.returncode, result.stdout, result.stderr)

    def ok(self, *arguments: object, stdin: str = "") -> dict:
        """Runs one command with --json that must succeed."""
        answer = self.run("--json", *arguments, stdin=stdin)
        assert answer.code == 0, f"{arguments} ended with {answer.code}: {answer.stdout}{answer.stderr}"
        return answer.json

    def serve(self, listen: str = "127.0.0.1:0") -> Keyway:
        """Starts the server and waits until it is ready; commands then go to it."""
        self.server = Program([binary(), "serve", "--listen", listen], self.environment, self.directory)
        self.url = self.server.line(
            lambda line: line.partition("keyway is ready at ")[2].split(" ")[0] or None)
        return self

    def wait_for_expiry(self, connection: str) -> None:
        """Waits until the access token's life is over: not stale, over."""
        def over() -> bool:
            ends = self.ok("connection", "show", connection)["token"]["expires_at"]
            return datetime.fromisoformat(ends) < datetime.now(timezone.utc)
        wait_until(over, f"the end of the token of {connection}")

    def stop(self) -> None:
        if self.server:
            self.server.stop()
            self.server = None

    def __enter__(self) -> Keyway:
        return self

    def __exit__(self, *_error) -> None:
        self.stop()

