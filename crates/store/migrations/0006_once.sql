-- Flows whose text was run and not deployed, and when last: they are in no list, no name leads to them (theirs has the
-- digest after a ~), and they go with the last of their runs.

ALTER TABLE flows ADD COLUMN once_at BIGINT;
