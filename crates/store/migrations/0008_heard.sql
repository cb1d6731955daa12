-- Which events a run that goes on has been told of: one that comes again is not told again. `event` is a hash of what names it.

CREATE TABLE heard (
    run TEXT NOT NULL,
    event TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (run, event)
);

CREATE INDEX heard_by_time ON heard (at);
