"""PostgreSQL: every row is proven as in SQLite, and a server that goes away in the middle harms nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert, text

from demo.made import Week
from pipelines.installation import writing
from pipelines.run import catch_up
from pipelines.tables import ticks
from pipelines.verify import record_problems
from scraper.errors import DatabaseError
from tests.pipelines.conftest import NOW, History, files_of, history, new_history, published
from tests.postgres.server import Server

__all__ = ["history", "new_history", "published"]
pytestmark = [pytest.mark.postgres, pytest.mark.long]


@pytest.fixture
def database(server: Server) -> Callable[[Path], str]:
    return lambda _home: server.new_database()


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("UPDATE changes SET agency = 'Nowhere' WHERE seq = 0", "its agency is 'Nowhere'"),
        ("UPDATE intervals SET until_place = 'x' WHERE row = 4", "its until_place is 'x'"),
        ("UPDATE changes SET score = score + 0.5 WHERE seq = 1", "its score is"),
        ("DELETE FROM intervals WHERE row = 5", "follows from the archive, and is missing"),
        ("UPDATE accepted SET layout = layout + 1", "table accepted, row"),
    ],
)
def test_an_edited_row_is_named(history: History, published: list[Week], sql: str, named: str) -> None:
    history.feed(files_of(published)[:6])
    assert list(record_problems(history.installation)) == []
    engine = create_engine(history.installation.settings.database_url)
    with engine.begin() as connection:
        assert connection.execute(text(sql)).rowcount
    engine.dispose()
    found = [f"{problem.where}: {problem.text}" for problem in record_problems(history.installation)]
    assert any(named in line for line in found), found


def test_a_server_that_restarts_in_the_middle_of_a_transaction(
    history: History, published: list[Week], server: Server
) -> None:
    files = files_of(published)
    history.feed(files[:4])
    before = history.log()

    def interrupted() -> None:
        with writing(history.installation) as connection:
            connection.execute(insert(ticks).values(name="half", at=NOW, process="x"))
            server.stop()
            connection.execute(insert(ticks).values(name="more", at=NOW, process="x"))

    with pytest.raises(DatabaseError, match=r"when (it|the server) is back"):
        interrupted()
    with pytest.raises(DatabaseError, match=r"cannot be (reached|opened)"):
        catch_up(history.installation)
    server.start()
    catch_up(history.installation)
    assert history.log() == before
    assert list(record_problems(history.installation)) == []
    history.feed(files[4:])
    assert list(record_problems(history.installation)) == []
