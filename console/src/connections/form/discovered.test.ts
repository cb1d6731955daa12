import { describe, expect, it } from "vitest";
import type { Discovered } from "../../api/presets";
import { foundFor, offered, withFound, withScope } from "./discovered";
import { EMPTY_DRAFT } from "./draft";

const found: Discovered = {
  issuer: "https://id.contoso.example",
  authorization_endpoint: "https://id.contoso.example/authorize",
  device_authorization_endpoint: null,
  token_endpoint: "https://id.contoso.example/token",
  iss_required: true,
  resource: "https://api.contoso.example/v1",
  scopes: ["openid", "offline_access", "orders.read", "orders.write"],
  grants: ["authorization_code"],
  client_authentications: [],
  found_at: "https://id.contoso.example/.well-known/openid-configuration",
};

describe("what discovery found", () => {
  it("fills in the paths and the API's address, unless one is typed", () => {
    const patch = withFound(EMPTY_DRAFT, found);
    expect(patch).toEqual({
      issuer: "https://id.contoso.example",
      token_endpoint: "https://id.contoso.example/token",
      authorization_endpoint: "https://id.contoso.example/authorize",
      base_url: "https://api.contoso.example/v1",
      confirm_foreign_token_endpoint: false,
    });
    expect(withFound({ ...EMPTY_DRAFT, base_url: "https://api.contoso.example/v2" }, found)).not.toHaveProperty("base_url");
  });

  it("forgets the issuer that another address had", () => {
    expect(withFound({ ...EMPTY_DRAFT, issuer: "https://other.example" }, { ...found, issuer: null }).issuer).toBe("");
  });

  it("says which of them the Auth Type needs", () => {
    expect(foundFor({ type: "oauth" }, found)).toEqual(["token_endpoint", "authorization_endpoint"]);
    expect(foundFor({ type: "client_credentials" }, found)).toEqual(["token_endpoint"]);
    expect(foundFor({ type: "device_code" }, found)).toEqual(["token_endpoint"]);
    expect(foundFor({ type: "device_code" }, { ...found, token_endpoint: null, device_authorization_endpoint: "https://id.contoso.example/device" })).toEqual(["device_authorization_endpoint"]);
  });

  it("offers scopes that are not asked for yet", () => {
    expect(offered({ type: "oauth", scope: "openid  orders.read" }, found)).toEqual(["offline_access", "orders.write"]);
    expect(offered({ type: "client_credentials", scope: "" }, found)).toEqual(["orders.read", "orders.write"]);
    expect(withScope(" openid ", "orders.read")).toBe("openid orders.read");
  });
});
