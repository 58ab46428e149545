"""What documents say of themselves, what is odd about links, and how it is shown."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from countersign import run
from demo.papers import paper
from pipelines.documents.statements import differences, misattributed, statements
from pipelines.history.documents import Linked
from pipelines.values import Agreement
from tests.pipelines.documents.test_fetch import Played

OPENING = (
    "This Memorandum of Agreement (MOA) constitutes an agreement between United States Immigration and Customs "
    "Enforcement (ICE), a component of the Department of Homeland Security (DHS), and the {}, pursuant to which "
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (OPENING.format("Dooly County Sheriff’s Office"), {"agency": "Dooly County Sheriff's Office"}),
        ("Warrant Service Officer Model. State of Georgia", {"support_type": "WSO", "state": "GA"}),
        ("Warrant Service Officer and Task Force Model", {}),
        ("the State of Georgia and the State of\nFlorida", {}),
        ("Commonwealth of Virginia", {"state": "VA"}),
        ("Signature Date: 4/2/2025 Signature Date: March 31, 2025", {"signed": "2025-04-02"}),
        ("Date: 4/2/2025 Date: 44/44/2025", {}),
        (OPENING.format("Dooly Police") + OPENING.format("Crisp Police"), {}),
        ("", {}),
    ],
)
def test_only_what_leaves_no_choice_is_read(text: str, told: dict[str, Any]) -> None:
    assert statements(text, 2026) == told


def agreement(agency: str, **fields: Any) -> Agreement:
    return Agreement("GA", agency, "TFM", date(2025, 4, 2), **fields)


@pytest.mark.parametrize(
    ("told", "names"),
    [
        (
            {
                "agency": "County of Dooly Sheriff",
                "state": "GA",
                "support_type": "TFM",
                "signed": "2025-04-02",
            },
            [],
        ),
        ({"agency": "Crisp County Sheriff's Office"}, ["document-agency"]),
        ({"state": "FL", "support_type": "WSO"}, ["document-state", "document-support-type"]),
        ({"signed": "2025-04-03"}, ["document-signed"]),
        ({}, []),
    ],
)
def test_differences_are_findings(told: dict[str, Any], names: list[str]) -> None:
    assert [one.name for one in differences(told, agreement("Dooly County Sheriff's Office"))] == names


def link(number: int, agency: str, file: str) -> Linked:
    url = f"https://www.example.gov/moa/{file}"
    return Linked("participating", f"g{number}", f"a{number}", agreement(agency, moa=url), "moa", url, "2025")


def test_links_to_another_agencys_file_are_found() -> None:
    links = [
        link(1, "Dooly County Sheriff's Office", "DoolyCoSheriffGA_TFM.pdf"),
        link(2, "Crisp County Sheriff's Office", "DoolyCoSheriffGA_TFM.pdf"),  # shared, and Dooly's
        link(3, "Wilcox County Sheriff's Office", "TurnerCountySheriffGA.pdf"),  # Turner links to another
        link(4, "Turner County Sheriff's Office", "TurnerCountySheriffGA_2.pdf"),
        link(5, "Bleckley County Sheriff's Office", "141022.pdf"),  # says nothing
        link(6, "Perry Police Department", "PerryPDGA.pdf"),
    ]
    assert [(one.agreement.agency[:6], finding.name) for one, finding in misattributed(links)] == [
        ("Crisp ", "document-shared"),
        ("Wilcox", "document-elsewhere"),
    ]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Any:
    def command(*arguments: str) -> Any:
        assert run(["documents", *arguments, "--format", "json"]) == 0
        return json.loads(capsys.readouterr().out)

    return command


def test_the_views_show_documents_what_is_odd_and_what_happened(few: Played, ask: Any) -> None:
    strange = paper(["Task Force Model", "State of Florida", "Date: 4/2/2025"])
    few.publisher.serve("/doclib/moa/town1.pdf", strange, "application/pdf")
    few.publisher.serve("/doclib/moa/town2.pdf", b"%PDF-1.4 broken", "application/pdf")
    few.look()
    shown = {record["agency"]: record for record in ask()}
    assert len(shown) == 12
    assert {record["document"] for record in shown.values()} == {"posted"}
    assert shown["Town 5 Police Department"]["pages"] == 1
    assert shown["Town 2 Police Department"]["pages"] is None
    odd = ask("--odd")
    assert [(record["agency"], [one["name"] for one in record["findings"]]) for record in odd] == [
        ("Town 1 Police Department", ["document-state"])
    ]
    few.replace(7)
    few.look(days=1)
    last = ask("--log")[-1]
    assert last["title"] == (
        "Town 7 Police Department (GA), TFM: the agreement document was replaced by other bytes at the same address"
    )
    assert last["sha256"] != last["previous_sha256"]
    assert ask("--missing") == []


def test_agreements_without_a_document_come_oldest_first(home: Path, ask: Any) -> None:
    from dataclasses import replace
    from datetime import UTC, datetime

    from demo.agencies import Agency
    from demo.workbooks import Line
    from scraper.settings import get_settings
    from tests.pipelines.conftest import History, sheet

    lines = [
        Line(Agency("GEORGIA", f"Town {number} Police Department", "Municipal", "Dooly"), "TFM",
             date(2025, 4, 30 - number % 30), f"https://example.gov/{number}.pdf")
        for number in range(60)
    ]  # fmt: skip
    lines[3], lines[40] = replace(lines[3], moa=""), replace(lines[40], moa="")
    home.mkdir()
    History(home, get_settings().database_url).feed([sheet(lines, datetime(2025, 5, 5, 15, tzinfo=UTC))])
    shown = ask("--missing")
    assert [(record["agency"], record["signed"], record["moa"]) for record in shown] == [
        ("Town 40 Police Department", "2025-04-20", "pending"),
        ("Town 3 Police Department", "2025-04-27", "pending"),
    ]
