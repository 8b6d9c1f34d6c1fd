-- A purge finds what it removes by indexes: keys that have expired, and sessions by their end alone.
CREATE INDEX api_keys_by_expiry ON api_keys (expires_at) WHERE expires_at IS NOT NULL;

-- Whose last token was purged before its session was: no token tells any more that it is over.
UPDATE sessions SET ended_at = authenticated_at
WHERE ended_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM refresh_tokens AS t WHERE t.session_id = sessions.id)
    AND NOT EXISTS (SELECT 1 FROM api_keys AS k WHERE k.session_id = sessions.id);
