"""A report as a page: Markdown to paste, and one self-contained HTML page to print."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from changelog import charts
from changelog.cells import markdown
from changelog.coverage import coverage_sentences, percent
from changelog.reports import conversion_sentences
from changelog.wording import (
    FIELDS,
    headline,
    long_day,
    model_name,
    period,
    state_name,
)
from pipelines.history.figures import (
    Totals,
)
from scraper.lists import PublishedList

TEMPLATES = Path(__file__).parent / "report_templates"
SHOWN = 300  # amended agreements listed one by one; the JSON has them all
FATES = {
    "held": "held for a person",
    "cleared": "held, and put right by a later list",
    "rejected": "set aside",
    "retracted": "taken out again",
    "failed": "met a bug of ours",
    "unreadable": "not readable",
}
MOST_GROUPS = 30  # more are no table that anybody reads
BASES = {
    "workbook": "the file's own time",
    "last-modified": "the server's Last-Modified",
    "name": "its name",
    "capture": "when it was fetched",
}


def as_markdown(told: Mapping[str, Any], lists: Mapping[str, PublishedList]) -> str:
    """The report for people who read text; every text of the lists is escaped."""
    return _markdown_pages().get_template("report.md.j2").render(_context(told, lists))


def as_html(
    told: Mapping[str, Any],
    lists: Mapping[str, PublishedList],
    series: Sequence[Totals],
    *,
    drawn: bool = True,
) -> str:
    """The report as one file: style and charts are inside, and its own policy allows nothing else.

    `series` are the list's accepted publications from the first one until the end of the period.
    """
    context = _context(told, lists)
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    return (
        _html_pages()
        .get_template("report.html.j2")
        .render(
            context,
            style=Markup(style),  # noqa: S704 - our own file
            policy=content_policy(),
            charts=_charts(told, context["declaration"], series) if drawn else {},
        )
    )


@cache
def content_policy() -> str:
    """The page's own Content-Security-Policy: its one style block, named by its hash, and nothing else."""
    digest = sha256((TEMPLATES / "report.css").read_bytes()).digest()
    return f"default-src 'none'; style-src 'sha256-{b64encode(digest).decode()}'"


def _charts(
    told: Mapping[str, Any], declaration: PublishedList, series: Sequence[Totals]
) -> dict[str, Markup]:
    nouns = declaration.wording.nouns
    until = date.fromisoformat(told["until"])
    drawn = {
        "growth": charts.growth(series, nouns, holders=declaration.wording.holders),
        "weekly": charts.weekly_additions(series, until, nouns, time_zone=declaration.time_zone),
    }
    if declaration.split:
        by = "support type" if declaration.split == "support_type" else declaration.wording.split
        drawn["models"] = charts.model_mix(series, nouns, by=by)
    if declaration.group == "state":
        drawn["map"] = charts.state_map(told["by_state"], nouns)
    elif declaration.group:
        most = sorted(told["by_state"].items(), key=lambda item: (-item[1], item[0]))[:MOST_GROUPS]
        drawn["map"] = charts.by_group(
            {name or "none given": count for name, count in most}, nouns, declaration.wording.group
        )
    return {name: Markup(svg) for name, svg in drawn.items()}  # noqa: S704 - texts were escaped as it was drawn


def _context(told: Mapping[str, Any], lists: Mapping[str, PublishedList]) -> dict[str, Any]:
    declaration = lists[told["list"]]
    of_kind: dict[str, list[Mapping[str, Any]]] = {
        kind: [change for change in told["changes"] if change["kind"] == kind]
        for kind in ("added", "removed", "returned", "renamed", "amended")
    }
    pending = lists.get(declaration.pending_list or "")
    return {
        "told": told,
        "declaration": declaration,
        "wording": declaration.wording,
        "period": period(told),
        "headline": headline(told, declaration),
        "map": "",
        "coverage": coverage_sentences(told["coverage"]),
        "crossed": crossed(of_kind["added"], declaration),
        "plain": [] if declaration.wording.holder else of_kind["added"][:SHOWN],
        "new": [one for one in of_kind["added"] if one["new_agency"]] if declaration.wording.holder else [],
        "further": [one for one in of_kind["added"] if not one["new_agency"]]
        if declaration.wording.holder
        else [],
        "models_have_names": declaration.split == "support_type",
        **{kind: of_kind[kind] for kind in ("removed", "returned", "renamed")},
        "amended": of_kind["amended"][:SHOWN],
        "amended_fields": _fields(of_kind["amended"]),
        "accepted": [p for p in told["publications"] if p["state"] not in FATES],
        "held": [p for p in told["publications"] if p["state"] in FATES],
        "pending_wording": pending.wording if pending else None,
        "conversions": conversion_sentences(told["conversions"]),
        "oldest": (told["conversions"] or {}).get("oldest", []),
        "pending_headline": headline(told["pending"], pending) if pending and told["pending"] else [],
    }


def crossed(added: Sequence[Mapping[str, Any]], declaration: PublishedList) -> dict[str, Any]:
    """The batch by group and split (state and support type): column names, rows of (group, counts, total), totals."""
    counted: dict[str, Counter[str]] = {}
    for change in added:
        group, split = (_said(change, field) for field in (declaration.group, declaration.split))
        counted.setdefault(group, Counter())[split] += 1
    totals: Counter[str] = sum(counted.values(), Counter())
    models = sorted(totals, key=lambda model: (-totals[model], model))
    of_states = declaration.group == "state"
    rows = sorted(counted.items(), key=lambda item: (-item[1].total(), state_name(item[0] or None)))
    return {
        "models": models,
        "rows": [
            (
                state_name(name or None) if of_states else name or "none given",
                [row[model] for model in models],
                row.total(),
            )
            for name, row in (rows if of_states else rows[:MOST_GROUPS] if declaration.group else ())
        ],
        "totals": [totals[model] for model in models],
        "total": totals.total(),
    }


def _said(change: Mapping[str, Any], field: str) -> str:
    """What an added entry says in a field; "" for no field."""
    return str((change["after"] or {}).get(field) or change.get(field) or "") if field else ""


def _fields(amended: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Which fields were amended, and how often."""
    counted = Counter(
        FIELDS.get(name) or name.replace("_", " ")
        for change in amended
        for name in change["after"] or change["before"] or {}
    )
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))


@cache
def _markdown_pages() -> Environment:
    # Markdown has no markup of its own to escape to, so every value is escaped as it is printed.
    return _equipped(_literal_or_escaped, autoescape=False)


def _literal_or_escaped(value: object) -> str:
    return str(value) if isinstance(value, Markup) else markdown(value)


@cache
def _html_pages() -> Environment:
    return _equipped(None, autoescape=True)


def _equipped(finalize: Callable[[object], str] | None, *, autoescape: bool) -> Environment:
    pages = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
        autoescape=autoescape,  # noqa: S701 - off for what is not HTML; see `finalize`
    )
    pages.filters["state"] = lambda value: state_name(value or None)
    pages.filters["model"] = lambda value: model_name(value or None)
    pages.filters["day"] = _day
    pages.filters["percent"] = percent
    pages.filters["number"] = lambda value: "–" if value is None else f"{value:,}"
    pages.filters["signed_number"] = lambda value: f"{value:+,}"
    pages.filters["fate"] = lambda state: FATES.get(state, state)
    pages.filters["basis"] = lambda basis: BASES.get(basis, basis)
    pages.filters["counts"] = lambda counts: (
        ", ".join(f"{n:,} {kind}" for kind, n in counts.items()) or "no change"
    )
    pages.filters["literal"] = Markup  # Markdown of our own making
    return pages


def _day(value: str | None) -> str:
    return long_day(date.fromisoformat(value[:10])) if value else "–"
