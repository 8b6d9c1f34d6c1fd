-- For gateways, which are told page by page what ended; and for logins, which look at those of one user that live.
CREATE INDEX sessions_by_end_and_id ON sessions (ended_at, id);
CREATE INDEX sessions_living ON sessions (user_id, id) WHERE ended_at IS NULL;
