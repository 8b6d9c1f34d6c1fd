-- Of a session's tokens one is unspent: the code has kept to it so far, from here on the database does.
CREATE UNIQUE INDEX refresh_tokens_one_unspent ON refresh_tokens (session_id) WHERE spent_at IS NULL;

-- For the purge: sessions of long ago.
CREATE INDEX sessions_by_login ON sessions (authenticated_at);
