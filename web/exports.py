"""What a page shows, to take away: the whole of it as CSV, XLSX or JSON, with the filter that is set."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from sqlalchemy import Connection
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException

from changelog.cells import csv_lines
from changelog.exports import CHANGE_COLUMNS, columns_of, write_table
from changelog.json import agreement_json, life_json, listed
from changelog.query import state_code
from changelog.wording import change_json
from pipelines.history.agencies import agency_life
from pipelines.history.agreements import agreements_at
from pipelines.history.changes import ChangeFilter, read_changes
from pipelines.history.publications import publication_at
from web.context import context_of
from web.lists import Compared, compared
from web.query import DatedFilter, Day, Report
from web.rendering import stamp
from web.reports import told

router = APIRouter(include_in_schema=False)
Shape = Literal["csv", "xlsx", "json"]
Record = Mapping[str, Any]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Table:
    """`records` are read while they are sent. `whole` is what the JSON is when it is more than these records."""

    name: str
    columns: Sequence[str]
    records: Callable[[Connection], Iterable[Record]]
    whole: Any = None


@router.get("/changes.{shape}")
def changes(request: Request, shape: Shape, wanted: DatedFilter) -> Response:
    return _taken(request, shape, Table("changes", CHANGE_COLUMNS, _changes(request, wanted)))


@router.get("/lists/{name}.{shape}")
def one_list(request: Request, name: str, shape: Shape, as_of: Day = None, known_at: Day = None) -> Response:
    found = listed(context_of(request).installation, name, as_of or None, known_at or None)
    rows = found["agreements"]
    title = f"{name}-{found['published_at'][:10]}"
    return _taken(request, shape, Table(title, columns_of(rows), lambda _connection: rows, found))


@router.get("/states/{state}.{shape}")
def one_state(request: Request, state: str, shape: Shape) -> Response:
    """Its agreements on every list now."""
    context, code = context_of(request), state_code(state)
    rows = []
    with context.installation.engine.connect() as connection:
        for name, declared in context.installation.lists.items():
            newest = publication_at(connection, name)
            stored = agreements_at(connection, name, newest.place) if newest else ()
            rows += [
                {"list": name, **agreement_json(item, declared)}
                for item in stored
                if item.agreement.state == code
            ]
    return _taken(request, shape, Table(code, ["list", *columns_of(rows)], lambda _connection: rows))


@router.get("/agencies/{agency_id}.{shape}")
def one_agency(request: Request, agency_id: str, shape: Shape) -> Response:
    """What was printed of its agreements, from when until when; as JSON its whole life."""
    context = context_of(request)
    with context.installation.engine.connect() as connection:
        life = agency_life(connection, agency_id)
        if life is None:
            raise HTTPException(404, f"No agency is called {agency_id[:40]}.")
        whole = life_json(connection, context.installation, agency_id, life)
    rows = [
        {"list": agreement["list"], "agreement_id": agreement["agreement_id"], **period}
        for agreement in whole["agreements"]
        for period in agreement["periods"]
    ]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return _taken(request, shape, Table(agency_id, columns, lambda _connection: rows, whole))


@router.get("/compare.{shape}")
def comparison(request: Request, shape: Shape, asked: Compared) -> Response:
    """One record for each field that differs; for what came or went, one without a field."""
    with context_of(request).installation.engine.connect() as connection:
        found = compared(connection, asked)
    rows = []
    for pair in found.pairs:
        stored = pair.after or pair.before
        if stored is None:
            continue
        before = pair.before.agreement.as_json() if pair.before else {}
        after = pair.after.agreement.as_json() if pair.after else {}
        rows += [
            {
                "kind": pair.kind, "state": stored.agreement.state, "agency": stored.agreement.agency,
                "support_type": stored.agreement.support_type, "agency_id": pair.agency_id,
                "agreement_id": pair.agreement_id, "field": field, "before": before.get(field),
                "after": after.get(field),
            }
            for field in pair.fields or [""]
        ]  # fmt: skip
    columns = (
        "kind",
        "state",
        "agency",
        "support_type",
        "agency_id",
        "agreement_id",
        "field",
        "before",
        "after",
    )
    days = "-".join(f"{side.published_at:%Y-%m-%d}" for side in (found.earlier, found.later) if side)
    return _taken(
        request, shape, Table(f"{asked.declaration.name}-{days}", columns, lambda _connection: rows)
    )


@router.get("/report.csv")
@router.get("/report.xlsx")
def report(request: Request, asked: Report) -> Response:
    """The changes of its period."""
    shape: Shape = "csv" if request.url.path.endswith(".csv") else "xlsx"
    rows = told(context_of(request), asked)["changes"]
    name = f"{asked.declaration.name}-{asked.since}"
    return _taken(request, shape, Table(name, CHANGE_COLUMNS, lambda _connection: rows))


def _changes(request: Request, wanted: ChangeFilter) -> Callable[[Connection], Iterator[Record]]:
    context = context_of(request)

    def read(connection: Connection) -> Iterator[Record]:
        for change in read_changes(connection, wanted):
            yield change_json(change, context.installation.lists.get(change.list))

    return read


def _taken(request: Request, shape: Shape, table: Table) -> Response:
    engine = context_of(request).installation.engine
    name = f"countersign-{table.name}.{shape}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-cache"}
    if shape == "json" and table.whole is not None:
        answer: Response = JSONResponse(table.whole, headers=headers)
        stamp(request, answer)
        return answer
    if shape == "xlsx":
        path = Path(tempfile.mkstemp(prefix="countersign-", suffix=".xlsx")[1])
        with engine.connect() as connection:
            write_table(path, "xlsx", table.columns, table.records(connection))
        return FileResponse(path, headers=headers, media_type=XLSX, background=BackgroundTask(path.unlink))

    def sent() -> Iterator[str]:
        with engine.connect() as connection:
            records = table.records(connection)
            yield from csv_lines(table.columns, records) if shape == "csv" else _json_lines(records)

    media = "text/csv; charset=utf-8" if shape == "csv" else "application/json"
    return StreamingResponse(sent(), headers=headers, media_type=media)


def _json_lines(records: Iterable[Record]) -> Iterator[str]:
    """An array with a record on each line."""
    between = "[\n"
    for record in records:
        yield between + json.dumps(record, ensure_ascii=False)
        between = ",\n"
    yield "[]\n" if between == "[\n" else "\n]\n"
