"""Opening the database: engine, pragmas, whether its tables are of this version, and what to say when it refuses."""

from __future__ import annotations

import os
import sqlite3
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from scraper.errors import DatabaseError, OutdatedError

HEAD = "0011"
BUSY_SECONDS = 60  # to wait for another process that writes
# WAL lets readers go on while one writes; NORMAL is safe with WAL and spares a sync per transaction.
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "cache_size=-32768",
)


_MAKE_AGAIN = (
    "Move it away and run `countersign rebuild`: the archive holds all that is needed to make it again"
)

# The beginning of SQLite's name of an error.
_SQLITE = {
    "SQLITE_FULL": "the disk is full. Free some space and run the command again",
    "SQLITE_IOERR": "the disk cannot be read or written. It may be full: free some space, and try again",
    "SQLITE_BUSY": "another process keeps it locked. Wait for it to end, or end it, and try again",
    "SQLITE_LOCKED": "another process keeps it locked. Wait for it to end, or end it, and try again",
    "SQLITE_READONLY": "it cannot be written. Run as the owner of COUNTERSIGN_HOME, or correct permissions",
    "SQLITE_PERM": "permission denied. Run as the owner of COUNTERSIGN_HOME, or correct its permissions",
    "SQLITE_AUTH": "permission denied. Run as the owner of COUNTERSIGN_HOME, or correct its permissions",
    "SQLITE_CANTOPEN": "its file cannot be opened. Check that COUNTERSIGN_HOME exists and may be written",
    "SQLITE_CORRUPT": f"its file is damaged. {_MAKE_AGAIN}",
    "SQLITE_NOTADB": f"its file is no SQLite database, or is damaged. {_MAKE_AGAIN}",
    "SQLITE_TOOBIG": f"it holds a value that is too large to be ours. {_MAKE_AGAIN}",
}
# The beginning of PostgreSQL's code of an error (its appendix A).
_POSTGRESQL = {
    "53100": "the disk of the server is full. Free some space and run the command again",
    "53": "the server has no connection or memory left. Try again later",
    "57": "the server is shutting down or restarting. Run the command again when it is back",
    "08": "the connection was lost. Run the command again when the server is back",
    "25006": "it may only be read. Name the primary server in COUNTERSIGN_DATABASE_URL",
    "28": "the server refuses this user or password. Correct COUNTERSIGN_DATABASE_URL",
    "3D000": "the server has no database of this name. Create it, or correct COUNTERSIGN_DATABASE_URL",
    "42501": "this user may not do that. Grant it the rights, or name another in COUNTERSIGN_DATABASE_URL",
    "42P01": f"it lacks a table that it should have. {_MAKE_AGAIN}",
    "42703": f"it lacks a column that it should have. {_MAKE_AGAIN}",
    "55P03": "another process keeps it locked. Wait for it to end, or end it, and try again",
    "40": "another process was in the way. Run the command again",
    "XX": "the server reports damage. Look into its log before anything else",
}


def explain_refusals(engine: Engine) -> None:
    """From now on a refusal of this engine's database is a DatabaseError, wherever it happens."""
    event.listen(engine, "handle_error", _explain)


def _explain(context: ExceptionContext) -> DatabaseError | None:
    """What is raised instead; None leaves the error as it is."""
    refusal = context.original_exception
    # A connection that is found dead before its use is replaced, if the error is left as it is.
    if context.is_pre_ping or isinstance(context.sqlalchemy_exception, IntegrityError):
        return None
    return refused(refusal)


def refused(refusal: BaseException) -> DatabaseError | None:
    """What to raise instead of a driver's error; None when it is no refusal of the database's."""
    why = _why(refusal)
    if why is None:
        return None
    return DatabaseError(
        f"The database refused: {why}. What was not finished was undone. ({_first_line(refusal)})"
    )


def _why(refusal: BaseException) -> str | None:
    """None when it is no refusal of the database's but a mistake of ours."""
    name: str | None = getattr(refusal, "sqlite_errorname", None)
    if name is not None:
        text = str(refusal)
        if name == "SQLITE_ERROR" and text.startswith(("no such table", "no such column")):
            return f"it lacks a table or column that it should have. {_MAKE_AGAIN}"
        return _of(name, _SQLITE)
    if type(refusal).__module__.partition(".")[0] != "psycopg":
        return _undecodable(refusal)
    code: str | None = getattr(refusal, "sqlstate", None)
    if code is None and type(refusal).__name__ in ("OperationalError", "ConnectionTimeout"):
        return "the server cannot be reached. Try again when it is back, or correct COUNTERSIGN_DATABASE_URL"
    return _of(code or "", _POSTGRESQL)


def _undecodable(refusal: BaseException) -> str | None:
    # sqlite3 gives this one no code: text that was written by a hand, or by a failing disk.
    if "Could not decode to UTF-8" in str(refusal):
        return f"it holds text that is not ours. {_MAKE_AGAIN}"
    return None


def _of(code: str, sentences: dict[str, str]) -> str | None:
    return next((said for start, said in sentences.items() if code.startswith(start)), None)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def open_engine(url: str) -> Engine:
    """An engine for `url`; an SQLite file is tuned for one writer and many readers."""
    if make_url(url).get_backend_name() == "sqlite":
        path = Path(make_url(url).database or "")
        if path.exists() and not (_may_write(path) and _may_write(path.parent)):
            engine = create_engine(url, creator=lambda: _read_only(path))
        else:
            engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
            event.listen(engine, "connect", _tune_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(url, pool_pre_ping=True)
    explain_refusals(engine)
    return engine


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _read_only(path: Path) -> sqlite3.Connection:
    """A file that this user may only read. Without a write-ahead log beside it nobody writes to it."""
    still = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro{still}", uri=True, check_same_thread=False, isolation_level=None
    )


def _tune_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    # A writer takes the lock at once (IMMEDIATE), since a read that turns into a write cannot wait its turn.
    write = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def database_exists(url: str) -> bool:
    """Asking SQLite for a file that is not there would make it."""
    parsed = make_url(url)
    return parsed.get_backend_name() != "sqlite" or Path(parsed.database or "").exists()


def revision(engine: Engine) -> str | None:
    """The migration that the database is at; None when it has no tables yet."""
    try:
        with engine.connect() as connection:
            tables = inspect(connection).get_table_names()
            if "alembic_version" not in tables:
                if tables:
                    raise DatabaseError(
                        "This database holds tables that are not countersign's. Name another one in "
                        "COUNTERSIGN_DATABASE_URL."
                    )
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except SQLAlchemyError as error:
        raise DatabaseError(f"The database cannot be opened: {_first_line(error)}") from error


def ready(url: str) -> Engine:
    """An engine whose tables are of this version: made when there are none, refused when they are older."""
    engine = open_engine(url)
    at = revision(engine)
    if at is None:
        migrate(url)
    elif at < HEAD:
        raise OutdatedError(
            f"The database is at {at}, this version needs {HEAD}. Back it up and run `countersign migrate`."
        )
    elif at > HEAD:
        raise DatabaseError(
            f"The database is at {at}, newer than this version ({HEAD}). Upgrade countersign."
        )
    return engine


def migrate(url: str, revision_name: str = "head") -> None:
    """Bring the tables to `revision_name`. Several processes may try at once; one does it."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    config.attributes["url"] = url
    engine = open_engine(url)
    at = revision(engine)
    try:
        if revision_name == "head" or (at or "") < revision_name != "base":
            command.upgrade(config, revision_name)
        else:
            command.downgrade(config, revision_name)
    except SQLAlchemyError as error:
        raise DatabaseError(f"The migration failed: {_first_line(error)}") from error
    finally:
        engine.dispose()


def migrations_folder() -> Path:
    return Path(str(files("migrations")))
