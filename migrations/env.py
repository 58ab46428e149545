"""Alembic's environment: the address comes from the command that migrates, else from the settings."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

from pipelines.database import open_engine
from pipelines.tables import metadata
from scraper.settings import get_settings

MIGRATING = int.from_bytes(b"migrate")

url = context.config.attributes.get("url") or get_settings().database_url

if context.is_offline_mode():
    context.configure(url=url, target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    engine = open_engine(url)
    with engine.connect().execution_options(writes=True) as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            transaction_per_migration=False,
            transactional_ddl=True,  # SQLite's too: Alembic would else commit, and let another in, after each one
        )
        with context.begin_transaction():
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:migrating)"), {"migrating": MIGRATING})
            context.run_migrations()
        connection.commit()
    engine.dispose()
