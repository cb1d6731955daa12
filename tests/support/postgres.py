"""A PostgreSQL cluster of one's own in a temporary directory, run by an unprivileged user."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from support.ports import free_port


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    path = shutil.which("initdb")
    assert path, "PostgreSQL 15 or newer is not installed: run scripts/setup test"
    return Path(path).parent


class Postgres:
    """Starts a cluster in a `with` block; `.url` is its address. fsync stays on: Keyway refuses to run without it."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="keyway-postgres-"))
        self.port = free_port()
        self.programs = _programs()
        self._as: dict[str, object] = {}
        owner = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            account = pwd.getpwnam(owner)
            os.chown(self.directory, account.pw_uid, account.pw_gid)
            self._as = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self.url = f"postgres://{owner}@127.0.0.1:{self.port}/postgres"

    def _run(self, program: str, *arguments: str) -> None:
        result = subprocess.run(
            [self.programs / program, *arguments], cwd=self.directory, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, **self._as)
        assert result.returncode == 0, f"{program}: {result.stdout}"

    def __enter__(self) -> Postgres:
        data = str(self.directory / "data")
        self._run("initdb", "--auth=trust", "--no-sync", "--encoding=UTF8", "-D", data)
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=60"
        self._run("pg_ctl", "start", "-w", "-D", data, "-l", str(self.directory / "log"), "-o", options)
        return self

    def __exit__(self, *_error) -> None:
        self._run("pg_ctl", "stop", "-m", "immediate", "-D", str(self.directory / "data"))
        shutil.rmtree(self.directory, ignore_errors=True)
