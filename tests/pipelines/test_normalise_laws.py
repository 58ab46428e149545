"""What holds of every row, whatever stands in its cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from hypothesis import given
from hypothesis import strategies as st

from pipelines.fingerprints import row_fingerprints
from pipelines.normalise import FIELDS, Normaliser
from pipelines.normalise.links import without_visits
from pipelines.values import Agreement, Row
from scraper.lists import ICE_COLUMNS
from tests.pipelines.printed import HEADER, LIST_DAY, PDF, SAFELINK, read


def test_no_wrapper_survives_in_words() -> None:
    for field in ("agency", "county", "state", "support_type", "signed", "moa", "addendum", "type"):
        for text in (SAFELINK, SAFELINK.replace("data", "da ta"), f"pending {SAFELINK} x"):
            assert "agency.example" not in repr(read(**{field: text})[0]), field


def as_row(agreement: Agreement, header: Sequence[str]) -> Row:
    """Print an agreement again: its values, and what it was printed as where there is no value to print."""
    printed, extra = dict(agreement.printed), dict(agreement.extra)
    cells = []
    for name in header:
        field = ICE_COLUMNS.get(name.casefold())
        value = getattr(agreement, field) if field else extra.get(name, "")
        text = value.isoformat() if isinstance(value, date) else value
        cells.append(text or printed.get(field or "", ""))
    return Row(agreement.row, tuple(cells))


ODD = """TEXAS\u0020
UTAHJ
Task Force Model
Jail Enforcment Model\u0020
05/082025
5/8/2205
45785
#N/A
link
link pending
Sheriff’s
\u00a0
a\u202eb
www.ice.gov/a b.pdf
x: http:/
mailto:jo@agency.example
https://
http://[
https://a.example/é\u200b%20
e\u0301 \u00c5 ﬁ"""
cells = st.text(max_size=12) | st.sampled_from([PDF, SAFELINK, *ODD.split("\n")])


@given(
    st.lists(cells, min_size=len(HEADER) + 1, max_size=len(HEADER) + 1), st.sampled_from(["", PDF, SAFELINK])
)
def test_normalising_again_changes_nothing(texts: list[str], link: str) -> None:
    header = (*HEADER, "Notes")
    normaliser = Normaliser(header, ICE_COLUMNS, LIST_DAY)
    once, _ = normaliser.agreement(Row(2, tuple(texts), (link,) * len(header) if link else ()))
    again, _ = normaliser.agreement(as_row(once, header))
    assert replace(again, printed=()) == replace(once, printed=())


@given(st.text(max_size=20))
def test_any_text_can_stand_in_any_cell(text: str) -> None:
    for field in FIELDS:
        agreement, _ = read(**{field: text})
        value = getattr(agreement, field)
        assert value is None or isinstance(value, str | date)
        assert not isinstance(value, datetime)


VISIT = "https://web.archive.org/web/20210113002027/"
around = st.sampled_from(
    (PDF, SAFELINK, VISIT, "https://", "see ", " ", "pending", "@", "é", "%40", "\u202e")
)


@given(st.lists(around, max_size=6).map("".join), st.sampled_from(HEADER), st.booleans())
def test_of_which_copy_a_row_was_read_makes_no_difference(text: str, name: str, behind: bool) -> None:
    cell = f"{VISIT}{PDF}{text}"

    def row(said: str) -> Row:
        cells = tuple(("link" if behind else said) if name == other else "TEXAS" for other in HEADER)
        return Row(5, cells, tuple(said if name == other else "" for other in HEADER) if behind else ())

    visited, plain = row(cell), row(without_visits(f"\x1d{cell}")[1:])
    assert visited != plain
    assert row_fingerprints([visited]) == row_fingerprints([plain])
    normaliser = Normaliser((*HEADER[:3], "NOTE", *HEADER[4:]), ICE_COLUMNS, LIST_DAY)
    assert normaliser.agreement(visited) == normaliser.agreement(plain)
