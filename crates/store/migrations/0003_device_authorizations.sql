-- Sign-ins that wait for a person to type a code elsewhere (RFC 8628); one at most for each connection.
-- Whoever polls moves poll_at ahead first, so that one process at a time does.

CREATE TABLE device_authorizations (
    connection TEXT NOT NULL PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    id TEXT NOT NULL UNIQUE,
    connection_version BIGINT NOT NULL,
    actor_id TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    actor_role TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    begun_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    poll_at BIGINT NOT NULL
);

CREATE INDEX device_authorizations_by_poll ON device_authorizations (poll_at);
