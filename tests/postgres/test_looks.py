"""Looks are recorded on PostgreSQL as they are on SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipelines.test_fetch_runs import *
from tests.postgres.server import Server


@pytest.fixture(autouse=True)
def here(home: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", server.new_database())
