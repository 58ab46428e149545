"""Whatever state a home is in: a round that begins quickly leaves the record of a round that never heard of it."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select, type_coerce
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import NULLTYPE

from changelog.notices import quiet_round_of, round_of
from demo.made import Week
from demo.publisher import Publisher
from pipelines.desk import Desk
from pipelines.looks import watch as watching
from pipelines.looks.look import Look
from pipelines.tables import metadata
from scraper.archive import Archive
from scraper.errors import CountersignError
from tests.pipelines.scenes import START, STATES, Scene, house_at, settings_of

pytestmark = pytest.mark.usefixtures("on_sqlite")
# What may differ: names that chance gave, how long it took, in which order two lists of a round began, and the
# publisher's own time, which stands in the journal.
OWN = {
    "runs": {"id", "run_id", "process", "stages", "seconds"},
    "leases": {"holder"},
    "taken": {"head"},
}


@pytest.fixture(scope="module")
def playing() -> Iterator[Publisher]:
    with Publisher() as made:
        yield made


@pytest.fixture(scope="module")
def seen_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the home is kept from which all scenes begin; the first of them makes it."""
    return tmp_path_factory.mktemp("seen once") / "home"


@pytest.fixture
def scene(tmp_path: Path, home: Path, playing: Publisher, published: list[Week], seen_once: Path) -> Scene:
    playing.be_kind()
    playing.show_week(published[0])
    if not seen_once.exists():
        first = house_at(seen_once, playing, START)
        asyncio.run(round_of(first, first.chosen([]), "clock", "test"))
        first.engine.dispose()
    shutil.copytree(seen_once, tmp_path / "home")
    return Scene(house_at(tmp_path / "home", playing, START), playing, published)


@dataclass
class Came:
    """What came of a round: the looks or the error, the record and the lines of the log."""

    looks: list[Look] | str
    record: Mapping[str, list[Any]]
    log: list[Any]


async def never(*_: Any) -> None:
    """The quick way is not gone."""


@pytest.mark.parametrize(
    ("prepare", "quickly", "shows"), STATES, ids=[state.__name__ for state, _, _ in STATES]
)
def test_both_ways_leave_the_same(
    scene: Scene,
    prepare: Callable[[Scene], None],
    quickly: set[str],
    shows: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepare(scene)
    scene.house.engine.dispose()
    home = scene.house.settings.home
    other = home.with_name("other")
    if home.exists():
        shutil.copytree(home, other)
    capsys.readouterr()
    done = set[str]()
    quick = came(scene, home, capsys, lambda: by_the_command(scene, home, done))
    monkeypatch.setattr(watching, "look_for_nothing_new", never)
    ordinary = came(scene, other, capsys, lambda: by_the_clock(scene, other))
    assert quick.looks == ordinary.looks
    assert quick.log == ordinary.log
    assert quick.record.keys() == ordinary.record.keys()
    for name, rows in ordinary.record.items():
        assert quick.record[name] == rows, name
    assert done == quickly
    assert shows in repr(ordinary)


async def by_the_command(scene: Scene, home: Path, done: set[str]) -> list[Look]:
    """The house is opened when there is more to do than was `done` quickly."""
    desk = Desk(settings_of(home), Archive(home), lambda: scene.now)
    lists = scene.publisher.lists()
    going, all_done = await quiet_round_of(desk, lists, "clock", "test")
    done.update(going.looks)
    if all_done:
        return [going.looks[item.name] for item in lists]
    house = house_at(home, scene.publisher, scene.now)
    return await round_of(house, lists, "clock", "test", going)


async def by_the_clock(scene: Scene, home: Path) -> list[Look]:
    house = house_at(home, scene.publisher, scene.now)
    return await round_of(house, house.chosen([]), "clock", "test")


def came(
    scene: Scene,
    home: Path,
    capsys: pytest.CaptureFixture[str],
    look: Callable[[], Coroutine[Any, Any, list[Look]]],
) -> Came:
    try:
        looks: list[Look] | str = [
            replace(made, run_id="", reason=made.reason.replace(str(home), "home"))
            for made in asyncio.run(look())
        ]
    except (CountersignError, ValueError) as error:
        looks = f"{type(error).__name__}: {error}".replace(str(home), "home")
    said = capsys.readouterr().err.replace(str(home), "home").splitlines()
    own = ("run", "timestamp", "seconds")
    lines = [{name: value for name, value in json.loads(line).items() if name not in own} for line in said]
    return Came(looks, record_of(home / "countersign.sqlite"), sorted(lines, key=json.dumps))


def record_of(path: Path) -> Mapping[str, list[Any]]:
    """Every table; what it cannot tell of a database that is not ours."""
    if not path.is_file():
        return {}
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            found = dict[str, list[Any]]()
            for table in metadata.sorted_tables:
                seen = [column for column in table.columns if column.name not in OWN.get(table.name, ())]
                rows = connection.execute(select(*(type_coerce(column, NULLTYPE) for column in seen)))
                found[table.name] = sorted(repr(tuple(row)).replace(str(path.parent), "home") for row in rows)
            return found
    except DBAPIError as error:
        return {"refused": [str(error.orig)]}
    finally:
        engine.dispose()
