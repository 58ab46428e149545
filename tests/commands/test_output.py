"""Tables that no terminal shows are those that Rich would print, whoever prints them."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from commands import output

cells = some.one_of(some.none(), some.integers(), some.text("ab  -:{}[]\\|'\"\n\té漢", max_size=12))
columns = some.lists(
    some.sampled_from(["list", "outcome", "last_look", "reason", ""]), min_size=1, unique=True
)


def printed(columns: list[str], records: list[dict[str, Any]], note: str = "") -> str:
    with redirect_stdout(io.StringIO()) as out:
        output.print_table(columns, records, note)
    return out.getvalue()


@given(columns, some.lists(some.lists(cells, min_size=5, max_size=5), max_size=4))
@example(["list"], [])
@example(["list", "reason"], [["a", "x" * 153]])
@example(["list", "reason"], [["a", "x" * 155]])
@example(["list", "reason"], [["participating", "[bold]no[/bold] :smile: http://h 12"]])
def test_they_are_the_same(columns: list[str], rows: list[list[Any]]) -> None:
    records = [dict(zip(columns, row, strict=False)) for row in rows]
    mine = printed(columns, records)
    with pytest.MonkeyPatch.context() as without:
        without.setattr(output, "_plain", lambda _rows: None)
        assert mine == printed(columns, records)


def test_a_note_and_a_wide_table_are_printed() -> None:
    assert printed(["list"], [{"list": "a"}], "and a note").endswith("\nand a note\n")
    assert printed(["list"], [{"list": "x" * 200}]).count("x") == 200
