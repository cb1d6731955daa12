"""Every flow under examples/flows runs against the sandbox, by the commands a person types, and does there what it says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid

import pytest
import requests

from support.processes import ROOT, wait_until

EXAMPLES = ROOT / "examples" / "flows"


def deploy(keyway, name: str) -> None:
    card = keyway.ok("flow", "deploy", EXAMPLES / f"{name}.yaml")["deployments"][0]
    assert (card["deployment"], card["key"], card["warnings"]) == ("created", f"examples.{name}", []), card
    assert all(need["problem"] is None for need in card["preflight"]), card["preflight"]


def run(keyway, name: str, given: dict | None = None) -> dict:
    """Starts a flow, waits for its end, and answers what `--json` said."""
    return keyway.ok("flow", "start", name, "--input", json.dumps(given or {}), "--wait", 60)


def secret(keyway, name: str, value: str) -> None:
    keyway.ok("secret", "set", name, "--value-file", "-", stdin=value)


def rows(keyway, table: str) -> dict:
    return {row["key"]: row["value"] for row in keyway.ok("table", "rows", table, "--limit", 1000)["items"]}


def test_there_is_a_test_for_each_example():
    tested = {name.removeprefix("test_").replace("_", "-") for name in globals() if name.startswith("test_")}
    assert {path.stem for path in EXAMPLES.glob("*.yaml")} <= tested


def test_all_of_them_deploy_at_once_and_the_second_time_nothing_changes(flows):
    for name in ("hr-webhook", "first-password"):
        secret(flows, name, "whsec_" + base64.b64encode(b"fake-signing-key-of-a-test-only!").decode())
    cards = flows.ok("flow", "deploy", EXAMPLES)["deployments"]
    assert [card["deployment"] for card in cards] == ["created"] * len(list(EXAMPLES.glob("*.yaml")))
    assert all(need["problem"] is None for card in cards for need in card["preflight"]), cards
    again = flows.ok("flow", "deploy", EXAMPLES)["deployments"]
    assert {card["deployment"] for card in again} == {"unchanged"}
    exported = flows.run("flow", "export", "list-users")
    assert exported.stdout == (EXAMPLES / "list-users.yaml").read_text()


def test_list_users(flows, directory):
    deploy(flows, "list-users")
    done = run(flows, "list-users")
    everybody = directory.all("/users?$select=id,displayName,userPrincipalName")
    assert done["output"] == {"users": len(everybody)}
    kept = rows(flows, "users")
    assert kept == {user["id"]: {name: user[name] for name in ("displayName", "userPrincipalName")} for user in everybody}


def test_block_leaver(flows, directory, sandbox):
    deploy(flows, "block-leaver")
    user = directory.user(f"leaver-{uuid.uuid4().hex[:8]}")
    before = len(sandbox.log())
    sandbox.fault("graph", match="revokeSignInSessions", status=503)
    done = run(flows, "block-leaver", {"user": user["userPrincipalName"]})
    assert done["output"] == {"user": user["id"], "blocked": True, "revoked": True}
    assert directory.ok("GET", f"/users/{user['id']}?$select=accountEnabled")["accountEnabled"] is False
    revoked = directory.calls(before, "POST", f"/users/{user['userPrincipalName'].replace('@', '%40')}/revokeSignInSessions") \
        or directory.calls(before, "POST", f"/users/{user['userPrincipalName']}/revokeSignInSessions")
    assert [call["status"] for call in revoked] == [503, 200]
    told = flows.run("run", "show", done["run"])
    assert told.code == 0 and "block" in told.stdout and "HTTP 204" in told.stdout, told.stdout


def signed(key: bytes, body: str) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    identity, now = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
    mac = hmac.new(key, f"{identity}.{now}.{body}".encode(), hashlib.sha256).digest()
    return {"webhook-id": identity, "webhook-timestamp": now, "webhook-signature": "v1," + base64.b64encode(mac).decode(),
            "content-type": "application/json"}


def test_joiner_webhook(flows, directory):
    key = b"fake-signing-key-of-a-test-only!"
    secret(flows, "hr-webhook", "whsec_" + base64.b64encode(key).decode())
    secret(flows, "first-password", "fake-First-Passw0rd")
    deploy(flows, "joiner-webhook")
    alias = f"joiner-{uuid.uuid4().hex[:8]}"
    body = json.dumps({"given": "Test", "surname": "Joiner", "alias": alias})
    address = f"{flows.url}/hooks/examples.joiner-webhook/hr"
    headers = signed(key, body)
    forged = requests.post(address, data=body, headers=headers | {"webhook-signature": "v1,AAAA"}, timeout=30)
    assert forged.status_code == 401, forged.text
    assert directory.ask("GET", f"/users/{alias}@contoso.example").status_code == 404
    answer = requests.post(address, data=body, headers=headers, timeout=30)
    assert answer.status_code == 201, answer.text
    made = directory.ok("GET", f"/users/{alias}@contoso.example")
    assert answer.json() == {"id": made["id"], "userPrincipalName": f"{alias}@contoso.example"}
    assert made["displayName"] == "Test Joiner"
    # The same message again starts nothing.
    requests.post(address, data=body, headers=headers, timeout=30)
    runs = flows.ok("run", "list", "--flow", "joiner-webhook")["items"]
    assert len(runs) == 1 and "fake-First-Passw0rd" not in json.dumps(flows.ok("run", "show", runs[0]["id"]))


def test_stale_guests(flows, directory):
    deploy(flows, "stale-guests")
    users = directory.all("/users?$select=id,displayName,mail,userType,createdDateTime")
    guests = [user for user in users if user["userType"] == "Guest"]
    assert guests
    done = run(flows, "stale-guests", {"days": 0})
    expected = [{name: user[name] for name in ("displayName", "mail", "createdDateTime")} for user in guests]
    sort = lambda found: sorted(found, key=lambda user: user["mail"])
    assert sort(done["output"]["guests"]) == sort(expected)
    assert set(rows(flows, "stale-guests")) == {user["id"] for user in guests}


def test_licence_report(flows, directory):
    deploy(flows, "licence-report")
    shown = flows.ok("flow", "show", "licence-report")["schedules"]
    assert len(shown) == 1 and shown[0]["next_at"], shown
    done = run(flows, "licence-report")
    bought = {sku["skuPartNumber"]: sku for sku in directory.all("/subscribedSkus")}
    assert {row["licence"]: row["free"] for row in done["output"]} == {
        name: sku["prepaidUnits"]["enabled"] - sku["consumedUnits"] for name, sku in bought.items()}
    assert list(rows(flows, "licences").values()) == [done["output"]]


def test_group_sync(flows, directory):
    deploy(flows, "group-sync")
    people = [user["id"] for user in directory.all("/users")[:5]]
    source = directory.group(f"source-{uuid.uuid4().hex[:8]}", people[:3])
    target = directory.group(f"target-{uuid.uuid4().hex[:8]}", people[2:])
    given = {"source": source, "target": target}
    assert run(flows, "group-sync", given)["output"] == {"added": 2, "removed": 2}
    assert directory.members(target) == set(people[:3])
    assert run(flows, "group-sync", given)["output"] == {"added": 0, "removed": 0}


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_approve_delete(flows, directory, verdict):
    deploy(flows, "approve-delete")
    user = directory.user(f"doomed-{uuid.uuid4().hex[:8]}")
    started = flows.ok("flow", "start", "approve-delete", "--input", json.dumps({"user": user["id"]}))
    asked = wait_until(lambda: flows.ok("approval", "list")["items"], "the question")
    assert asked[0]["run"] == started["run"] and asked[0]["title"] == f"Delete {user['displayName']}?", asked
    assert directory.ask("GET", f"/users/{user['id']}").status_code == 200
    flows.ok("approval", "decide", asked[0]["id"], f"--{verdict}", "--comment", "as agreed")
    watched = flows.run("run", "watch", started["run"])
    assert watched.code == 0, watched.stdout + watched.stderr
    output = flows.ok("run", "show", started["run"])["output"]
    if verdict == "approve":
        assert output["deleted"] is True
        assert directory.ask("GET", f"/users/{user['id']}").status_code == 404
    else:
        assert output["deleted"] is False and output["comment"] == "as agreed"
        assert directory.ask("GET", f"/users/{user['id']}").status_code == 200


def test_retry_and_compensate(flows, directory, sandbox):
    secret(flows, "first-password", "fake-First-Passw0rd")
    deploy(flows, "retry-and-compensate")
    group = directory.group(f"team-{uuid.uuid4().hex[:8]}")
    alias = f"kept-{uuid.uuid4().hex[:8]}"
    sandbox.fault("graph", match="members", status=503)
    done = run(flows, "retry-and-compensate", {"alias": alias, "name": "Kept User", "group": group})
    assert directory.members(group) == {done["output"]["user"]}
    alias = f"gone-{uuid.uuid4().hex[:8]}"
    given = {"alias": alias, "name": "Gone User", "group": str(uuid.UUID(int=0))}
    failed = flows.run("--json", "flow", "start", "retry-and-compensate", "--input", json.dumps(given), "--wait", 60)
    assert (failed.code, failed.json["status"]) == (1, "faulted"), failed
    assert failed.json["error"]["title"] == "The user was not created"
    assert directory.ask("GET", f"/users/{alias}@contoso.example").status_code == 404
