-- Passwords that were tried, for an account from a network; under the empty network those from all that it does not know.
CREATE TABLE login_attempts (
    account TEXT NOT NULL, -- SHA-256 of the email as it is compared, whether or not somebody has it
    network TEXT NOT NULL,
    full_at BIGINT NOT NULL, -- when as many may be tried again as ever
    known_until BIGINT NOT NULL, -- for how long the account knows the network; 0 until somebody logs in from there
    PRIMARY KEY (account, network)
);

CREATE INDEX login_attempts_by_age ON login_attempts (known_until, full_at);
