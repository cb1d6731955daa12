-- Flows and their versions, plain secrets, runs with their journal, and what starts, wakes and ends them.
-- Bodies (inputs, results, events, table values) are sealed, as secrets are: they hold personal data.

CREATE TABLE flows (
    id TEXT NOT NULL PRIMARY KEY,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    title TEXT,
    current BIGINT NOT NULL,
    disabled_at BIGINT,
    retention_days BIGINT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (namespace, name)
);

-- Never changed, and kept as long as a run stands on it.
CREATE TABLE flow_versions (
    flow TEXT NOT NULL REFERENCES flows (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    source TEXT NOT NULL,
    deployed_by TEXT NOT NULL,
    deployed_at BIGINT NOT NULL,
    PRIMARY KEY (flow, number)
);

CREATE TABLE secrets (
    name_key TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    version BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- The processes that work on runs. One that was killed is never seen again: its successor has another name.
CREATE TABLE incarnations (
    id TEXT NOT NULL PRIMARY KEY,
    lease_until BIGINT NOT NULL
);

-- A run without owner waits: for `wake_at`, for a letter, or for its connection. `epoch` grows with each owner.
CREATE TABLE runs (
    id TEXT NOT NULL PRIMARY KEY,
    flow TEXT NOT NULL REFERENCES flows (id),
    version BIGINT NOT NULL,
    digest TEXT NOT NULL,
    semantics BIGINT NOT NULL,
    status TEXT NOT NULL,
    actor TEXT NOT NULL,
    cause TEXT NOT NULL,
    parent TEXT,
    parent_command TEXT,
    depth BIGINT NOT NULL,
    retry_of TEXT,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    wake_at BIGINT,
    parked TEXT,
    parked_on TEXT,
    owner TEXT,
    epoch BIGINT NOT NULL,
    error BYTEA,
    output BYTEA
);

CREATE INDEX runs_by_time ON runs (created_at, id);
CREATE INDEX runs_by_flow ON runs (flow, created_at, id);
CREATE INDEX runs_due ON runs (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX runs_by_owner ON runs (owner) WHERE owner IS NOT NULL;
CREATE INDEX runs_by_parked_on ON runs (parked_on) WHERE parked_on IS NOT NULL;
CREATE UNIQUE INDEX runs_by_parent ON runs (parent, parent_command) WHERE parent IS NOT NULL;
CREATE INDEX runs_live ON runs (flow, status) WHERE ended_at IS NULL;

-- What happened to a run, in order: nothing else is ever read to go on with it.
CREATE TABLE journal (
    run TEXT NOT NULL,
    position BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    sealed BYTEA,
    blob TEXT,
    PRIMARY KEY (run, position)
);

-- Lines of the journal that are too large to be read with the others.
CREATE TABLE blobs (
    id TEXT NOT NULL PRIMARY KEY,
    run TEXT NOT NULL,
    sealed BYTEA NOT NULL
);

CREATE INDEX blobs_by_run ON blobs (run);

-- What others have to tell a run; its owner takes it over into the journal.
CREATE TABLE letters (
    run TEXT NOT NULL,
    seq BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (run, seq)
);

-- What runs wait for. `kind` is the events' type where it is a plain word, and its length, since a dot stands for any character.
CREATE TABLE listeners (
    run TEXT NOT NULL,
    command TEXT NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT,
    kind_length BIGINT,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (run, command, number)
);

CREATE INDEX listeners_by_kind ON listeners (kind_length);

-- The keys under which runs were started: a message that comes twice starts one run.
CREATE TABLE starts (
    flow TEXT NOT NULL,
    start_key TEXT NOT NULL,
    run TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (flow, start_key)
);

CREATE INDEX starts_by_time ON starts (at);
CREATE INDEX starts_by_run ON starts (run);

-- When each trigger of a flow fires next; events that a trigger has gathered so far.
CREATE TABLE schedules (
    flow TEXT NOT NULL REFERENCES flows (id) ON DELETE CASCADE,
    trigger_key TEXT NOT NULL,
    next_at BIGINT,
    gathered BYTEA,
    revision BIGINT NOT NULL,
    PRIMARY KEY (flow, trigger_key)
);

CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL;

-- Each nominal time once: started, skipped or missed.
CREATE TABLE firings (
    flow TEXT NOT NULL REFERENCES flows (id) ON DELETE CASCADE,
    trigger_key TEXT NOT NULL,
    nominal BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    run TEXT,
    at BIGINT NOT NULL,
    PRIMARY KEY (flow, trigger_key, nominal)
);

CREATE INDEX firings_by_time ON firings (at);

CREATE TABLE approvals (
    id TEXT NOT NULL PRIMARY KEY,
    run TEXT NOT NULL,
    command TEXT NOT NULL,
    token_hash BYTEA NOT NULL UNIQUE,
    title TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    decided_at BIGINT,
    UNIQUE (run, command)
);

CREATE TABLE table_rows (
    name TEXT NOT NULL,
    row_key TEXT NOT NULL,
    version BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (name, row_key)
);
