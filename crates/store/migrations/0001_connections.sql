-- Connections, their tokens, the people and keys that use them, and the audit log.
-- Times are microseconds since 1970 in UTC. JSON is TEXT. `sealed` columns hold envelopes of the vault.

CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT,
    sealed BYTEA
);

CREATE TABLE connections (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    version BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    settings TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    standing TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- A name whose connection is not made yet, but whose redirect URI must be known already.
CREATE TABLE drafts (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE tokens (
    connection TEXT NOT NULL PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    generation BIGINT NOT NULL,
    sealed BYTEA,
    lease_owner TEXT,
    lease_until BIGINT,
    intent_owner TEXT,
    intent_since BIGINT
);

CREATE TABLE authorizations (
    id TEXT NOT NULL PRIMARY KEY,
    connection TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    connection_version BIGINT NOT NULL,
    actor_id TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    actor_role TEXT NOT NULL,
    path TEXT NOT NULL,
    state_hash BYTEA NOT NULL UNIQUE,
    ticket_hash BYTEA UNIQUE,
    browser_hash BYTEA,
    sealed BYTEA NOT NULL,
    begun_at BIGINT NOT NULL,
    started_at BIGINT,
    expires_at BIGINT NOT NULL
);

CREATE INDEX authorizations_by_connection ON authorizations (connection, begun_at);

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    password TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT
);

-- How often a password was tried on one day, also for names that nobody has: they are kept as fingerprints, since what
-- is typed as a name may be a password.
CREATE TABLE attempts (
    account BYTEA NOT NULL,
    day BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (account, day)
);

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    token_hash BYTEA NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    token_hash BYTEA NOT NULL UNIQUE,
    role TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at BIGINT
);

-- Each row's code covers the row and the code before it; the head says where the chain ends, and is signed.
CREATE TABLE audit (
    seq BIGINT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    at BIGINT NOT NULL,
    actor_id TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    key_id BYTEA NOT NULL,
    code BYTEA NOT NULL
);

CREATE INDEX audit_by_subject ON audit (subject, seq);

CREATE TABLE audit_head (
    one BIGINT NOT NULL PRIMARY KEY,
    count BIGINT NOT NULL,
    code BYTEA NOT NULL,
    key_id BYTEA NOT NULL,
    signature BYTEA NOT NULL
);

CREATE TABLE calls (
    id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    connection TEXT NOT NULL,
    method TEXT NOT NULL,
    host TEXT NOT NULL,
    path TEXT NOT NULL,
    status BIGINT,
    code TEXT,
    provider TEXT,
    duration BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    token_generation BIGINT,
    request_id TEXT
);

CREATE INDEX calls_by_connection ON calls (connection, at);
CREATE INDEX calls_by_time ON calls (at);
