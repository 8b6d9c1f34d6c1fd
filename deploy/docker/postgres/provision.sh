#!/bin/sh
# A function's database, its owner (who migrates) and its role (which only reads and writes rows).
# May run again at any time: what is there stays, passwords and rights are set anew.
set -eu
name=$1
export PGPASSWORD
PGPASSWORD=$(cat /run/secrets/postgres-password)
run() { psql --no-psqlrc --quiet --host postgres --username postgres -v ON_ERROR_STOP=1 -v name="$name" "$@"; }

run --dbname postgres \
    -v owner_password="$(cat "/run/secrets/$name-owner-password")" -v password="$(cat "/run/secrets/$name-password")" <<'SQL'
-- The jobs of two functions may not change the rights on one database at once: the lock is held to the end.
SELECT pg_advisory_lock(1) \gset
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
SELECT format('CREATE ROLE %I', :'name' || '_owner') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name' || '_owner') \gexec
SELECT format('CREATE ROLE %I', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', :'name' || '_owner', :'owner_password') \gexec
SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', :'name', :'password') \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name' || '_owner') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'name') \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO %I', :'name', :'name') \gexec
SQL

run --dbname "$name" <<'SQL'
SELECT format('ALTER SCHEMA public OWNER TO %I', :'name' || '_owner') \gexec
SELECT format('GRANT USAGE ON SCHEMA public TO %I', :'name') \gexec
SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I', :'name' || '_owner', :'name') \gexec
SQL
