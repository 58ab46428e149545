"""States in which a home may be when its lists are looked at again."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, delete, insert, select, type_coerce, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import NULLTYPE

from changelog.notices import report_runs
from demo.made import Week
from demo.publisher import Publisher
from demo.rudeness import answering
from pipelines.fetch_runs import RunResult, fetch_lists
from pipelines.installation import Installation, open_installation, writing
from pipelines.processes import process_name
from pipelines.record.notices import owe, settle_incidents
from pipelines.record.runs import LEASE, start_run, take_lease
from pipelines.tables import metadata, publications, watched
from scraper.errors import CountersignError
from scraper.settings import Settings

pytestmark = pytest.mark.usefixtures("on_sqlite")
START = datetime(2025, 6, 2, 12, tzinfo=UTC)
LATER = START + timedelta(hours=1)


@dataclass
class Scene:
    """A home in which both lists have been seen once, and its publisher. `now` is when it is looked at again."""

    installation: Installation
    publisher: Publisher
    weeks: list[Week]
    now: datetime = LATER

    def edit(self, statement: Any) -> None:
        with writing(self.installation) as connection:
            connection.execute(statement)

    def state(self, state: str) -> None:
        mine = publications.c.list == "participating"
        self.edit(update(publications).where(mine).values(state=state))

    def lease(self, holder: str, at: datetime, name: str = "pending") -> None:
        with writing(self.installation) as connection:
            assert take_lease(connection, name, holder, at)
            start_run(connection, "f" * 32, name, "clock", "test", holder, at)


def settings_of(home: Path) -> Settings:
    """Nobody listens at the webhook: what is owed stays owed."""
    return Settings(
        home=home,
        retries=0,
        timeout_seconds=20,
        webhook_url="http://127.0.0.1:9/",
        webhook_secret=SecretStr("of these tests alone"),
        webhook_private=True,
    )


def house_at(home: Path, publisher: Publisher, now: datetime) -> Installation:
    return replace(open_installation(settings_of(home), publisher.lists()), now=lambda: now)


def nothing(_scene: Scene) -> None:
    """Both lists are as they were."""


def confirmed(scene: Scene) -> None:
    """The same bytes, of which the server says something else than before."""
    week = scene.weeks[0]
    later = week.published_at + timedelta(hours=3)
    scene.publisher.show("participating", week.participating, week.participating_name, later)


def news_of_one(scene: Scene) -> None:
    week = scene.weeks[1]
    scene.publisher.show("pending", week.pending, week.pending_name, week.published_at)


def news_of_both(scene: Scene) -> None:
    scene.publisher.show_week(scene.weeks[1])


def gone_from_the_page(scene: Scene) -> None:
    scene.publisher.hide("pending")


def refused(scene: Scene) -> None:
    scene.publisher.be_rude("page", answering(403, b"no"))


def broken(scene: Scene) -> None:
    scene.publisher.be_rude("participating", answering(500))


def held(scene: Scene) -> None:
    scene.state("held")


def rejected(scene: Scene) -> None:
    scene.state("rejected")


def cleared(scene: Scene) -> None:
    scene.state("cleared")


def unreadable(scene: Scene) -> None:
    scene.state("unreadable")


def not_derived(scene: Scene) -> None:
    scene.state("new")


def in_trouble_until_now(scene: Scene) -> None:
    with writing(scene.installation) as connection:
        settle_incidents(connection, "pending", {"failing": "It was refused."}, again=True, now=START)


def overdue_until_now(scene: Scene) -> None:
    """Nobody looked for a month."""
    with writing(scene.installation) as connection:
        settle_incidents(connection, "pending", {"overdue": "It was last seen."}, again=False, now=START)
    scene.now = START + timedelta(days=30)


def silent_for_long(scene: Scene) -> None:
    """A list that came every day does not come for a month."""
    with scene.installation.engine.connect() as connection:
        first = connection.execute(select(publications).where(publications.c.list == "pending")).one()
    for day in range(1, 30):
        then = first.published_at - timedelta(days=day)
        row = {
            **first._mapping,
            "id": None,
            "key": f"earlier {day}",
            "place": f"{then:%Y-%m-%dT%H:%M:%SZ} earlier",
            "published_at": then,
            "sha256": f"{day:064}",
        }
        scene.edit(insert(publications).values(row))
    scene.now = first.published_at + timedelta(days=31)


def not_seen_to_its_end(scene: Scene) -> None:
    scene.edit(update(watched).where(watched.c.list == "pending").values(served_sha256=None))


def never_seen(scene: Scene) -> None:
    scene.edit(delete(watched).where(watched.c.list == "pending"))


def of_another_address(scene: Scene) -> None:
    scene.edit(update(watched).where(watched.c.list == "pending").values(url="https://example.org/a.xlsx"))


def body_lost(scene: Scene) -> None:
    with scene.installation.engine.connect() as connection:
        row = connection.execute(select(publications).where(publications.c.list == "pending")).one()
    scene.installation.archive.path(row.sha256).unlink()


def in_the_journal_only(scene: Scene) -> None:
    """A verdict of a person, whose process died before the database knew."""
    scene.installation.archive.append(
        "same",
        START,
        state="FL",
        agency="One",
        other_state="FL",
        other_agency="Other",
        by="a person",
        note="",
    )


def journal_lost(scene: Scene) -> None:
    scene.installation.archive.journal.path.unlink()


def archive_lost(scene: Scene) -> None:
    shutil.rmtree(scene.installation.archive.folder)
    scene.installation.archive.folder.write_text("a file stands where a folder should be")


def owed(scene: Scene) -> None:
    with writing(scene.installation) as connection:
        owe(connection, "x", "lane", ["webhook"], {"kind": "digest", "week": "2025-W01"}, START)


def dead_process(scene: Scene) -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
    host = process_name().rpartition(":")[0].rpartition(":")[0]
    scene.lease(f"{host}:{process.pid}:long-ago/1", LATER - timedelta(seconds=1))


def another_machine(scene: Scene) -> None:
    scene.lease("elsewhere:1:2/3", LATER - timedelta(seconds=1))


def another_machine_that_died(scene: Scene) -> None:
    scene.lease("elsewhere:1:2/3", LATER - 2 * LEASE)


def another_look_of_this_process(scene: Scene) -> None:
    scene.lease(f"{process_name()}/1", LATER - timedelta(seconds=1))


def another_look_that_forgot_its_lease(scene: Scene) -> None:
    scene.lease(f"{process_name()}/1", LATER - 2 * LEASE)


def a_clock_that_ran_ahead(scene: Scene) -> None:
    scene.lease(f"{process_name()}/1", LATER + timedelta(days=9))


def no_write_ahead_log(scene: Scene) -> None:
    scene.installation.engine.dispose()
    with closing(sqlite3.connect(scene.installation.settings.home / "countersign.sqlite")) as db:
        assert db.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)


def older_tables(scene: Scene) -> None:
    version(scene, "0004")


def newer_tables(scene: Scene) -> None:
    version(scene, "9999")


def version(scene: Scene, number: str) -> None:
    scene.installation.engine.dispose()
    with closing(sqlite3.connect(scene.installation.settings.home / "countersign.sqlite")) as db:
        db.execute("UPDATE alembic_version SET version_num = ?", (number,))
        db.commit()


def tables_of_others(scene: Scene) -> None:
    no_database(scene)
    with closing(sqlite3.connect(scene.installation.settings.home / "countersign.sqlite")) as db:
        db.execute("CREATE TABLE theirs (id INTEGER)")


def no_database(scene: Scene) -> None:
    scene.installation.engine.dispose()
    for end in ("", "-wal", "-shm"):
        (scene.installation.settings.home / f"countersign.sqlite{end}").unlink(missing_ok=True)


def no_home(scene: Scene) -> None:
    scene.installation.engine.dispose()
    shutil.rmtree(scene.installation.settings.home)


def rubbish(scene: Scene) -> None:
    no_database(scene)
    (scene.installation.settings.home / "countersign.sqlite").write_bytes(b"rubbish " * 2000)


def a_time_that_is_none(scene: Scene) -> None:
    """Somebody wrote into the database by hand."""
    scene.installation.engine.dispose()
    with closing(sqlite3.connect(scene.installation.settings.home / "countersign.sqlite")) as db:
        db.execute("UPDATE watched SET served_since = 'yesterday' WHERE list = 'pending'")
        db.commit()


# What there is, and what the record, the log or the looks must show of it.
STATES: list[tuple[Callable[[Scene], None], str]] = [
    (nothing, "'unchanged'"),
    (confirmed, "Thu, 11 Sep 2025 00:04:30 GMT"),
    (no_write_ahead_log, "'unchanged'"),
    (owed, "notice dropped"),
    (news_of_one, "'recorded'"),
    (news_of_both, "'recorded'"),
    (gone_from_the_page, "'absent'"),
    (refused, "'failing'"),
    (broken, "'failing'"),
    (of_another_address, "'unchanged'"),
    (body_lost, "'unchanged'"),
    (held, "'held'"),
    (rejected, "was rejected"),
    (cleared, "cleared"),
    (unreadable, "'failing'"),
    (in_trouble_until_now, "'failing'"),
    (overdue_until_now, "'overdue'"),
    (silent_for_long, "Nothing new was published"),
    (not_seen_to_its_end, "'unchanged'"),
    (never_seen, "'unchanged'"),
    (another_look_of_this_process, "'busy'"),
    (another_look_that_forgot_its_lease, "'unchanged'"),
    (a_clock_that_ran_ahead, "'unchanged'"),
    (not_derived, "'unchanged'"),
    (in_the_journal_only, "a person"),
    (journal_lost, "could not be taken in"),
    (archive_lost, "a file stands where"),
    (dead_process, "'died'"),
    (another_machine, "'busy'"),
    (another_machine_that_died, "'died'"),
    (older_tables, "OutdatedError"),
    (newer_tables, "DatabaseError"),
    (tables_of_others, "DatabaseError"),
    (no_database, "'recorded'"),
    (no_home, "'recorded'"),
    (rubbish, "DatabaseError"),
    (a_time_that_is_none, "ValueError"),
]


@pytest.fixture(scope="module")
def playing() -> Iterator[Publisher]:
    with Publisher() as made:
        yield made


@pytest.fixture(scope="module")
def seen_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the home is kept from which all scenes begin; the first of them makes it."""
    return tmp_path_factory.mktemp("seen once") / "home"


async def fetched(installation: Installation) -> list[RunResult]:
    results = await fetch_lists(installation, installation.chosen([]), "clock", "test")
    await report_runs(installation, results)
    return results


@pytest.fixture
def scene(tmp_path: Path, home: Path, playing: Publisher, published: list[Week], seen_once: Path) -> Scene:
    playing.be_kind()
    playing.show_week(published[0])
    if not seen_once.exists():
        first = house_at(seen_once, playing, START)
        asyncio.run(fetched(first))
        first.engine.dispose()
    shutil.copytree(seen_once, tmp_path / "home")
    return Scene(house_at(tmp_path / "home", playing, START), playing, published)


@pytest.mark.parametrize(("prepare", "shows"), STATES, ids=[state.__name__ for state, _ in STATES])
def test_whatever_state_a_home_is_in_a_run_says_what_it_found(
    scene: Scene, prepare: Callable[[Scene], None], shows: str, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(scene)
    scene.installation.engine.dispose()
    home = scene.installation.settings.home
    capsys.readouterr()
    try:
        installation = house_at(home, scene.publisher, scene.now)
        came: object = asyncio.run(fetched(installation))
    except (CountersignError, ValueError) as error:
        came = error
    assert shows in f"{came!r} {capsys.readouterr().err} {record_of(home / 'countersign.sqlite')}"


def record_of(path: Path) -> str:
    """Every row of every table; what is told of a database that is not ours."""
    if not path.is_file():
        return ""
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            return repr(
                [
                    tuple(row)
                    for table in metadata.sorted_tables
                    for row in connection.execute(
                        select(*(type_coerce(one, NULLTYPE) for one in table.columns))
                    )
                ]
            )
    except DBAPIError as error:
        return str(error.orig)
    finally:
        engine.dispose()
