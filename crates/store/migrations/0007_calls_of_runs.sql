-- Which step of a run made a call, where a run did; the run itself is the call's actor.

ALTER TABLE calls ADD COLUMN step TEXT;

CREATE INDEX calls_by_run ON calls (actor, at) WHERE step IS NOT NULL;
