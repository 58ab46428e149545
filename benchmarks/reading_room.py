"""How quickly every page answers when the record holds 2,000 publications and 1,000,000 changes.

    python -m benchmarks.reading_room HOME

makes such a record in HOME (once), asks each page a few times, and prints medians in milliseconds.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import us
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, insert, text

from pipelines.installation import Installation, open_installation
from pipelines.tables import changes, intervals, publications
from scraper.lists import BUILT_IN
from scraper.settings import get_settings
from web.app import create_app

PUBLICATIONS, CHANGES, AGENCIES = 2_000, 1_000_000, 60_000
STATES = [state.abbr for state in us.states.STATES]
MODELS = ("TFM", "WSO", "JEM")
FIRST = datetime(2015, 1, 1, 12, tzinfo=UTC)
LIMIT_MS = 200.0
TIMES = 5


def made_house(home: Path) -> Installation:
    settings = get_settings().model_copy(
        update={"home": home, "database_url": f"sqlite:///{home}/countersign.sqlite"}
    )
    installation = open_installation(settings, BUILT_IN)
    with installation.engine.connect() as connection:
        if connection.execute(text("SELECT 1 FROM changes LIMIT 1")).first():
            return installation
    # Beside the writer's own engine: this is made up.
    with create_engine(settings.database_url).begin() as connection:
        for table, rows in (
            (publications, made_publications()),
            (changes, made_changes()),
            (intervals, made_intervals()),
        ):
            for chunk in chunked(rows, 10_000):
                connection.execute(insert(table), chunk)
        connection.execute(text("ANALYZE"))
    return installation


def chunked(rows: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    chunk = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def moment_of(number: int) -> datetime:
    return FIRST + timedelta(hours=48 * number)


def list_of(number: int) -> str:
    return "participating" if number % 2 else "pending"


def place_of(number: int) -> str:
    at = moment_of(number)
    return f"{at:%Y-%m-%dT%H:%M:%SZ} {at:%Y%m%d%H%M%S} {number:012x}"


def made_publications() -> Iterator[dict[str, Any]]:
    for number in range(PUBLICATIONS):
        total = 10 * number + 100
        by_state = {state: total // 50 + place for place, state in enumerate(STATES)}
        at = moment_of(number)
        yield {
            "key": f"{number:010x}", "list": list_of(number), "place": place_of(number), "sha256": f"{number:064x}",
            "published_name": f"list{number}.xlsx", "published_at": at, "basis": "workbook", "captured_at": at,
            "recorded_at": at, "state": "recorded", "announced": True, "previous_sha256": f"{max(number - 2, 0):064x}",
            "agreements": total, "agencies": total * 4 // 5, "by_state": by_state,
            "by_support_type": {"TFM": total // 2, "WSO": total // 3, "JEM": total // 6},
            "counts": {"added": 300, "amended": 200}, "filled": {"state": total}, "findings": [], "reasons": None,
            "content": f"{number:016x}", "parser": 1,
        }  # fmt: skip


def agency_of(number: int) -> tuple[str, str, str]:
    return (f"a{number:012x}", STATES[number % 50], f"{_word(number)} County Sheriff's Office {number}")


def _word(number: int) -> str:
    return random.Random(number).choice(("Baker", "Clay", "Dixon", "Elk", "Ford", "Grant", "Hart", "Irwin"))


def made_changes() -> Iterator[dict[str, Any]]:
    each = CHANGES // PUBLICATIONS
    for number in range(CHANGES):
        published, seq = divmod(number, each)
        identifier, state, agency = agency_of(number * 7919 % AGENCIES)
        kind = ("added", "amended", "removed", "renamed", "returned")[
            0 if seq < 300 else min(1 + seq % 50 // 45, 4)
        ]
        at = moment_of(published)
        record = {"state": state, "agency": agency, "support_type": MODELS[seq % 3], "signed": "2025-01-01"}
        yield {
            "id": f"{number:016x}", "list": list_of(published), "place": place_of(published), "seq": seq,
            "kind": kind, "published_at": at, "captured_at": at, "recorded_at": at,
            "published_name": f"list{published}.xlsx", "sha256": f"{published:064x}", "previous_sha256": None,
            "row": seq + 2, "state": state, "agency": agency, "name_key": agency.lower(), "agency_id": identifier,
            "agreement_id": f"g{number % 200_000:012x}", "support_type": MODELS[seq % 3], "signed": "2025-01-01",
            "before": None if kind == "added" else {"signed": "2024-01-01"},
            "after": record if kind == "added" else {"signed": "2025-01-01"}, "rule": "new", "score": 1.0,
            "evidence": None, "newly_signed": kind == "added", "new_agency": kind == "added" and not seq % 2,
        }  # fmt: skip


def made_intervals() -> Iterator[dict[str, Any]]:
    """Every tenth change opened an interval; the newest 20,000 of them are open."""
    each = CHANGES // PUBLICATIONS
    for number in range(0, CHANGES, 10):
        published = number // each
        identifier, state, agency = agency_of(number * 7919 % AGENCIES)
        stays = number >= CHANGES - 200_000
        until = None if stays else place_of(min(published + 2, PUBLICATIONS - 1))
        yield {
            "id": number + 1, "list": list_of(published), "agreement_id": f"g{number:012x}", "agency_id": identifier,
            "from_place": place_of(published), "until_place": until, "row": number % 20_000, "fingerprint": number,
            "state": state, "agency": agency, "name_key": agency.lower(), "support_type": MODELS[number % 3],
            "signed": "2025-01-01", "type": "County", "county": "", "moa": "pending", "addendum": None,
            "extra": None, "printed": None,
        }  # fmt: skip


def pages(client: TestClient) -> list[str]:
    last = "/changes?from=end"
    middle = client.get("/api/v1/changes?since=2018-01-01&limit=1").json()["next"]
    agency = agency_of(7919 % AGENCIES)[0]
    return [
        "/", "/changes", last, f"/changes?older={middle}", "/changes?kind=renamed", "/changes?list=pending&kind=added",
        "/changes?state=WY", "/changes?model=JEM&state=FL&kind=amended", "/changes?q=dixon+4242",
        "/changes?q=nobody+at+all",
        "/changes?reviewed=no", "/changes?reviewed=yes", "/changes?group=week", "/changes?fresh=2019-01-01",
        "/changes?since=2017-01-01&through=2017-02-01", f"/changes/{5:016x}", "/agencies?q=dixon",
        f"/agencies/{agency}",
        "/states", "/states/FL", "/lists", "/lists/participating",
        "/lists/participating?as_of=2018-05-05",
        "/lists/participating?state=TX&q=baker", "/lists/participating/publications", f"/publications/{77:010x}",
        "/compare?from=2019-01-01&to=2019-02-01",
        "/held", "/runs", "/report",
        "/report?since=2019-01-01&until=2019-01-08",
        "/feeds", "/feeds/changes.atom", "/feeds/weeks.atom", "/claim?text=more+than+5000+agencies",
        "/status", "/metrics",
        "/api/v1/changes", "/api/v1/publications", "/api/v1/states/FL", "/method",
    ]  # fmt: skip


def main(home: Path) -> int:
    home.mkdir(parents=True, exist_ok=True)
    installation = made_house(home)
    slow = 0
    with TestClient(create_app(installation), base_url="http://localhost") as client:
        for address in pages(client):
            taken = []
            for _ in range(TIMES):
                began = time.perf_counter()
                answer = client.get(address)
                taken.append(1000 * (time.perf_counter() - began))
            median = statistics.median(taken)
            slow += median > LIMIT_MS
            told = {
                "page": address,
                "status": answer.status_code,
                "median_ms": round(median),
                "first_ms": round(taken[0]),
            }
            print(json.dumps(told) + ("   <-- slow" if median > LIMIT_MS else ""), flush=True)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
