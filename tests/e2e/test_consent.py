"""An administrator follows the link of a connection's card, in a browser that knows nothing of Keyway, and comes back."""

from __future__ import annotations

from support.browser import Browser


def create(keyway, sandbox, app, name: str) -> dict:
    secret = keyway.secret_file(f"{name}.secret", app.secret)
    answer = keyway.run(
        "--json", "connection", "create", name, "--preset", "microsoft-graph", "--cloud", "sandbox", "--tenant", sandbox.tenant,
        "--grant", "client-credentials", "--client-id", app.client_id, "--client-secret-file", secret,
        "--scope", "https://graph.microsoft.com/.default")
    assert answer.code == 9 and answer.json["state"] == "needs_admin", answer
    return answer.json


def test_the_connection_works_when_the_administrator_is_back(keyway, sandbox):
    app = sandbox.register("To be consented", application=("User.Read.All",))
    card = create(keyway, sandbox, app, "graph")
    declined = Browser(sandbox.ca_file, sandbox.admin["upn"], sandbox.admin["password"], consent=False)
    arrival = declined.walk(card["admin_consent_url"])
    assert arrival.status == 400 and "Consent was not given" in arrival.text and "AADSTS65004" in arrival.text, arrival
    assert keyway.ok("connection", "show", "graph")["state"] == "needs_admin"

    arrival = sandbox.admin_browser().walk(card["admin_consent_url"])
    assert arrival.status == 200 and "Consent was given for graph" in arrival.text, arrival
    assert "<dd>User.Read.All</dd>" in arrival.text and "the connection works" in arrival.text, arrival
    assert keyway.ok("connection", "show", "graph")["state"] == "ok"
    assert len(keyway.ok("call", "graph", "/users", "-q", "$top=3")["body"]["value"]) == 3
    actions = [row["action"] for row in keyway.ok("audit", "list")["items"]]
    assert {"connection.admin_consented", "connection.admin_consent_refused"} <= set(actions), actions
