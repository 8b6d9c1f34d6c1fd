-- Times are milliseconds since the epoch, ids are UUIDv7.

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL, -- as its owner writes it
    email_key TEXT NOT NULL UNIQUE, -- as it is compared
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    version BIGINT NOT NULL, -- counts changes, so that two writers at once do not undo each other's
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- One login and what came of it. No foreign key: an ended session outlives its user, until the last token of it expires.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    ended_at BIGINT -- NULL while it lives
);

CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_end ON sessions (ended_at);

-- The tokens of a session, each spent for its successor. The newest is the only one without spent_at.
CREATE TABLE refresh_tokens (
    hash TEXT PRIMARY KEY, -- SHA-256, so that who reads this table can refresh nothing
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    spent_at BIGINT, -- NULL until then
    salt TEXT, -- from which, with the token itself, its successor can be made again
    successor TEXT -- the hash of that one
);

CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_by_age ON refresh_tokens (created_at);
