"""Migrations and tables are the same thing, up and down; an older or a foreign database is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from pipelines.database import HEAD, migrate, migrations_folder, open_engine, ready, revision
from pipelines.tables import metadata
from scraper.errors import DatabaseError, OutdatedError


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'test.sqlite'}"


def test_the_head_is_the_last_migration() -> None:
    scripts = ScriptDirectory(str(migrations_folder()))
    assert scripts.get_current_head() == HEAD


def test_migrations_make_the_tables(url: str) -> None:
    migrate(url)
    engine = open_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_every_step_down_and_up_again(url: str) -> None:
    scripts = ScriptDirectory(str(migrations_folder()))
    names = [script.revision for script in scripts.walk_revisions()]
    migrate(url)
    for name in [*names[1:], "base"]:
        migrate(url, name)
    engine = open_engine(url)
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    engine.dispose()
    migrate(url)
    assert revision(open_engine(url)) == HEAD


def test_an_older_database_is_refused_with_advice(url: str) -> None:
    migrate(url)
    engine = open_engine(url)
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
        connection.commit()
    engine.dispose()
    with pytest.raises(OutdatedError, match="countersign migrate"):
        ready(url)


def test_a_newer_database_is_refused(url: str) -> None:
    migrate(url)
    engine = open_engine(url)
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.commit()
    engine.dispose()
    with pytest.raises(DatabaseError, match="newer"):
        ready(url)


def test_a_foreign_database_is_refused(url: str) -> None:
    engine = open_engine(url)
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE somebody_elses (id INTEGER)"))
        connection.commit()
    engine.dispose()
    with pytest.raises(DatabaseError, match="not countersign's"):
        ready(url)
