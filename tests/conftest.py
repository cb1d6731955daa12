"""Fixtures of every suite: one sandbox for the session, one Keyway installation per test that declares it as a cloud."""

from __future__ import annotations

import os

import pytest

from support import figures, matrix
from support.keyway import Keyway
from support.ports import free_port
from support.sandbox import Sandbox

# A machine's own bundle or proxy would win over the test authorities that the clients are given.
for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
    os.environ.pop(name, None)
    os.environ.pop(name.lower(), None)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    with Sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture(autouse=True)
def sandbox_as_new(request):
    """Undoes the faults and lifetimes that a test set in the shared sandbox."""
    yield
    if "sandbox" in request.fixturenames:
        running = request.getfixturevalue("sandbox")
        running.clear_faults()
        running.lifetimes(3600)
        running.rotation("entra-like")


@pytest.fixture
def keyway(tmp_path, sandbox):
    """A served installation whose operator declared the sandbox as the cloud `sandbox`; the browser is an ordinary member's."""
    port = free_port()
    installation = Keyway(tmp_path / "keyway")
    installation.declare_cloud("sandbox", sandbox.origin, sandbox.ca_file, f"http://localhost:{port}")
    installation.browse_as(sandbox.browser(sandbox.users[1]))
    with installation.serve(f"127.0.0.1:{port}"):
        yield installation


def pytest_terminal_summary(terminalreporter):
    """The figures that were measured and the combinations that held, for people."""
    if figures.told:
        terminalreporter.section("figures")
        terminalreporter.write_line(figures.table(figures.told))
    if matrix.told:
        terminalreporter.section("combinations with oidc-provider")
        terminalreporter.write_line(matrix.table())
