"""A new rule's effect is shown before it is: exactly its changes, nothing written, nothing announced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from countersign import run
from demo.agencies import Agency
from demo.workbooks import Line
from pipelines import normalise
from pipelines.normalise import terms
from pipelines.rehearsal import effect_of_rules
from tests.pipelines.conftest import History, sheet

DAYS = [datetime(2025, 5, day, 15, tzinfo=UTC) for day in (5, 12, 19)]
OLD = [
    Line(Agency("GEORGIA", f"Town {number} Police Department", "Municipal", "Dooly"), "TFM", date(2025, 1, 7))
    for number in range(60)
]


def line(name: str, model: str) -> Line:
    return Line(Agency("GEORGIA", f"{name} County Sheriff's Office", "County", name), model, date(2025, 5, 1))


@pytest.fixture
def told(history: History) -> History:
    """One agreement's model is printed in a way that no rule knows yet, and corrected a week later."""
    unknown = "Custodial Enforcement Programme"
    history.feed(
        [
            sheet([*OLD, line("Dooly", unknown)], DAYS[0]),
            sheet([*OLD, line("Dooly", "JEM")], DAYS[1]),
            sheet([*OLD, line("Dooly", "JEM"), line("Crisp", unknown), line("Wilcox", "TFM")], DAYS[2]),
        ]
    )
    return history


@pytest.fixture
def new_rule(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """From here on "Custodial Enforcement Programme" is read as the Jail Enforcement Model."""
    monkeypatch.setitem(terms._MODELS, "custodialenforcementprogramme", "JEM")
    for cached in (terms.read_model, normalise._read_model):
        cached.cache_clear()
    yield
    monkeypatch.undo()
    for cached in (terms.read_model, normalise._read_model):
        cached.cache_clear()


def test_without_a_new_rule_there_is_nothing_to_show(told: History) -> None:
    assert effect_of_rules(told.installation).nothing


def test_exactly_the_changes_that_the_rule_makes_are_shown(told: History, new_rule: None) -> None:
    before, entries = told.changes(), list(told.installation.archive.entries())
    effect = effect_of_rules(told.installation)
    # The correction of Dooly was no correction; Crisp is new under the model that it really has.
    assert [(one.kind, one.agency) for one in effect.gone] == [
        ("amended", "Dooly County Sheriff's Office"),
        ("added", "Crisp County Sheriff's Office"),
    ]
    assert [(one.kind, one.agency, one.support_type) for one in effect.come] == [
        ("added", "Crisp County Sheriff's Office", "JEM")
    ]
    assert effect.altered == []
    # The list that seemed to correct Dooly says nothing new.
    assert [(one.before, one.after) for one in effect.judged] == [("recorded", "unchanged")]
    assert told.changes() == before
    assert list(told.installation.archive.entries()) == entries


def test_the_command_tells_it_apart_from_what_a_publisher_changed(
    told: History, new_rule: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COUNTERSIGN_HOME", str(told.installation.settings.home))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", told.installation.settings.database_url)
    assert run(["rebuild", "--dry-run", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    shown: dict[str, Any] = json.loads(out)
    assert {name: len(shown[name]) for name in ("gone", "come", "altered", "judged")} == {
        "gone": 2, "come": 1, "altered": 0, "judged": 1,
    }  # fmt: skip
    assert "not what a publisher changed" in err
