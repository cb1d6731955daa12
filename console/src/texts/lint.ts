// What is said about what somebody typed. The scope's sentences are those of crates/oauth/src/scope/lint.rs.

export const scopeLint = {
  separator: (kinds: string) => `The scope has ${kinds} in it. Scope names are separated by single spaces; anything else becomes part of a name.`,
  invisible: "The scope has invisible characters or typographic quotes in it, probably from copying.",
  nonAscii: (character: string) =>
    `The scope has the character '${character}' in it. Scope names are ASCII only (RFC 6749 section 3.3): look for a letter that only looks right.`,
  character: "The scope has quotes, backslashes or control characters in it, which no scope name may have (RFC 6749 section 3.3).",
  emptyAppOnly: "There is no scope. An app-only connection asks for everything that its app registration was given on one resource.",
  emptyDelegated: "There is no scope. Name the delegated permissions that the connection needs.",
  emptyExact: "There is no scope: the provider decides what the token may do (RFC 6749 section 3.3).",
  duplicate: (names: string) => `The scope names ${names} more than once.`,
  defaultMixedAppOnly:
    'An app-only connection (client credentials) asks for one "<resource>/.default" alone; the other names must go. The permissions themselves are listed in the app registration.',
  bareDefault: '".default" stands without its resource; written out it can\'t be misread.',
  notDefault:
    'An app-only connection (client credentials) can\'t name permissions, and gets no refresh token: it asks for "<resource>/.default", which means all application permissions of its app registration that an administrator consented to.',
  defaultMixed: '".default" means everything in the app registration and can\'t stand beside named permissions or another ".default" (AADSTS70011).',
  severalResources: "The scope names permissions of several resources. A token is for one resource (AADSTS28000): make one connection for each.",
  unknown: (name: string, suggestion: string) => `Microsoft Graph has no permission ${name} that Keyway knows of. Did you mean ${suggestion}?`,
  noRefresh:
    "offline_access is missing: no refresh token will be issued, so somebody must sign in again whenever the access token ends (after about an hour).",
};

export const endpointLint = {
  swapped: "The two paths are swapped: Access Token Path ends in /token, Authorize Path in /authorize.",
  v1: "This is the v1 endpoint, which the portal lists beside v2. Keyway speaks v2.0.",
  twoTenants: (first: string, second: string) =>
    `Authorize Path names the tenant ${first}, Access Token Path the tenant ${second}. A code of one is no good at the other.`,
  urlTooLong: "This URL is longer than 2,048 characters.",
  urlSpace: "A URL has no spaces, line breaks or backslashes.",
  urlUnreadable: "This is not a whole URL. It begins with https:// and names a host.",
  urlScheme: "Only https:// (or http:// on this machine) can carry a secret.",
  urlUser: "A URL here must not carry a user name or password.",
  urlFragment: "A URL here must not have a # part.",
};

export const secretLint = {
  whitespace: "There is white space or an invisible character around the secret, probably from copying.",
  looksLikeId: "This looks like the Secret ID. Entra shows the Value beside it, once, when the secret is made: paste the Value.",
};

export const formLint = {
  name: "A name has 1 to 64 letters, digits, dots, underscores or hyphens, and begins with a letter or digit.",
  commonTenant: "App-only needs a real tenant: its directory (tenant) ID or one of its domains, not common, organizations or consumers.",
  clientIdSpace: "There is white space in the client ID.",
  origin: (text: string) => `${text} is not an origin. An origin is https://host or https://host:port, without a path.`,
  originPath: (text: string) => `${text} has a path. An origin is scheme, host and port alone.`,
  noApi: "Without a base URL this connection can't call anything.",
  foreignToken: (authorize: string, token: string) =>
    `Signing in happens at ${authorize}, but the code and the client secret would go to ${token}. Make sure that this is meant.`,
};

export const fixText = {
  scope: (scope: string) => `Use “${scope}”`,
  trim: "Remove it",
  swap: "Swap them",
  v2: "Use the v2.0 endpoint",
  tenant: (tenant: string) => `Use ${tenant} in both`,
  origin: (origin: string) => `Use ${origin}`,
};
