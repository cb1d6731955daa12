import { describe, expect, it } from "vitest";
import type { Card } from "../../api/connections";
import { asksAgain, changesOf, draftOf, wiping } from "./changes";

const card: Card = {
  id: "con_aaaa",
  name: "graph",
  version: 3,
  preset: "microsoft-graph",
  type: "oauth",
  grant: "authorization_code",
  cloud: "global",
  tenant: "contoso.example",
  client_id: "client-id",
  client_authentication: "automatic",
  scope: "offline_access User.Read",
  base_url: "https://graph.microsoft.com/v1.0",
  origins: ["https://graph.microsoft.com"],
  header_names: [],
  state: "ok",
  state_since: "2026-11-02T08:00:00Z",
  warnings: [],
  secrets: [],
  created_by: "ada",
  created_at: "2026-11-02T08:00:00Z",
  updated_at: "2026-11-02T08:00:00Z",
};

describe("a change", () => {
  const before = draftOf(card);

  it("sends nothing that was not touched", () => {
    expect(changesOf(card, before)).toEqual({});
    expect(before.origins).toBe("");
  });

  it("of a secret or the scope keeps the rest", () => {
    const secret = changesOf(card, { ...before, client_secret: "fake" });
    expect(secret).toEqual({ client_secret: "fake" });
    expect(wiping(card, secret)).toEqual([]);
    const scope = changesOf(card, { ...before, scope: "offline_access User.Read.All" });
    expect(wiping(card, scope)).toEqual([]);
    expect(asksAgain(card, scope)).toBe(true);
    expect(asksAgain({ ...card, grant: "client_credentials" }, scope)).toBe(false);
  });

  it("of where or how a secret is sent wipes", () => {
    const change = changesOf(card, { ...before, tenant: "fabrikam.example", client_id: "other", origins: "https://files.contoso.example" });
    expect(change).toEqual({ tenant: "fabrikam.example", client_id: "other", origins: ["https://files.contoso.example"] });
    expect(wiping(card, change)).toEqual(["origins", "tenant", "client_id"]);
  });

  it("of what assertions say, or of where a code is asked for, wipes", () => {
    const signed = { ...card, preset: "generic", grant: "jwt_bearer", assertion: { issuer: "client-id", subject: "ada", audience: "https://id.contoso.example/token", key_id: null } };
    const assertion = draftOf(signed);
    expect(assertion).toMatchObject({ type: "jwt_bearer", subject: "ada", audience: "https://id.contoso.example/token" });
    expect(changesOf(signed, assertion)).toEqual({});
    const other = changesOf(signed, { ...assertion, subject: "grace", private_key: "fake key" });
    expect(other).toEqual({ subject: "grace", private_key: "fake key" });
    expect(wiping(signed, other)).toEqual(["subject"]);
    expect(wiping(signed, changesOf(signed, { ...assertion, private_key: "fake key" }))).toEqual([]);
    const typed = { ...card, preset: "generic", grant: "device_code", device_authorization_endpoint: "https://id.contoso.example/device" };
    const device = draftOf(typed);
    expect(device.type).toBe("device_code");
    const elsewhere = changesOf(typed, { ...device, device_authorization_endpoint: "https://id.contoso.example/code" });
    expect(wiping(typed, elsewhere)).toEqual(["device_authorization_endpoint"]);
    expect(asksAgain(typed, changesOf(typed, { ...device, scope: "more" }))).toBe(true);
  });

  it("of headers: new values keep, new names wipe", () => {
    const keyed = { ...card, preset: "generic", type: "headers", grant: null, header_names: ["X-Api-Key"] };
    const draft = draftOf(keyed);
    expect(changesOf(keyed, draft)).toEqual({});
    const value = changesOf(keyed, { ...draft, headers: [["X-Api-Key", "fake"]] });
    expect(value).toEqual({ headers: { "X-Api-Key": "fake" } });
    expect(wiping(keyed, value)).toEqual([]);
    const renamed = changesOf(keyed, { ...draft, headers: [["X-Other", "fake"]] });
    expect(wiping(keyed, renamed)).toEqual(["headers"]);
  });

  it("of a key in the query: a new value keeps, a new name wipes", () => {
    const keyed = { ...card, preset: "generic", type: "query_key", grant: null, query_key_name: "key" };
    const draft = draftOf(keyed);
    expect(changesOf(keyed, draft)).toEqual({});
    const value = changesOf(keyed, { ...draft, query_key: "fake" });
    expect(value).toEqual({ query_key: { name: "key", value: "fake" } });
    expect(wiping(keyed, value)).toEqual([]);
    const renamed = changesOf(keyed, { ...draft, query_key_name: "token" });
    expect(renamed).toEqual({ query_key: { name: "token" } });
    expect(wiping(keyed, renamed)).toEqual(["query_key"]);
  });

  it("of the day that a secret ends wipes nothing, and can take it away", () => {
    const dated = { ...card, secret_expires_at: "2027-11-28T00:00:00Z" };
    const draft = draftOf(dated);
    expect(draft.secret_expires_at).toBe("2027-11-28");
    expect(changesOf(dated, draft)).toEqual({});
    const gone = changesOf(dated, { ...draft, secret_expires_at: "" });
    expect(gone).toEqual({ secret_expires_at: "" });
    expect(wiping(dated, gone)).toEqual([]);
  });
});
