"""The same text of connections in two installations that differ by their public URL and their secrets: both work."""

from __future__ import annotations

from pathlib import Path

import requests

from support.keyway import Keyway
from support.ports import free_port

TEXT = """\
keyway: connections/1
connections:
  person:
    preset: microsoft-graph
    grant: authorization_code
    cloud: sandbox
    tenant: {tenant}
    client_id: {client_id}
    scope: openid profile offline_access User.Read User.Read.All
  robot:
    preset: microsoft-graph
    grant: client_credentials
    cloud: sandbox
    tenant: {tenant}
    client_id: {client_id}
    scope: https://graph.microsoft.com/.default
"""


def secret_of(sandbox, app) -> str:
    """A further secret of a registration, as each installation gets one of its own."""
    made = sandbox.graph("POST", f"/applications/{app.object_id}/addPassword", {"passwordCredential": {"displayName": "another"}})
    return made["secretText"]


def test_two_installations_with_one_text_and_one_registration(tmp_path: Path, sandbox):
    ports = free_port(), free_port()
    urls = f"http://localhost:{ports[0]}", f"http://127.0.0.1:{ports[1]}"
    redirect_uris = tuple(f"{url}/oauth/callback/microsoft-graph" for url in urls)
    app = sandbox.register(
        "In version control", delegated=("User.Read", "User.Read.All", "offline_access", "openid", "profile"), application=("User.Read.All",),
        redirect_uris=redirect_uris)
    sandbox.grant_admin_consent(app)
    text = TEXT.format(tenant=sandbox.tenant, client_id=app.client_id)
    exported = []
    for number, (port, url) in enumerate(zip(ports, urls, strict=True)):
        installation = Keyway(tmp_path / str(number))
        installation.declare_cloud("sandbox", sandbox.origin, sandbox.ca_file, url)
        installation.browse_as(sandbox.browser(sandbox.users[number + 1]))
        (installation.directory / "connections.yaml").write_text(text)
        with installation.serve(f"127.0.0.1:{port}"):
            applied = installation.ok("connection", "apply", "connections.yaml")["connections"]
            assert [(one["name"], one["application"], one["connection"]["state"]) for one in applied] == [
                ("person", "created", "needs_secret"), ("robot", "created", "needs_secret")]
            commands = [one["connection"]["diagnosis"]["command"] for one in applied]
            assert commands == [f"keyway connection change {name} --client-secret-file FILE" for name in ("person", "robot")]
            secret = installation.secret_file("client.secret", app.secret if number == 0 else secret_of(sandbox, app))
            for name in ("person", "robot"):
                installation.ok("connection", "change", name, "--client-secret-file", secret)
            card = installation.ok("connection", "authorize", "person")
            assert (card["state"], card["redirect_uri"]) == ("ok", redirect_uris[number])
            for name in ("person", "robot"):
                users = installation.ok("call", name, "/users", "-q", "$top=5")
                assert len(users["body"]["value"]) == 5
            again = installation.ok("connection", "apply", "connections.yaml")["connections"]
            assert [(one["application"], one["connection"]["state"]) for one in again] == [("unchanged", "ok")] * 2
            exported.append(installation.run("connection", "export").stdout)
            assert secret.read_text().strip() not in exported[-1]
    assert exported[0] == exported[1]


def test_a_viewer_reads_the_text_and_may_not_apply_it(keyway):
    keyway.ok("connection", "create", "plain", "--type", "none", "--base-url", "https://api.contoso.example")
    text = keyway.run("connection", "export", "PLAIN").stdout
    assert text == ("keyway: connections/1\nconnections:\n  plain:\n    type: none\n    base_url: https://api.contoso.example/\n"), text
    viewer = keyway.ok("key", "create", "reader", "--role", "viewer")["token"]
    address = f"{keyway.url}/api/v1/connection-documents"
    session = requests.Session()
    session.trust_env = False
    session.headers["authorization"] = f"Bearer {viewer}"
    assert session.get(address, timeout=30).json()["names"] == ["plain"]
    for dry_run in (True, False):
        refused = session.post(address, json={"documents": [{"name": "a", "text": text}], "dry_run": dry_run}, timeout=30)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
