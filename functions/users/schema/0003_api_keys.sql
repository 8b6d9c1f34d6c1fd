-- An API key is a session without refresh tokens: it lives until it is ended, and ends wherever sessions do.
CREATE TABLE api_keys (
    session_id TEXT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    hash TEXT NOT NULL UNIQUE, -- SHA-256 of 256 random bits: who reads this table can call nothing, and nobody guesses them
    prefix TEXT NOT NULL, -- its first characters, by which its owner knows it again
    name TEXT NOT NULL, -- as its owner calls it
    used_at BIGINT -- to the minute; NULL until then
);
