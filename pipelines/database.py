"""Opening the database: engine, pragmas, and whether its tables are those of this version."""

from __future__ import annotations

import os
import sqlite3
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from pipelines.refusals import explain_refusals
from pipelines.revision import BUSY_SECONDS, HEAD, PRAGMAS
from scraper.errors import DatabaseError, OutdatedError


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


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
