"""Here every test runs on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from demo.publisher import Publisher
from tests.pipelines.conftest import history, new_history, published
from tests.postgres.server import Server
from tests.postgres.world import HOSTS, World

__all__ = ["history", "new_history", "published"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.postgres)


@pytest.fixture
def database(server: Server) -> Callable[[Path], str]:
    return lambda _home: server.new_database()


@pytest.fixture
def world(tmp_path: Path, home: Path) -> Iterator[World]:
    with ExitStack() as stack:
        publishers = [stack.enter_context(Publisher()) for _ in range(HOSTS)]
        made = World(publishers, tmp_path / "desk")
        made.publish()
        yield made
        made.end()
