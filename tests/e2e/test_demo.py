"""`keyway demo`: the whole way through the house, as `make demo` walks it."""

from __future__ import annotations

import time

from support.keyway import Keyway


def test_walk(tmp_path):
    keyway = Keyway(tmp_path)
    began = time.monotonic()
    answer = keyway.run("demo", "--exit", "--json", seconds=120)
    took = time.monotonic() - began
    assert answer.code == 0, answer
    facts = answer.json  # exactly one document, or this fails
    assert facts["passed"] is True
    assert facts["sandbox"]["origin"].startswith("https://")
    assert facts["server"]["url"].startswith("http")
    assert took < 120, f"the walk took {took:.0f} s"
    by_grant = {each["grant"]: each for each in facts["connections"]}
    assert set(by_grant) == {"authorization_code", "client_credentials"}
    for each in by_grant.values():
        assert each["users"] > 0, each
        assert each["missing"] == [], each
        assert each["granted"] and each["requested"], each
        assert each["expires_in"] > 0, each
        assert each["token_requests"] == 2, "one for the connection, one for the forced expiry"
    assert by_grant["authorization_code"]["identity"] != by_grant["client_credentials"]["identity"]
    assert not list(tmp_path.rglob("sandbox.json")), "the demo keeps its data out of the data directory"
