"""A look at one declared list from which nothing is kept: what its rows would be understood to be."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from rapidfuzz import process
from sqlalchemy import Connection, Engine, make_url

from pipelines.database import HEAD, open_engine, ready, revision
from pipelines.derive import derive
from pipelines.history.baseline import baseline_before
from pipelines.installation import Installation
from pipelines.moments import utc_now
from pipelines.normalise import Normaliser
from pipelines.parse import read
from pipelines.parse.sniff import HEAD as HEAD_BYTES
from pipelines.parse.sniff import looks_like
from pipelines.result import Result
from pipelines.run import dated
from pipelines.values import Agreement, Finding, Publication
from scraper.archive import Archive
from scraper.capture import Capture
from scraper.errors import CountersignError, PublisherError, RefusedError, UnreadableError
from scraper.lists import PublishedList
from scraper.settings import Settings
from scraper.spiders.links import anchors

MOST_LINKS = 12
NEAR = 70  # of 100: a header this much like a declared one may be what was meant


@dataclass(frozen=True, slots=True)
class Trial:
    """What came. `rows` are the first ones as understood; `derived` says what the guard would say, compared
    with the last accepted list where this installation has one (`known`)."""

    capture: Capture
    header: Sequence[str]
    rows: Sequence[Agreement]
    findings: Sequence[Finding]
    advice: Sequence[str]
    derived: Result
    known: bool


def try_list(settings: Settings, declaration: PublishedList, first: int = 8) -> Trial:
    """Look at the list once, as the product does. Raises what a look raises; writes nothing that stays."""
    with tempfile.TemporaryDirectory(prefix="countersign-try-") as folder:
        archive = Archive(Path(folder))
        capture = fetch(settings, archive, declaration)
        with archive.local_path(capture.sha256 or "") as path, _told_format(path):
            return _understood(settings, archive, declaration, capture, path, first)


def fetch(settings: Settings, archive: Archive, declaration: PublishedList) -> Capture:
    """One look. Raises the list's own trouble; when its page does not link to it, with the page's links."""
    found = _look(settings, archive, declaration)
    if isinstance(found, RefusedError) and declaration.page:
        raise RefusedError(f"{found}{_links_of(settings, archive, declaration)}")
    if isinstance(found, CountersignError):
        raise found
    if found.sha256 is None:
        links = _links_of(settings, archive, declaration)
        raise PublisherError(f"{declaration.page} has no link that the rule of the list fits.{links}")
    return found


def _look(settings: Settings, archive: Archive, declaration: PublishedList) -> Capture | CountersignError:
    from scraper.crawl import crawl

    return asyncio.run(crawl([declaration], archive, settings, {}, utc_now))[declaration.name]


def _links_of(settings: Settings, archive: Archive, declaration: PublishedList) -> str:
    """What the page of a list links to, for whoever has to write its link rule."""
    page = _look(settings, archive, replace(declaration, page=None, file=declaration.page, format="html"))
    if isinstance(page, CountersignError) or page.sha256 is None:
        return ""
    html = archive.read(page.sha256).decode("utf-8", "replace")
    found = dict.fromkeys(
        f"“{one.text}” ({one.file})" for one in anchors(html, declaration.page or "") if not one.around
    )
    return f" Its links: {', '.join(list(found)[:MOST_LINKS])}." if found else ""


@contextmanager
def _told_format(path: Path) -> Iterator[None]:
    """What cannot be read is told with the format that it seems to have."""
    try:
        yield
    except UnreadableError as error:
        with path.open("rb") as stream:
            _, allowed = looks_like(stream.read(HEAD_BYTES), path)
        if "was declared" not in str(error) or not allowed:
            raise
        shapes = " or ".join(f'format = "{shape}"' for shape in allowed)
        raise UnreadableError(f"{error} Write: {shapes}") from error


def _understood(
    settings: Settings,
    archive: Archive,
    declaration: PublishedList,
    capture: Capture,
    path: Path,
    first: int,
) -> Trial:
    installation = Installation(settings, archive, open_engine("sqlite://"), {declaration.name: declaration})
    published_at, basis, *_ = dated(installation, capture)
    table = read(path, declaration.format, declaration.options)
    normaliser = Normaliser(table.header, declaration.columns, published_at.date(), declaration)
    rows = [normaliser.agreement(row)[0] for row in islice(table.rows, first)]
    publication = Publication(
        declaration.name, capture.sha256 or "", capture.published_name, published_at, capture.captured_at,
        capture.captured_at, basis, f"{published_at:%Y-%m-%dT%H:%M:%SZ} try", capture.page,
    )  # fmt: skip
    with _record(settings) as connection:
        last = baseline_before(connection, declaration.name)
        if last and last.publication.place >= publication.place:
            publication = replace(publication, place=f"{last.publication.place}~")
        derived = derive(connection, declaration, publication, path, last, None)
    advice = [*_advice(declaration, normaliser, derived), *_advice_on_key(declaration, derived)]
    return Trial(capture, table.header, rows, derived.findings, advice, derived, last is not None)


@contextmanager
def _record(settings: Settings) -> Iterator[Connection]:
    """This installation's record, read only; an empty one where there is none yet."""
    engine = _engine(settings)
    if engine is not None:
        with engine.connect() as connection:
            yield connection
        return
    with tempfile.TemporaryDirectory(prefix="countersign-try-") as folder:
        empty = ready(f"sqlite:///{folder}/empty.sqlite")
        try:
            with empty.connect() as connection:
                yield connection
        finally:
            empty.dispose()


def _engine(settings: Settings) -> Engine | None:
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return None
    engine = open_engine(settings.database_url)
    return engine if revision(engine) == HEAD else None


def _advice_on_key(declaration: PublishedList, derived: Result) -> Iterator[str]:
    twice = [finding for finding in derived.findings if finding.name == "key-repeated"]
    if twice:
        key = " and ".join(declaration.key)
        yield (
            f"{len(twice)} rows repeat the {key} of another row, like row {twice[0].row}: {twice[0].text} "
            "If they are entries of their own, add a field to the key."
        )


def _advice(declaration: PublishedList, normaliser: Normaliser, derived: Result) -> Iterator[str]:
    """What to change in the declaration, as a line of TOML where it can be one."""
    for field in normaliser.missing:
        printed = sorted(header for header, meant in declaration.columns.items() if meant == field)
        near = process.extractOne(printed[0], normaliser.unknown, score_cutoff=NEAR, processor=str.casefold)
        if near:
            yield f"The list has no column “{printed[0]}”, but “{near[0]}”. Write: {_line(near[0], field)}"
        else:
            have = ", ".join(f"“{name}”" for name in normaliser.unknown) or "none that is not declared"
            yield f"The list has no column “{printed[0]}” for {field}. It has: {have}."
    if not normaliser.missing:
        for name in normaliser.unknown:
            yield f"The column “{name}” is not declared. To carry it along, write: {_line(name, slug(name))}"
    figures = derived.figures
    fewest, most = declaration.plausible.rows
    if figures and not fewest <= figures.rows <= most:
        yield f"It has {figures.rows} rows. Write: rows = [{figures.rows // 2}, {figures.rows * 3}]"
    unread = Counter(finding.name for finding in derived.findings)
    for name, field, better in _VOCABULARIES:
        if figures and figures.rows and unread[name] * 5 >= figures.rows:
            yield f"{unread[name]} rows say no {field} that we know. {better}"


_VOCABULARIES = (
    ("state-unknown", "state of the United States", "Call the column something else, like “province”."),
    ("support-type-unknown", "support type (JEM, TFM, WSO)", "Call the column something else, like “class”."),
    ("date-unreadable", "date", "Call the column something else than “signed”."),
)


def _line(header: str, field: str) -> str:
    escaped = header.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" = "{field}"'


def slug(text: str) -> str:
    """A field's name made of a header's words."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", " ", text)  # dateAdded
    letters = "".join(mark if mark.isascii() and mark.isalnum() else " " for mark in text.casefold())
    name = "_".join(letters.split())[:40].strip("_")
    return name if name[:1].isalpha() else f"column_{name}".strip("_")
