"""Migrations on PostgreSQL: the same tables, up and down."""

from __future__ import annotations

import pytest

from tests.postgres.server import Server
from tests.test_migrations import *


@pytest.fixture  # type: ignore[no-redef]  # instead of SQLite's
def url(server: Server) -> str:
    return server.new_database(empty=True)
