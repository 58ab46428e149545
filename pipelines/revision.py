"""Of which version the tables are, and how an SQLite file is opened."""

HEAD = "0009"
BUSY_SECONDS = 60  # to wait for another process that writes
# WAL lets readers go on while one writes; NORMAL is safe with WAL and spares a sync per transaction.
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "cache_size=-32768",
)
