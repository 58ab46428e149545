"""Files of a list's past are read in the form that they had then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.former_formats import as_published
from pipelines.normalise import Normaliser
from pipelines.parse import read
from scraper.lists import PARTICIPATING, Earlier

OLDEST = Earlier(table="MOA name", columns={"moa name": "agency", "date signed": "signed"})
DECLARED = replace(PARTICIPATING, earlier=(*PARTICIPATING.earlier, OLDEST))
PAGE = "<html><body><table><tr>{}</tr><tr>{}</tr></table></body></html>"


def page(*columns: tuple[str, str]) -> str:
    return PAGE.format(
        "".join(f"<th>{name}</th>" for name, _ in columns), "".join(f"<td>{cell}</td>" for _, cell in columns)
    )


@pytest.mark.parametrize(
    "html",
    [
        page(
            ("State", "GEORGIA"),
            ("Law Enforcement Agency", "Dooly County Sheriff's Office"),
            ("Support Type", "Jail Enforcement Model"),
            ("Signed", "6/9/2020"),
            ("MOA", '<a href="/doclib/dooly.pdf">MOA</a>'),
        ),
        page(
            ("STATE", "GEORGIA"),
            ("MOA NAME", "Dooly County Sheriff's Office"),
            ("SUPPORT TYPE", "JAIL ENFORCEMENT"),
            ("DATE SIGNED", "6/9/2020"),
            ("MOA", '<a href="https://www.ice.gov/doclib/dooly.pdf">PDF</a>'),
        ),
    ],
)
def test_pages_of_two_layouts_say_the_same_agreement(tmp_path: Path, html: str) -> None:
    path = tmp_path / "page"
    path.write_text(html, encoding="utf-8")
    then = as_published(path, DECLARED)
    assert then.format == "html"
    table = read(path, then.format, then.options)
    normaliser = Normaliser(table.header, then.columns)
    [agreement] = [normaliser.agreement(row)[0] for row in table.rows]
    assert (agreement.state, agreement.agency, agreement.support_type, str(agreement.signed), agreement.moa) == (
        "GA", "Dooly County Sheriff's Office", "JEM", "2020-06-09", "https://www.ice.gov/doclib/dooly.pdf",
    )  # fmt: skip


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04 a workbook", b"<html><body>no table here</body></html>"])
def test_anything_else_is_read_as_declared(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(body)
    assert as_published(path, DECLARED) is DECLARED
