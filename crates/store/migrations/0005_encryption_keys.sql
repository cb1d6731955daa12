-- The keys that sealed values of this installation: the one that seals now, and those before it. `sealed` holds what
-- checks the audit rows of a key that is retired; it seals nothing any more.

CREATE TABLE encryption_keys (
    id TEXT NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL,
    retired_at BIGINT,
    sealed BYTEA
);
