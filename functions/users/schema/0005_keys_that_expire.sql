ALTER TABLE api_keys ADD COLUMN expires_at BIGINT; -- NULL: it lives until it is ended
