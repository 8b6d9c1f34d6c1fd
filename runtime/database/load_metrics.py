"""How busy a function's database is, as metrics that are read when somebody asks.

In: an open database and a registry. The database itself only counts, and knows no metrics.
"""

from runtime.database import Database
from runtime.telemetry.metrics import Metrics


def watch(database: Database, metrics: Metrics) -> None:
    """Adds the metrics of `database`; a database opened later takes its place."""
    load = database.load
    metrics.ask("gauge", "portico_database_transactions_open", "Open transactions.", lambda: {(): load.open})
    metrics.ask("counter", "portico_database_transactions_total", "Transactions begun.", lambda: {(): load.begun})
    metrics.ask(
        "counter",
        "portico_database_wait_seconds_total",
        "Time that transactions waited for a connection.",
        lambda: {(): load.waited},
    )
