// An authorization server by `oidc-provider` on a free loopback port, for tests/interop/test_oidc_provider.py and test_matrix.py.
// Usage: node provider.js CERTIFICATE KEY CLIENTS, where CLIENTS is a JSON file: a list of clients' metadata (RFC 7591).
// Prints JSON lines: first {"ready": origin}, then one line for every POST to the token endpoint and one for how it was answered.
// PKCE is demanded of every client. Refresh tokens rotate and die with their family when an old one is used again; those of a client
// whose id contains "keeps" stay the same.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { Provider } from 'oidc-provider';

const [certificate, key, clients] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

let handle;
const server = createServer(
  { cert: readFileSync(certificate), key: readFileSync(key) },
  (request, response) => handle(request, response),
);

/** Who asked, also where it could not prove that. */
function clientOf({ oidc, headers }) {
  const basic = /^Basic (.+)$/.exec(headers.authorization ?? '')?.[1];
  const [id] = basic ? Buffer.from(basic, 'base64').toString().split(':') : [undefined];
  return oidc?.client?.clientId ?? oidc?.params?.client_id ?? (id && decodeURIComponent(id));
}

/** How it proved who it is. */
function authenticationOf(context) {
  const { client_secret: secret, client_assertion: assertion } = context.oidc?.body ?? {};
  if (context.get('authorization').startsWith('Basic ')) return 'client_secret_basic';
  if (assertion) return 'private_key_jwt';
  return secret ? 'client_secret_post' : 'none';
}

server.listen(0, '127.0.0.1', () => {
  const origin = `https://127.0.0.1:${server.address().port}`;
  const provider = new Provider(origin, {
    clients: JSON.parse(readFileSync(clients)),
    pkce: { required: () => true },
    rotateRefreshToken: (context) => !context.oidc.client.clientId.includes('keeps'),
    issueRefreshToken: (_context, client, code) => client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
    features: { clientCredentials: { enabled: true }, deviceFlow: { enabled: true, mask: '****-****' } },
    ttl: {
      AccessToken: 3600, ClientCredentials: 3600, DeviceCode: 600, RefreshToken: 86400, Session: 3600, Interaction: 600, Grant: 86400,
    },
    cookies: { keys: ['visibly-fake-cookie-key'] },
    claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
    scopes: ['openid', 'offline_access', 'profile', 'email', 'api:read', 'api:write'],
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: `Account ${id}`, email: `${id}@contoso.example` }),
    }),
  });

  provider.on('grant.success', (context) => {
    const { grant_type: grant, code_verifier: verifier } = context.oidc.params;
    say({
      token_request: grant,
      answered: 'issued',
      client: clientOf(context),
      code_verifier: Boolean(verifier),
      authentication: authenticationOf(context),
    });
  });
  provider.on('grant.error', (context, error) => {
    const grant = context.oidc?.params?.grant_type;
    say({ token_request: grant, answered: error.error, client: clientOf(context), detail: error.error_description });
  });
  provider.on('grant.revoked', () => say({ revoked: true }));
  provider.on('server_error', (_context, error) => say({ server_error: String(error?.stack ?? error) }));

  // A stand-in for time passing: every access token handed out so far stops working, as after its expiry; of one client or of all.
  const issued = new Map();
  const dead = new Set();
  for (const kind of ['access_token', 'client_credentials']) {
    provider.on(`${kind}.saved`, (token) => issued.set(token.jti, token.clientId));
  }
  const expire = (client) => {
    for (const [token, of] of issued) if (client === null || of === client) dead.add(token);
  };

  // An API of the provider's own: who calls?
  async function whoami(bearer, response) {
    const token = (await provider.AccessToken.find(bearer)) ?? (await provider.ClientCredentials.find(bearer));
    const { clientId: client, accountId: sub, scope } = token ?? {};
    response.writeHead(token ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(token ? { client, sub, scope } : {}));
  }

  const answer = provider.callback();
  handle = (request, response) => {
    const url = new URL(request.url, origin);
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (url.pathname === '/token') say({ token_endpoint: request.method });
    if (url.pathname === '/test/expire' && request.method === 'POST') {
      expire(url.searchParams.get('client'));
      response.writeHead(204).end();
    } else if (url.pathname === '/test/mark' && request.method === 'POST') {
      say({ mark: url.searchParams.get('mark') });
      response.writeHead(204).end();
    } else if (bearer && dead.has(bearer)) {
      response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end();
    } else if (url.pathname === '/api/whoami') {
      whoami(bearer, response);
    } else {
      answer(request, response);
    }
  };
  say({ ready: origin });
});
