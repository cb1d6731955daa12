import { describe, expect, it } from "vitest";
import { fieldsOf, newConnection } from "./body";
import { type Draft, EMPTY_DRAFT, notesOn, withType } from "./draft";
import { emptyGraphDraft, graphConnection, graphNotes, names, toggled, withGrant } from "./graphDraft";
import { fromKeyFile } from "./keyFile";
import { pointsAt } from "./notes";
import { EMPTY_OIDC, oidcConnection, oidcNotes, withOidcGrant } from "./oidcDraft";

const TOKEN = "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token";
const AUTHORIZE = "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/authorize";
const clouds = [{ name: "global", authority: "https://login.microsoftonline.com", graph: "https://graph.microsoft.com", declared: false }];
const draft = (fields: Partial<Draft>): Draft => ({ ...EMPTY_DRAFT, name: "graph", ...fields });
const oauth = draft({ token_endpoint: TOKEN, authorization_endpoint: AUTHORIZE, client_id: "client-id", client_secret: "fake~secret", scope: "offline_access user.read.all" });
const codes = (one: Draft) => notesOn(one, clouds).map((note) => `${note.field} ${note.code}`);

/** Applies every fix that is offered, again and again. */
function cured(one: Draft): Draft {
  for (let round = 0; round < 10; round += 1) {
    const fix = notesOn(one, clouds).find((note) => note.fix)?.fix;
    if (!fix) return one;
    one = { ...one, ...fix.patch };
  }
  throw new Error("the fixes go round in circles");
}

describe("the generic form", () => {
  it("sends what the how-to types, and nothing of other types", () => {
    expect(newConnection({ ...oauth, username: "left over", token: "left over" })).toEqual({
      name: "graph",
      type: "oauth",
      grant: "authorization_code",
      token_endpoint: TOKEN,
      authorization_endpoint: AUTHORIZE,
      client_id: "client-id",
      client_secret: "fake~secret",
      client_authentication: "automatic",
      scope: "offline_access user.read.all",
    });
  });

  it("sends no Authorize Path for Client Credentials", () => {
    const body = newConnection({ ...oauth, type: "client_credentials", client_authentication: "client_secret_post", scope: "https://graph.microsoft.com/.default" });
    expect(body).toMatchObject({ type: "oauth", grant: "client_credentials", client_authentication: "client_secret_post" });
    expect(body).not.toHaveProperty("authorization_endpoint");
  });

  it("sends the simple types", () => {
    const base = { base_url: "https://api.contoso.example/v1", origins: "https://files.contoso.example/\n" };
    const common = { name: "graph", base_url: base.base_url, origins: ["https://files.contoso.example"] };
    expect(newConnection(draft({ ...base, type: "basic", username: "u", password: "fake" }))).toEqual({ ...common, type: "basic", username: "u", password: "fake" });
    expect(newConnection(draft({ ...base, type: "bearer", token: "fake" }))).toEqual({ ...common, type: "bearer", token: "fake" });
    expect(newConnection(draft({ ...base, type: "headers", headers: [["X-Api-Key", "fake"], ["", ""]] }))).toEqual({ ...common, type: "headers", headers: { "X-Api-Key": "fake" } });
    expect(newConnection(draft({ ...base, type: "none" }))).toEqual({ ...common, type: "none" });
  });

  it("sends a key in the query, and the day that a secret ends", () => {
    const base_url = "https://api.contoso.example/v1";
    const keyed = draft({ type: "query_key", base_url, query_key_name: " key ", query_key: "fake", secret_expires_at: "2027-11-28" });
    expect(newConnection(keyed)).toEqual({ name: "graph", type: "query_key", base_url, query_key: { name: "key", value: "fake" }, secret_expires_at: "2027-11-28" });
    expect(newConnection({ ...oauth, secret_expires_at: "2027-11-28" }).secret_expires_at).toBe("2027-11-28");
    expect(newConnection({ ...oauth, client_authentication: "none", client_secret: "", secret_expires_at: "2027-11-28" })).not.toHaveProperty("secret_expires_at");
    expect(newConnection(draft({ type: "none", base_url, secret_expires_at: "2027-11-28" }))).not.toHaveProperty("secret_expires_at");
  });

  it("never trims a secret by itself", () => {
    expect(newConnection({ ...oauth, client_secret: " fake " }).client_secret).toBe(" fake ");
  });

  it("says nothing about the how-to's values, nor about an empty form", () => {
    expect(codes(oauth)).toEqual([]);
    expect(codes(EMPTY_DRAFT)).toEqual([]);
  });

  it("names what is wrong, and its fixes cure it", () => {
    const wrong = { ...oauth, token_endpoint: AUTHORIZE, authorization_endpoint: TOKEN, client_id: " client-id", client_secret: "fake~secret\n", scope: "user.raed.all,offline_access" };
    expect(codes(wrong)).toEqual(["authorization_endpoint endpoint.swapped", "client_id client_id.whitespace", "client_secret secret.whitespace", "scope scope.separator", "scope scope.unknown"]);
    expect(cured(wrong)).toEqual({ ...oauth, scope: "User.Read.All offline_access" });
  });

  it("warns of a Secret ID in place of the Value", () => {
    expect(codes({ ...oauth, client_secret: "0f9a3c1e-1111-2222-3333-444455556666" })).toEqual(["client_secret secret.looks_like_id"]);
  });

  it("wants a real tenant for app-only", () => {
    const shared = { ...oauth, type: "client_credentials" as const, token_endpoint: TOKEN.replace("contoso.example", "common"), scope: "https://graph.microsoft.com/.default" };
    expect(codes(shared)).toEqual(["token_endpoint tenant.shared"]);
  });

  it("asks about a token endpoint on another site", () => {
    const foreign = { ...oauth, token_endpoint: "https://id.fabrikam.test/token", authorization_endpoint: "https://id.contoso.example/authorize" };
    expect(codes(foreign)).toEqual(["token_endpoint connection.foreign_token_endpoint"]);
    const confirmed = { ...foreign, confirm_foreign_token_endpoint: true };
    expect(codes(confirmed)).toEqual([]);
    expect(newConnection(confirmed).confirm_foreign_token_endpoint).toBe(true);
  });

  it("judges names and origins", () => {
    for (const name of ["../x", "-a", "a b", "a".repeat(65), "<img onerror=alert(1)>", "größe"]) expect(codes({ ...oauth, name })).toEqual(["name connection.name_invalid"]);
    expect(codes({ ...oauth, origins: "https://a.contoso.example/path" })).toEqual(["origins connection.url_invalid"]);
    expect(cured({ ...oauth, origins: "https://a.contoso.example/path" }).origins).toBe("https://a.contoso.example");
    expect(codes({ ...oauth, origins: "*.contoso.example" })).toEqual(["origins connection.url_invalid"]);
  });
});

describe("the Microsoft Graph form", () => {
  const start = { ...emptyGraphDraft("global"), name: "graph", tenant: "contoso.example", client_id: "client-id", client_secret: "fake~secret" };

  it("begins with a refresh token, and changes the scope with the grant", () => {
    expect(graphNotes(start)).toEqual([]);
    expect(start.scope).toBe("offline_access User.Read");
    expect(graphConnection(withGrant(start, "client_credentials", clouds))).toEqual({
      name: "graph",
      preset: "microsoft-graph",
      cloud: "global",
      tenant: "contoso.example",
      grant: "client_credentials",
      client_id: "client-id",
      client_secret: "fake~secret",
      client_authentication: "automatic",
      scope: "https://graph.microsoft.com/.default",
    });
  });

  it("ticks permissions in any way to write them", () => {
    expect(names("offline_access https://graph.microsoft.com/user.read.all", "User.Read.All")).toBe(true);
    expect(toggled("offline_access user.read", "User.Read")).toBe("offline_access");
    expect(toggled("offline_access", "User.Read.All")).toBe("offline_access User.Read.All");
    expect(toggled("User.Read", "offline_access")).toBe("offline_access User.Read");
  });
});

describe("what proves the app", () => {
  const graph = { ...emptyGraphDraft("global"), name: "graph", tenant: "contoso.example", client_id: "client-id" };

  it("is a certificate, if one is given in place of the secret", () => {
    const signs = graphConnection({ ...graph, client_authentication: "private_key_jwt", certificate: " -----BEGIN CERTIFICATE----- \n" });
    expect(signs).toMatchObject({ client_authentication: "private_key_jwt", certificate: "-----BEGIN CERTIFICATE-----" });
    expect(signs).not.toHaveProperty("client_secret");
    expect(fieldsOf({ ...EMPTY_DRAFT, client_authentication: "private_key_jwt", certificate: "pem" })).toMatchObject({ certificate: "pem" });
  });

  it("is nothing where a code is typed elsewhere", () => {
    const body = graphConnection({ ...graph, device: true, client_secret: "left over" });
    expect(body).toMatchObject({ grant: "device_code", client_authentication: "none" });
    expect(body).not.toHaveProperty("client_secret");
    expect(graphConnection({ ...graph, device: true, grant: "client_credentials" }).grant).toBe("client_credentials");
    expect(oidcConnection({ ...EMPTY_OIDC, device: true }).grant).toBe("device_code");
  });
});

describe("the OpenID Connect form", () => {
  const start = { ...EMPTY_OIDC, name: "id", issuer: "https://id.contoso.example", client_id: "client-id", client_secret: "fake~secret", base_url: "https://api.contoso.example" };

  it("sends the issuer in place of the paths", () => {
    expect(oidcNotes(start)).toEqual([]);
    expect(oidcConnection(start)).toEqual({
      name: "id",
      preset: "oidc",
      grant: "authorization_code",
      issuer: "https://id.contoso.example",
      client_id: "client-id",
      client_secret: "fake~secret",
      client_authentication: "automatic",
      scope: "openid offline_access",
      base_url: "https://api.contoso.example",
    });
    const github = { preset: "github", title: "GitHub", asks: [], clouds: [], redirect_uri: "http://localhost:8800/oauth/callback/github" };
    expect(oidcConnection({ ...start, issuer: "" }, github)).toMatchObject({ preset: "github", grant: "authorization_code" });
    expect(oidcConnection({ ...start, issuer: "" }, github)).not.toHaveProperty("issuer");
    expect(oidcConnection({ ...start, ...withOidcGrant(start, "client_credentials") })).toMatchObject({ grant: "client_credentials", issuer: "https://id.contoso.example" });
  });

  it("changes a scope that nobody typed with the grant, and no other", () => {
    expect(withOidcGrant(start, "client_credentials")).toEqual({ type: "client_credentials", scope: "" });
    expect(withOidcGrant({ ...start, scope: "api.read" }, "client_credentials")).toEqual({ type: "client_credentials" });
    expect(withOidcGrant({ ...start, type: "client_credentials", scope: "" }, "authorization_code").scope).toBe("openid offline_access");
  });

  it("judges the issuer", () => {
    expect(oidcNotes({ ...start, issuer: "id.contoso.example" }).map(({ field }) => field)).toEqual(["issuer"]);
  });
});

describe("JSON pointers", () => {
  it("find their field", () => {
    expect(pointsAt("/client_secret", "client_secret")).toBe(true);
    expect(pointsAt("/headers/X-Api-Key", "headers")).toBe(true);
    expect(pointsAt("/client", "client_secret")).toBe(false);
    expect(pointsAt(null, "name")).toBe(false);
  });
});

describe("a device code", () => {
  const device = draft({ ...withType("device_code"), token_endpoint: "https://id.contoso.example/token", device_authorization_endpoint: " https://id.contoso.example/device ", client_id: "app", scope: "read", issuer: "left over" });

  it("is asked for by a public client, at its own endpoint", () => {
    expect(newConnection({ ...device, authorization_endpoint: "left over", subject: "left over" })).toEqual({
      name: "graph",
      type: "oauth",
      grant: "device_code",
      token_endpoint: "https://id.contoso.example/token",
      device_authorization_endpoint: "https://id.contoso.example/device",
      client_id: "app",
      client_authentication: "none",
      scope: "read",
    });
  });

  it("is warned of a token endpoint on another site, and of an address that is none", () => {
    expect(codes(device)).toEqual([]);
    expect(codes({ ...device, token_endpoint: "https://login.fabrikam.example/token" })).toContain("token_endpoint connection.foreign_token_endpoint");
    expect(codes({ ...device, device_authorization_endpoint: "id.contoso.example" })).toEqual(["device_authorization_endpoint connection.url_invalid"]);
  });

  it("is linted as what a person consents to", () => {
    const entra = { ...device, token_endpoint: TOKEN, device_authorization_endpoint: "", scope: "User.Read" };
    expect(codes(entra)).toEqual(["scope scope.no_refresh"]);
  });
});

describe("JWT bearer", () => {
  const signed = draft({ ...withType("jwt_bearer"), token_endpoint: "https://id.contoso.example/token", client_id: "app", private_key: " fake key\n", subject: "ada", key_id: "" });

  it("sends the key and what assertions say, and no empty field", () => {
    expect(newConnection(signed)).toEqual({
      name: "graph",
      type: "oauth",
      grant: "jwt_bearer",
      token_endpoint: "https://id.contoso.example/token",
      client_id: "app",
      client_authentication: "none",
      private_key: "fake key",
      subject: "ada",
    });
  });

  it("takes what a service account's file says", () => {
    const file = JSON.stringify({ type: "service_account", client_email: "app@contoso.example", private_key_id: "k1", private_key: "fake", token_uri: "https://id.contoso.example/token" });
    expect(fromKeyFile(file)).toEqual({ private_key: file, client_id: "app@contoso.example", key_id: "k1", token_endpoint: "https://id.contoso.example/token" });
    for (const text of ["fake key", "null", '"text"', '{"client_email":1}']) expect(fromKeyFile(text)).toEqual({ private_key: text });
  });
});
