"""What must survive any bytes: each target raises only the errors that are meant for bad input."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from urllib.parse import unquote

from changelog.claims.grammar import read_claim
from changelog.evidence.check import NotProvenError, chained, tables
from pipelines.fingerprints import agreement_fingerprint
from pipelines.normalise import Normaliser
from pipelines.normalise.dates import read_date
from pipelines.normalise.links import first_address, unwrap, unwrap_within
from pipelines.normalise.terms import read_model, read_state
from pipelines.parse import READERS, last_edited, read
from pipelines.values import Row
from scraper.errors import ArchiveError, CountersignError, UnreadableError
from scraper.journal import Journal
from scraper.lists import BUILT_IN, ICE_COLUMNS, Format
from scraper.spiders.links import judge_links
from scraper.spiders.page import page_evidence

EMAIL = re.compile(r"[\w.+-]@+[\w.-]")
Target = Callable[[bytes], None]


def reader(format_name: Format) -> Target:
    """The whole of a file as rows of text, whatever it is."""

    def target(data: bytes) -> None:
        with tempfile.NamedTemporaryFile(prefix="countersign-fuzz-") as file:
            file.write(data)
            file.flush()
            path = Path(file.name)
            try:
                last_edited(path, format_name)
                table = read(path, format_name, {})
                for row in table.rows:
                    assert len(row.cells) == len(table.header)
                    assert len(row.links) in (0, len(row.cells))
            except UnreadableError:
                return

    return target


def links_of_a_page(data: bytes) -> None:
    judged = judge_links(data.decode("utf-8", "replace"), "https://www.ice.gov/page", BUILT_IN)
    assert set(judged) == {published.name for published in BUILT_IN}


def evidence_of_a_page(data: bytes) -> None:
    json.dumps(page_evidence(data.decode("utf-8", "replace")))


def normalised(data: bytes) -> None:
    """The lines are a header, a row, and the links behind the row; reading what was read changes nothing."""
    lines = [line.split("\x1f") for line in data.decode("utf-8", "replace").split("\x1e")]
    header = tuple(lines[0])
    cells = tuple(_wide(lines[1] if len(lines) > 1 else [], len(header)))
    links = tuple(_wide(lines[2] if len(lines) > 2 else [], len(header)))
    normaliser = Normaliser(header, ICE_COLUMNS, date(2025, 6, 1))
    agreement, _ = normaliser.agreement(Row(2, cells, links))
    agreement_fingerprint(agreement)
    json.dumps(agreement.as_json())
    for address in (agreement.moa, agreement.addendum):
        assert not address or not EMAIL.search(unquote(unquote(address)))


def _wide(cells: list[str], width: int) -> list[str]:
    return cells[:width] + [""] * (width - len(cells))


def dates(data: bytes) -> None:
    found, _ = read_date(data.decode("utf-8", "replace"), 2026)
    assert found is None or 1900 <= found.year <= 2026


def terms(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    state, _ = read_state(text)
    assert state is None or len(state) == 2
    read_model(text)


def addresses(data: bytes) -> None:
    """No e-mail address survives the unwrapping, and an address that was unwrapped is not unwrapped again."""
    text = data.decode("utf-8", "replace")
    address, _ = unwrap(text)
    if address:
        assert address.startswith(("http://", "https://"))
        assert not EMAIL.search(unquote(unquote(address)))
        assert unwrap(address)[0] == address
    unwrap_within(text)
    first_address(text)


def journal(data: bytes) -> None:
    """Any bytes are damage, a cut line, or whole entries; never anything else."""
    with tempfile.NamedTemporaryFile(prefix="countersign-fuzz-") as file:
        file.write(data)
        file.flush()
        found = Journal(Path(file.name))
        found.unfinished()
        try:
            for entry in found.entries():
                assert {"n", "at", "kind", "prev", "hash"} <= entry.keys()
        except ArchiveError:
            return


def claims(data: bytes) -> None:
    read_claim(data.decode("utf-8", "replace"))


def checked_workbook(data: bytes) -> None:
    """The stand-alone check reads files that the product has read before; it may only refuse."""
    _refusing(lambda: list(tables(data, "xlsx")))


def checked_journal(data: bytes) -> None:
    _refusing(lambda: chained(data, {"first": 1, "last": 1, "head": ""}))


def _refusing(work: Callable[[], object]) -> None:
    import zipfile
    from xml.etree.ElementTree import ParseError
    from zlib import error as ZlibError  # noqa: N812

    try:
        work()
    except (
        NotProvenError, CountersignError, ValueError, LookupError, TypeError, OSError, zipfile.BadZipFile,
        ParseError, ZlibError, NotImplementedError, EOFError, AttributeError, RuntimeError,
    ):  # fmt: skip
        return


TARGETS: Mapping[str, Target] = {
    **{f"read-{name}": reader(name) for name in READERS},
    "links-of-a-page": links_of_a_page,
    "evidence-of-a-page": evidence_of_a_page,
    "normalise": normalised,
    "dates": dates,
    "terms": terms,
    "addresses": addresses,
    "journal": journal,
    "claims": claims,
    "check-workbook": checked_workbook,
    "check-journal": checked_journal,
}
