"""Rendering: one environment, one function that answers with a page, one that answers with an error."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from changelog.maps import DARK_TO_LIGHT
from changelog.query import several, state_code
from changelog.wording import (
    FIELDS,
    MODELS,
    cadence_text,
    iso,
    long_day,
    model_name,
    sentence,
    state_name,
    title,
    what,
    who,
)
from pipelines.history.publications import held_count
from pipelines.values import Agreement
from scraper.lists import PublishedList
from web.context import context_of, keep, person_of
from web.keys import COOKIE

FOLDER = Path(__file__).parent
NAVIGATION = (
    ("/", "Overview"),
    ("/changes", "Changes"),
    ("/lists", "Lists"),
    ("/map", "Map"),
    ("/compare", "Compare"),
    ("/agencies", "Agencies"),
    ("/held", "Held"),
    ("/runs", "Runs"),
    ("/report", "Report"),
    ("/claim", "Claims"),
)


def templates(lists: Mapping[str, PublishedList], *, site: bool = False) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=plain,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    add_to(environment, lists)
    environment.globals["site"] = site
    environment.globals["shades"] = DARK_TO_LIGHT
    return environment


def page(
    request: Request, template: str, status: int = 200, *, live: bool = False, **values: Any
) -> HTMLResponse:
    """Answer with a page. `live` pages show more than the record and carry no Last-Modified."""
    context = context_of(request)
    person = person_of(request)
    base = base_of(request)
    with context.installation.engine.connect() as connection:
        held = held_count(connection)
    html = context.templates.get_template(template).render(
        navigation=NAVIGATION,
        path=request.url.path,
        canonical=f"{base}{_here(request)}",
        card=base + address("/report.png", values.get("card_query", {})),
        now=context.installation.now(),
        query=request.query_params,
        asked_query=_asked(request),
        here=_here(request),
        person=person,
        may_act=context.keys.token is not None,
        held_count=held,
        **values,
    )
    answer = HTMLResponse(html, status)
    answer.headers["Vary"] = "Cookie"
    answer.headers["Cache-Control"] = "private, no-cache"
    if status == 200 and not live and COOKIE not in request.cookies:
        stamp(request, answer)
    return answer


def base_of(request: Request) -> str:
    """Where these pages are, without a slash at the end: as the settings say, else as they were asked for."""
    return (context_of(request).installation.settings.public_url or str(request.base_url)).rstrip("/")


def stamp(request: Request, answer: Response) -> None:
    """This answer is made from the record alone: tell a browser since when it is as it is."""
    keep(request)
    changed = context_of(request).last_modified()
    if changed is not None:
        answer.headers["Last-Modified"] = format_datetime(changed.astimezone(UTC), usegmt=True)


def _asked(request: Request) -> dict[str, list[str]]:
    query = request.query_params
    return {name: [value for value in query.getlist(name) if value] for name in query}


def _here(request: Request) -> str:
    """This page's own address, to come back to after an action."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def sorry(request: Request, status: int, text: str) -> HTMLResponse:
    return page(request, "sorry.html", status, live=True, status_code=status, text=text)


def local(target: str | None, otherwise: str = "/") -> str:
    """A place to go on to, only within these pages."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return otherwise
    return otherwise if any(ord(sign) < 32 for sign in target) else target


# Characters that would turn the text around them about (bidirectional overrides), or that no reader sees.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_SENTENCE = re.compile(r"(?<=\.)\s+(?=[A-Z“])")
_TOKENS = re.compile(r"\w+|\s+|[^\w\s]")
SIGNS = {"added": "+", "removed": "−", "returned": "↺", "renamed": "≈", "amended": "±"}
LONGEST_COMPARED = 2_000
OLD_DAYS = 45
SETTINGS = {"list": "LISTS", "state": "STATES", "kind": "KINDS"}


def plain(value: object) -> object:
    """What is about to be printed: None is nothing, and an unseen character is shown as a mark."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _UNSEEN.sub("\ufffd", value)
    return value


def _moment(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value[:20]) if isinstance(value, str) else value


def day(value: datetime | date | str | None) -> Markup:
    """As 12 May 2025. A place or an ISO time is understood as well."""
    if not value:
        return Markup("")
    shown = date.fromisoformat(value[:10]) if isinstance(value, str) else value
    return Markup('<time datetime="{}">{}</time>').format(f"{shown:%Y-%m-%d}", long_day(shown))


def plain_day(moment: datetime, time_zone: str) -> str:
    """The day that a moment is of, somewhere."""
    return long_day(moment.astimezone(ZoneInfo(time_zone)).date())


def clock(value: datetime | str | None) -> Markup:
    """As 12 May 2025, 17:40 UTC; beside it a browser says when that is where its reader is."""
    if not value:
        return Markup("")
    shown = _moment(value)
    text = f"{long_day(shown)}, {shown:%H:%M} UTC"
    return Markup('<time datetime="{}" data-clock>{}</time>').format(iso(shown), text)


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:,}"


def signed_number(value: int) -> str:
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{abs(value):,}"


def plural(count: int, one: str, many: str) -> str:
    return f"{number(count)} {one if count == 1 else many}"


def linked(value: object) -> Markup:
    """A document's address as a link when a browser may follow it, else as text."""
    text = str(plain(value))
    if not is_web_address(text):
        return escape(text)
    shown = urlsplit(text).path.rstrip("/").rsplit("/", 1)[-1] or text
    return Markup('<a href="{}" rel="noopener noreferrer nofollow external"><bdi>{}</bdi></a>').format(
        text, shown
    )


def linked_whole(value: object) -> Markup:
    """The same with the whole address to read."""
    text = str(plain(value))
    if not is_web_address(text):
        return escape(text)
    return Markup('<a class="address" href="{0}" rel="noopener noreferrer nofollow external">{0}</a>').format(
        text
    )


def none_mark(text: str) -> Markup:
    return Markup('<span class="none">{}</span>').format(text)


def capitalize_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def words(before: object, after: object) -> tuple[Markup, Markup]:
    """Both texts with the words marked that the other one does not have."""
    old, new = (str(plain(value)) for value in (before, after))
    if max(len(old), len(new)) > LONGEST_COMPARED:
        return Markup("<del>{}</del>").format(old), Markup("<ins>{}</ins>").format(new)
    one, other = _TOKENS.findall(old), _TOKENS.findall(new)
    left, right = Markup(""), Markup("")
    for kind, a, b, c, d in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        gone, came = "".join(one[a:b]), "".join(other[c:d])
        if kind == "equal":
            left += escape(gone)
            right += escape(came)
            continue
        left += Markup("<del>{}</del>").format(gone) if gone else ""
        right += Markup("<ins>{}</ins>").format(came) if came else ""
    return left, right


def shown(value: object, field: str) -> object:
    """A field's value as it reads on a page."""
    if value is None or value == "":
        return Markup('<span class="none">blank</span>')
    if field == "support_type" and value in MODELS:
        return f"{value} ({MODELS[str(value)]})"
    return value


def address(path: str, query: Mapping[str, Any], **changed: Any) -> str:
    """A page's address with its query; what is None or empty falls out."""
    kept = {**query, **changed}
    pairs = urlencode(
        {name: value for name, value in kept.items() if value not in (None, "", [], ())}, doseq=True
    )
    return f"{path}?{pairs}" if pairs else path


def old(newest: datetime, now: datetime) -> str:
    """ "15 months without a list" when nothing was published for longer than a month and a half, else nothing."""
    days = (now - newest).days
    if days < OLD_DAYS:
        return ""
    months = round(days / 30.44)
    return f"{months} months without a list" if months < 36 else f"{months // 12} years without a list"


def settings_line(shared: Mapping[str, Any]) -> str:
    """The settings that send what this filter shows; nothing for a filter that no setting has."""
    asked = {
        name: several([values] if isinstance(values, str) else values)
        for name, values in shared.items()
        if values
    }
    if not asked.keys() <= SETTINGS.keys():
        return ""
    if "state" in asked:
        asked["state"] = [state_code(state) for state in asked["state"]]
    lines = [f'COUNTERSIGN_NOTIFY_{SETTINGS[name]}="{" ".join(values)}"' for name, values in asked.items()]
    return "\n".join(['COUNTERSIGN_NOTIFY="mailto://user:password@mail.example.org"', *lines])


def sentences(text: str) -> list[str]:
    return _SENTENCE.split(text)


def without(query: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in query.items() if name not in names}


def only(query: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in query.items() if name in names}


def columns_of(item: PublishedList) -> list[str]:
    """The fields of an entry that a table of a list of one's own shows."""
    named = dict.fromkeys((*item.title, *item.key, "agency", item.group, item.split))
    parts = {part for field in item.fields.values() for part in field.combine}
    return [name for name in named if name and (name not in parts or name in item.title)][:6]


def entry_name(agreement: Agreement, item: PublishedList) -> str:
    """What tells an entry of a list of one's own from the others of its holder."""
    said = [str(agreement.said(name)) for name in columns_of(item)[:3] if agreement.said(name)]
    return " · ".join(dict.fromkeys(said))


def add_to(environment: Environment, lists: Mapping[str, PublishedList]) -> None:
    ours = any(item.mail for item in lists.values()) or not lists
    own = {item.wording.holder for item in lists.values()}
    holder = "agency" if ours else (own.pop() if len(own) == 1 else "") or "name"
    environment.filters.update(
        day=day,
        clock=clock,
        number=number,
        signed=signed_number,
        linked=linked,
        linked_whole=linked_whole,
        none_mark=none_mark,
        capitalize_first=capitalize_first,
        cadence_text=cadence_text,
        shown=shown,
        state_name=state_name,
        model_name=model_name,
        field_name=lambda name: holder if name == "agency" else FIELDS.get(name) or name.replace("_", " "),
        entry_name=entry_name,
        plain_day=plain_day,
        sentences=sentences,
        sign=lambda kind: SIGNS.get(kind, "·"),
        title_of=lambda change: title(change, lists.get(change.list)),
        sentence_of=lambda change: sentence(change, lists.get(change.list)),
        who_of=lambda change: who(change, lists.get(change.list)),
        what_of=lambda change: what(change, lists.get(change.list)),
        columns_of=columns_of,
    )
    environment.globals.update(
        old=old,
        only=only,
        without=without,
        settings_line=settings_line,
        address=address,
        words=words,
        plural=plural,
        lists=lists,
        ours=ours,
        models=MODELS,
        is_web_address=is_web_address,
    )


WIDTH, HEIGHT = 640, 200
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 26


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Curve:
    """`line` and `area` are path data; `text` says in words what the curve shows."""

    line: str
    area: str
    across: Sequence[Tick]
    up: Sequence[Tick]
    end: tuple[float, float]
    text: str
    width: int = WIDTH
    height: int = HEIGHT


def curve(points: Sequence[tuple[str, float]], what: str, until: str | None = None) -> Curve | None:
    """Steps through (ISO date, number): a number holds until the next one is published."""
    if not points:
        return None
    days = [date.fromisoformat(day[:10]) for day, _ in points]
    last = max(days[-1], date.fromisoformat(until[:10]) if until else days[-1])
    span = max((last - days[0]).days, 1)
    most = max(number for _, number in points) or 1
    top, step = _scale(most)

    def x(day: date) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (day - days[0]).days / span, 1)

    def y(number: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * number / top, 1)

    path = [f"M{x(days[0])} {y(points[0][1])}"]
    for day, (_, number) in zip(days[1:], points[1:], strict=True):
        path.append(f"H{x(day)}V{y(number)}")
    path.append(f"H{x(last)}")
    line = "".join(path)
    return Curve(
        line,
        f"{line}V{y(0)}H{x(days[0])}Z",
        [Tick(x(day), text) for day, text in _dates(days[0], last)],
        [Tick(y(value), f"{value:,.0f}") for value in _steps(top, step)],
        (x(last), y(points[-1][1])),
        f"{what}: {points[0][1]:,.0f} on {days[0]:%-d %B %Y}, {points[-1][1]:,.0f} on {last:%-d %B %Y}, "
        f"at most {most:,.0f}.",
    )


def _scale(most: float) -> tuple[float, float]:
    """A round top for the axis, and the step between its lines."""
    step = 1.0
    while most / step > 4:
        step *= 2.5 if str(step).startswith("2") else 2
    return max(step * -(-most // step), step), step


def _steps(top: float, step: float) -> list[float]:
    return [step * n for n in range(round(top / step) + 1)]


def _dates(first: date, last: date) -> list[tuple[date, str]]:
    years = (last - first).days / 365
    if years > 2:
        return [(date(year, 1, 1), str(year)) for year in range(first.year + 1, last.year + 1)]
    apart = 1 if years < 0.5 else 2 if years < 1 else 3
    found = []
    year, month = first.year, first.month
    while (year, month) < (last.year, last.month):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        if (month - 1) % apart == 0:
            found.append(
                (date(year, month, 1), date(year, month, 1).strftime("%b" if month > 1 else "%b %Y"))
            )
    return found
