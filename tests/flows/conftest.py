"""An installation that is served and has the connection `graph`, which acts as an app with wide permissions."""

from __future__ import annotations

import pytest

from support.directory import Directory
from support.keyway import Keyway
from support.ports import free_port


@pytest.fixture(scope="session")
def directory(sandbox):
    return Directory(sandbox)


@pytest.fixture
def flows(tmp_path, sandbox, directory):
    port = free_port()
    installation = Keyway(tmp_path / "keyway")
    installation.declare_cloud("sandbox", sandbox.origin, sandbox.ca_file, f"http://localhost:{port}")
    with installation.serve(f"127.0.0.1:{port}"):
        connect_graph(installation, sandbox, directory)
        yield installation


def connect_graph(installation: Keyway, sandbox, directory: Directory) -> None:
    secret = installation.secret_file("client-secret", directory.app.secret)
    installation.ok(
        "connection", "create", "graph", "--preset", "microsoft-graph", "--grant", "client-credentials",
        "--cloud", "sandbox", "--tenant", sandbox.tenant, "--client-id", directory.app.client_id,
        "--scope", "https://graph.microsoft.com/.default", "--client-secret-file", secret)
