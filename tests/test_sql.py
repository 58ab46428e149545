"""The questions of docs/sql.md are answered alike by both databases, and the views are what they were."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from demo.made import weeks
from pipelines.history.changes import ChangeFilter, read_changes
from tests.pipelines.conftest import History, files_of

DOCS = Path(__file__).parents[1] / "docs"
QUESTIONS = re.findall(r"\*\*(.+?)\*\*\n\n```sql\n(.+?)\n```", (DOCS / "sql.md").read_text(), flags=re.DOTALL)
EMPTY = {
    "Which agreements ever changed their model?",
    "Which agencies have all three models?",
}  # of the made lists


@pytest.fixture(scope="module")
def on_both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Engine]]:
    home = tmp_path_factory.mktemp("sql")
    urls = [f"sqlite:///{home}/countersign.sqlite", request.getfixturevalue("server").new_database()]
    made = [History(tmp_path_factory.mktemp("home"), url) for url in urls]
    for history in made:
        history.feed(files_of(weeks()))
    yield [history.installation.engine for history in made]
    for history in made:
        history.installation.engine.dispose()


def test_there_are_ten_questions() -> None:
    assert len(QUESTIONS) == 10


@pytest.mark.parametrize(("question", "sql"), QUESTIONS, ids=[question for question, _ in QUESTIONS])
def test_a_question_is_answered(on_both: list[Engine], question: str, sql: str) -> None:
    one, other = (answer(engine, sql.rstrip(";")) for engine in on_both)
    assert one == other
    assert one or question in EMPTY


def answer(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


def test_the_view_of_changes_says_what_the_command_says(on_both: list[Engine]) -> None:
    for engine in on_both:
        with engine.connect() as connection:
            viewed = {row.id: row for row in connection.execute(text("SELECT * FROM change_log"))}
            log = list(read_changes(connection, ChangeFilter()))
        assert len(viewed) == len(log)
        for change in log:
            row = viewed[change.id]
            told = (
                row.list,
                row.kind,
                row.agency,
                row.state,
                row.agreement_id,
                row.sha256,
                row.previous_sha256,
            )
            assert told == (
                change.list, change.kind, change.agency, change.state, change.agreement_id, change.sha256,
                change.previous_sha256,
            )  # fmt: skip
            assert (parsed(row.before), parsed(row.after)) == (change.before, change.after)


def parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def test_a_finding_of_many_rows_is_told_once() -> None:
    from pipelines.record.publications import _counted
    from pipelines.values import Finding

    found = [Finding("date-unreadable", "It is no date.", row) for row in range(2, 1002)]
    assert _counted([*found, Finding("column-unknown", "Not declared."), Finding("other", "Once.", 7)]) == [
        {
            "name": "date-unreadable",
            "text": "It is no date.",
            "row": 2,
            "count": 1000,
            "rows": [2, 3, 4, 5, 6],
        },
        {"name": "column-unknown", "text": "Not declared."},
        {"name": "other", "text": "Once.", "row": 7},
    ]
