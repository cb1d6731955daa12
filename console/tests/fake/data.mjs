// Made-up connections in every state, for looking at the console without a server. Not part of the product.

const HOUR = 3_600_000;
const at = (offset) => new Date(Date.now() + offset).toISOString();
/** Names that would run as script if anything were drawn as markup. */
export const HOSTILE = `<img src=x onerror="window.__pwned=1"><script>window.__pwned=1</script>\u202e"'\``;

const base = (name, more) => ({
  id: `con_${name.replaceAll(/[^a-z0-9]/g, "").padEnd(26, "a")}`,
  name,
  version: 1,
  preset: "microsoft-graph",
  type: "oauth",
  grant: "authorization_code",
  cloud: "sandbox",
  tenant: "contoso.example",
  client_id: "11111111-2222-3333-4444-555555555555",
  client_authentication: "automatic",
  client_authentication_used: "client_secret_basic",
  authorization_endpoint: "https://127.0.0.1:8443/contoso.example/oauth2/v2.0/authorize",
  token_endpoint: "https://127.0.0.1:8443/contoso.example/oauth2/v2.0/token",
  scope: "offline_access User.Read.All",
  issuer: null,
  base_url: "https://127.0.0.1:8443/v1.0",
  origins: ["https://127.0.0.1:8443"],
  username: null,
  header_names: [],
  query_key_name: null,
  redirect_uri: "http://localhost:8800/oauth/callback/microsoft-graph",
  state: "ok",
  state_since: at(-3 * HOUR),
  diagnosis: null,
  identity: { kind: "user", name: "Ada Example", username: "ada@contoso.example", id: "aaaa", tenant: "99999999-8888-7777-6666-555555555555", audience: "https://graph.microsoft.com", hint: true },
  authorized_by: "ada@contoso.example",
  token: token(4, true),
  warnings: [],
  created_by: "admin",
  created_at: at(-40 * HOUR),
  updated_at: at(-3 * HOUR),
  ...more,
});

export function token(generation, refresh) {
  return {
    generation,
    received_at: at(-0.1 * HOUR),
    expires_at: at(0.9 * HOUR),
    expires_in: 3240,
    expires_in_assumed: false,
    next_renewal: at(0.8 * HOUR),
    refresh_token: refresh,
    requested: refresh ? ["offline_access", "User.Read.All"] : ["https://graph.microsoft.com/.default"],
    granted: refresh ? ["offline_access", "User.Read", "User.Read.All", "openid", "profile"] : ["User.Read.All"],
    missing: [],
    granted_is_hint: !refresh,
  };
}

export const advice = (code, state, action, more = {}) => ({
  code,
  state,
  what: "Entra refused the client secret.",
  why: "What is stored looks like the Secret ID. Entra shows the Value beside it, once, when the secret is made.",
  who: "you",
  who_text: "you, who manage this connection in Keyway",
  next: "run `keyway connection change graph-wrong-secret --client-secret-file FILE`, then `keyway connection test graph-wrong-secret`",
  command: "keyway connection change graph-wrong-secret --client-secret-file FILE",
  link: null,
  action,
  suggestion: null,
  provider: {
    status: 401,
    error: "invalid_client",
    error_codes: [7000215],
    error_description: "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value.",
    trace_id: "0f9a3c1e-1111-2222-3333-444455556666",
    correlation_id: "1f9a3c1e-1111-2222-3333-444455556666",
  },
  retry_at: null,
  ...more,
});

export function connections() {
  const app = { grant: "client_credentials", authorization_endpoint: null, scope: "https://graph.microsoft.com/.default", authorized_by: null };
  const appIdentity = { kind: "app", name: "Nightly report", username: null, id: "bbbb", tenant: "99999999-8888-7777-6666-555555555555", audience: "https://graph.microsoft.com", hint: true };
  return [
    base("graph"),
    base("graph-app", { ...app, token: token(12, false), identity: appIdentity, secret_expires_at: at(20 * 24 * HOUR) }),
    base("graph-wrong-secret", { ...app, token: null, identity: null, state: "needs_secret", diagnosis: advice("client_secret.is_id", "needs_secret", "replace_secret"), warnings: [{ code: "secret.looks_like_id", message: "The client secret looks like a Secret ID.", fix: null }] }),
    base("graph-no-roles", {
      ...app,
      token: { ...token(1, false), granted: [], next_renewal: null },
      identity: appIdentity,
      state: "needs_admin",
      diagnosis: advice("application.no_roles", "needs_admin", "admin_consent", {
        what: "The token holds no application permissions.",
        why: "Entra issues such a token all the same; the first call with it would fail.",
        who: "administrator",
        who_text: "an administrator of the tenant (the directory)",
        next: "open the consent page as an administrator, then run `keyway connection test graph-no-roles`",
        command: "keyway connection test graph-no-roles",
        link: "https://127.0.0.1:8443/contoso.example/adminconsent?client_id=11111111-2222-3333-4444-555555555555&redirect_uri=http%3A%2F%2Flocalhost%3A8800%2Foauth%2Fcallback%2Fmicrosoft-graph",
        provider: null,
      }),
    }),
    base("graph-new", { token: null, identity: null, authorized_by: null, state: "never_authorized", diagnosis: advice("connection.never_authorized", "never_authorized", "reauthorize", { what: "Nobody has signed in yet.", why: "A delegated connection acts as a person, who must sign in once.", who: "signed_in_person", who_text: "the person whose account this connection uses", provider: null }) }),
    base("graph-scope", { ...app, token: null, identity: null, scope: "User.Read.All", state: "needs_settings", diagnosis: advice("scope.not_default", "needs_settings", "change_scope", { what: "Client credentials can't name permissions.", why: "Entra wants <resource>/.default.", suggestion: "https://graph.microsoft.com/.default" }) }),
    base("billing", { preset: "generic", type: "headers", grant: null, cloud: null, tenant: null, client_id: null, client_authentication: null, client_authentication_used: null, authorization_endpoint: null, token_endpoint: null, scope: null, token: null, identity: null, authorized_by: null, header_names: ["X-Api-Key"], base_url: "https://billing.contoso.example/v2", origins: ["https://billing.contoso.example"], redirect_uri: null }),
    base("hostile", { identity: { kind: "user", name: HOSTILE, username: HOSTILE, id: HOSTILE, tenant: HOSTILE, audience: HOSTILE, hint: true }, created_by: HOSTILE, warnings: [{ code: "x", message: HOSTILE, fix: null }], state: "degraded", diagnosis: advice("provider.down", "degraded", "wait", { what: HOSTILE, why: HOSTILE, next: HOSTILE, link: "javascript:window.__pwned=1", provider: { error: HOSTILE } }) }),
  ];
}

export function graphUsers(top, skip, origin) {
  const value = Array.from({ length: Math.min(top, 50 - skip) }, (_, i) => ({
    businessPhones: [],
    displayName: i + skip === 3 ? HOSTILE : `Person ${i + skip + 1}`,
    givenName: "Person",
    jobTitle: ["Engineer", "Designer", null][(i + skip) % 3],
    mail: `person${i + skip + 1}@contoso.example`,
    officeLocation: null,
    userPrincipalName: `person${i + skip + 1}@contoso.example`,
    id: `00000000-0000-4000-8000-${String(i + skip).padStart(12, "0")}`,
  }));
  const next = skip + top < 50 ? { "@odata.nextLink": `${origin}/v1.0/users?$top=${top}&$skiptoken=${skip + top}` } : {};
  return { "@odata.context": `${origin}/v1.0/$metadata#users`, ...next, value };
}

export function auditRows() {
  const actions = ["token.renewed", "connection.state_changed", "connection.changed", "authorization.returned", "authorization.begun", "connection.added", "user.added", "session.created", "key.created"];
  return Array.from({ length: 120 }, (_, i) => ({
    id: `aud_${String(i).padStart(26, "a")}`,
    seq: 120 - i,
    at: at(-i * 0.4 * HOUR),
    actor: i % 4 === 0 ? "system" : "usr_ada",
    actor_name: i === 2 ? HOSTILE : i % 4 === 0 ? "system" : "admin",
    action: actions[i % actions.length],
    subject: i % 3 === 0 ? "con_graphaaaaaaaaaaaaaaaaaaaaa" : "con_graphappaaaaaaaaaaaaaaaaaa",
    detail: { generation: 12 - (i % 12), scope: "User.Read.All" },
  }));
}
