"""Long histories of made lists, written as the product writes them: taken in, then recorded with what changed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from benchmarks.homes import home_at
from benchmarks.made import agencies, declared
from pipelines.fingerprints import Packed, agreement_fingerprint
from pipelines.history.baseline import as_publication
from pipelines.history.publications import new_publications
from pipelines.installation import Installation, writing
from pipelines.publication_time import Dated
from pipelines.record.ingest import take
from pipelines.record.publications import write
from pipelines.result import Result, interval_id
from pipelines.values import Agreement, Change, Figures, Publication
from scraper.capture import Capture
from scraper.journal import Position

FIRST = datetime(2020, 1, 6, 17, tzinfo=UTC)
LIST = "made"
MODELS = ("JEM", "TFM", "WSO")
AT_ONCE = 500  # publications that are written in one transaction, since only reading is measured


@dataclass(frozen=True, slots=True)
class History:
    """A list that was published `publications` times, each `every` after the one before. Each time but the first
    `changed` of its `rows` agreements say something else."""

    publications: int
    rows: int
    changed: int
    every: timedelta = timedelta(days=1)

    def moment(self, number: int) -> datetime:
        return FIRST + number * self.every

    @property
    def counts(self) -> range:
        return range(self.publications)


def written(home: Path, history: History) -> Installation:
    installation = home_at(home, [declared(LIST)])
    numbers = iter(history.counts)
    deriving = _Deriving(history)
    while chunk := [*islice(numbers, AT_ONCE)]:
        with writing(installation) as connection:
            entries = ((_entry(history, number), Position(0, number)) for number in chunk)
            take(connection, entries, lambda capture: Dated(capture.captured_at, "name"), announce=False)
            for row in new_publications(connection):
                write(connection, deriving.next(as_publication(row)))
    return installation


def _entry(history: History, number: int) -> dict[str, object]:
    at = history.moment(number)
    capture = Capture(
        LIST, "", at, "fetched", sha256=f"{number:064x}", published_name=f"made{number}.csv", by="replay"
    )
    return {"kind": "capture", "at": at.isoformat(), **capture.as_json()}


class _Deriving:
    """What each publication changes, without any file to read it from."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._chance = random.Random(287)
        self._standing = {
            f"g{number:012x}": agreement for number, agreement in enumerate(_made(history.rows))
        }
        self._ids = [*self._standing]
        self._open: dict[str, int] = {}
        self._last: Publication | None = None

    def next(self, publication: Publication) -> Result:
        last, self._last = self._last, publication
        changed = self._chance.sample(self._ids, self._history.changed) if last else self._ids
        closed = [self._open[one] for one in changed] if last else []
        changes = [self._amended(one) for one in changed] if last else []
        opened = [self._begun(publication, one) for one in changed]
        return Result(
            publication,
            "recorded",
            last.sha256 if last else None,
            Figures(len(self._ids), len(self._ids)),
            changes,
            [None] * len(changes),
            [None] * len(changes),
            opened,
            closed,
            packed=Packed(),
        )

    def _begun(self, publication: Publication, one: str) -> tuple[int, str, str, int, Agreement]:
        agreement = self._standing[one]
        self._open[one] = interval_id(LIST, one, publication.place)
        return self._open[one], one, f"a{one[1:]}", agreement_fingerprint(agreement), agreement

    def _amended(self, one: str) -> Change:
        before = self._standing[one]
        assert before.signed  # noqa: S101 - all made ones are
        after = replace(before, signed=before.signed + timedelta(days=self._chance.randrange(1, 100)))
        self._standing[one] = after
        return Change("amended", one, f"a{one[1:]}", before, after, ("signed",))


def _made(rows: int) -> Iterator[Agreement]:
    for number, (state, county, name, model, signed) in enumerate(agencies(rows, seed=287), 2):
        moa = f"https://www.example.gov/doclib/{state.lower()}/{number:07}.pdf"
        yield Agreement(state, name, MODELS[model], signed, "County", county, moa, "", row=number)
