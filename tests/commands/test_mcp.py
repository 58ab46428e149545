"""What an assistant hears: the SDK's own client, as a separate process, asks what a reporter would."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.golden import record

pytest.importorskip("mcp", reason="the mcp package is not installed")
ROOT = Path(__file__).parents[2]
Question = tuple[str, dict[str, Any]]


def ask(home: Path, questions: Sequence[Question]) -> list[dict[str, Any]]:
    """All answers of one session over stdio."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client
    from mcp.types import TextContent

    async def session() -> list[dict[str, Any]]:
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "countersign", "mcp"],
            env={**os.environ, "COUNTERSIGN_HOME": str(home), "PYTHONPATH": str(ROOT)},
        )
        answers = []
        async with stdio_client(server) as (reading, writing), ClientSession(reading, writing) as client:
            await client.initialize()
            named = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert set(named) == {"lists", "changes", "show", "agency", "report", "claim", "evidence"}
            assert all(tool.annotations and tool.annotations.read_only_hint for tool in named.values())
            for name, arguments in questions:
                told = await client.call_tool(name, arguments)
                [part] = told.content
                assert isinstance(part, TextContent)
                answers.append({"is_error": True} if told.is_error else json.loads(part.text))
        return answers

    return asyncio.run(session())


@pytest.mark.usefixtures("on_sqlite")
def test_answers_say_as_of_when_and_refusals_say_why(home: Path, tmp_path: Path) -> None:
    record.replayed([record.made_manifest(tmp_path)])
    batch, state, agencies, nobody, no_list, too_early, proof, refused, wrong = ask(
        home,
        [
            ("report", {"week": "2025-W40"}),
            ("show", {"list": "participating", "as_of": "2025-10-01", "state": "al"}),
            ("agency", {"text": "County"}),
            ("agency", {"text": "Nowhere Town Marshal"}),
            ("show", {"list": "nope"}),
            ("show", {"list": "participating", "as_of": "1999-01-01"}),
            ("evidence", {"name": "Nowhere Town Marshal", "list": "participating", "on": "2025-10-01"}),
            ("evidence", {"name": "County", "list": "participating", "on": "2025-10-01"}),
            ("changes", {"since": "yesterday"}),
        ],
    )
    assert batch["newly_signed"] == 55
    assert batch["newest"]["participating"]["total_agreements"] > 0
    assert len(batch["changes"]) == 50
    assert batch["cut"].startswith("50 of ")
    assert {one["state"] for one in state["agreements"]} == {"AL"}
    assert state["agreements_that_fit"] == state["by_state"]["AL"]
    assert agencies["agencies_that_fit"] > 1
    assert "Nowhere Town Marshal" in nobody["reason"]
    for answer, words in (
        (no_list, "No list is called nope"),
        (too_early, "Nothing of the list participating is recorded as of 1999-01-01"),
        (refused, "Name one by its id"),
        (wrong, "yesterday"),
    ):
        assert answer["answered"] is False
        assert words in answer["reason"]
        assert answer["as_of"]
    assert (proof["stood"], proof["rows"]) == (False, [])


@pytest.mark.corpus
@pytest.mark.long
@pytest.mark.usefixtures("on_sqlite")
def test_thirty_questions_of_a_reporter(home: Path, tmp_path: Path, corpus: Path) -> None:
    record.replayed([record.corpus_manifest(tmp_path)])
    on = {"list": "participating", "as_of": "2025-04-08"}
    asked: list[tuple[str, dict[str, Any], str, Any]] = [
        ("show", {**on}, "total_agreements", 444),
        ("show", {**on}, "total_agencies", 344),
        ("show", {**on}, "total_states", 38),
        ("show", {**on}, "by_support_type", {"JEM": 86, "TFM": 178, "WSO": 180}),
        ("show", {**on, "state": "FL"}, "agreements_that_fit", 200),
        ("show", {**on, "support_type": "TFM"}, "agreements_that_fit", 178),
        ("show", {**on, "state": "VT"}, "agreements_that_fit", 0),
        ("show", {"list": "pending", "as_of": "2025-04-08"}, "total_agreements", 67),
        ("show", {"list": "participating"}, "total_agreements", 956),
        ("show", {"list": "participating", "as_of": "2025-05-18"}, "total_agreements", 571),
        ("report", {"week": "2025-W20"}, "added", 55),
        ("report", {"week": "2025-W20"}, "newly_signed", 55),
        ("report", {"week": "2025-W20"}, "new_agencies", 48),
        ("report", {"week": "2025-W20"}, "total_agreements", 571),
        ("report", {"week": "2025-W20"}, "total_agencies", 462),
        ("report", {"week": "2025-W20"}, "net", 54),
        ("changes", {"since": "2025-05-12", "until": "2025-05-19", "list": "participating", "kind": "removed"},
         "n changes", 1),
        ("changes", {"since": "2025-05-12", "until": "2025-05-19", "list": "participating", "kind": "added",
                     "limit": 200}, "n changes", 55),
        ("agency", {"text": "Clay County Sheriff's Office"}, "state", "FL"),
        ("agency", {"text": "Clay County Sheriff's Office"}, "n agreements", 3),
        ("agency", {"text": "No Such Town Police Department"}, "answered", False),
        ("evidence", {"name": "Clay County Sheriff's Office", "list": "participating", "on": "2025-04-08"},
         "stood", True),
        ("evidence", {"name": "Clay County Sheriff's Office", "list": "participating", "on": "2019-04-08"},
         "answered", False),
        ("evidence", {"name": "No Such Town Police Department", "list": "participating", "on": "2025-04-08"},
         "stood", False),
        ("evidence", {"change": "0000000000000000"}, "answered", False),
        ("claim", {"text": "444 agreements covering 38 states", "as_of": "2025-04-08"}, "n figures", 2),
        ("claim", {"text": "nothing to count here", "as_of": "2025-04-08"}, "n figures", 0),
        ("show", {"list": "removed"}, "answered", False),
        ("report", {"week": "2025-W99"}, "answered", False),
        ("lists", {}, "n lists", 2),
    ]  # fmt: skip
    answers = ask(home, [(name, arguments) for name, arguments, _, _ in asked])
    wrong = []
    for (name, arguments, field, expected), answer in zip(asked, answers, strict=True):
        found = len(answer.get(field[2:], ())) if field.startswith("n ") else answer.get(field)
        if found != expected:
            wrong.append((name, arguments, field, expected, found))
    assert len(asked) == 30
    assert wrong == []
