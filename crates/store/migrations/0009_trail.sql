-- Each time that a call was sent, where it was sent more than once or had to wait for a token: a JSON list.

ALTER TABLE calls ADD COLUMN trail TEXT;
