"""Everything below runs on both databases."""

from tests.databases import database, database_url, postgres_database_url, sqlite_database_url

__all__ = ["database", "database_url", "postgres_database_url", "sqlite_database_url"]
