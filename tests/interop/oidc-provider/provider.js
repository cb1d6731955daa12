// An authorization server by `oidc-provider` on a free loopback port, for tests/interop/test_oidc_provider.py.
// Usage: node provider.js CERTIFICATE KEY REDIRECT_URI
// Prints JSON lines: first {"ready": origin}, then one line for every token request it answered.
// Refresh tokens rotate and die with their family when an old one is used again; PKCE is demanded of every client.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { Provider } from 'oidc-provider';

const [certificate, key, redirectUri] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

let handle;
const server = createServer(
  { cert: readFileSync(certificate), key: readFileSync(key) },
  (request, response) => handle(request, response),
);

server.listen(0, '127.0.0.1', () => {
  const origin = `https://127.0.0.1:${server.address().port}`;
  const provider = new Provider(origin, {
    clients: [
      {
        client_id: 'keyway',
        client_secret: 'visibly-fake-secret: + / % & = ~',
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_basic',
      },
    ],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    ttl: { AccessToken: 3600, RefreshToken: 86400, Session: 3600, Interaction: 600, Grant: 86400 },
    cookies: { keys: ['visibly-fake-cookie-key'] },
    claims: { openid: ['sub'], profile: ['name'] },
    scopes: ['openid', 'offline_access', 'profile'],
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, name: `Account ${id}` }) }),
  });

  provider.on('grant.success', (context) => {
    const { grant_type: grant, code_verifier: verifier } = context.oidc.params;
    const header = context.get('authorization').split(' ')[0];
    say({ token_request: grant, answered: 'issued', code_verifier: Boolean(verifier), authentication: header });
  });
  provider.on('grant.error', (context, error) => {
    say({ token_request: context.oidc?.params?.grant_type, answered: error.error, detail: error.error_description });
  });
  provider.on('grant.revoked', () => say({ revoked: true }));
  provider.on('server_error', (_context, error) => say({ server_error: String(error?.stack ?? error) }));

  // A stand-in for time passing: every access token handed out so far stops working, as after its expiry.
  const answer = provider.callback();
  const dead = new Set();
  handle = (request, response) => {
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (request.url === '/test/expire' && request.method === 'POST') {
      for (const token of issued) dead.add(token);
      response.writeHead(204).end();
    } else if (bearer && dead.has(bearer)) {
      response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end();
    } else {
      answer(request, response);
    }
  };
  const issued = new Set();
  provider.on('access_token.saved', (token) => issued.add(token.jti));
  say({ ready: origin });
});
