"""The numbers in a sentence, as digits or words, and what only looks like one: dates, times, money."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sept sep", "october oct", "november nov", "december dec"), 1)
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
DATE = re.compile(
    rf"\b(?:(?P<iso>\d{{4}}-\d\d-\d\d)"
    rf"|(?P<m1>{_MONTH})\.?\s+(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?P<y1>(?:19|20)\d\d)\b)?"
    rf"|(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m2>{_MONTH})\b\.?(?:,?\s+(?P<y2>(?:19|20)\d\d)\b)?"
    rf"|(?P<m3>{_MONTH})\.?,?\s+(?:of\s+)?(?P<y3>(?:19|20)\d\d)\b)",
    re.IGNORECASE,
)
_NOT_COUNTS = re.compile(
    r"\b287\s*\(\s*g\s*\)"
    r"|\b(?:section|title|order|no\.|number|page|article|chapter)\s+\d[\d,.-]*"
    r"|[$€£]\s?\d[\d,.]*(?:\s?(?:thousand|million|billion|[kmb]\b))?"
    r"|\b\d{1,2}(?::\d\d)?\s?(?:a\.?m\b\.?|p\.?m\b\.?)|\b\d{1,2}:\d\d\b"
    r"|\b\d+(?:st|nd|rd|th)\b"
    r"|\b(?:in|since|of|by|until|during|year|fiscal|early|late|mid)[\s-]+(?:19|20)\d\d\b(?!\s*(?:%|per\b|agenc|agree|partner))"
    r"|\b(?:FY|Q[1-4])\s?(?:19|20)?\d\d\b",
    re.IGNORECASE,
)
_DIGITS = re.compile(
    r"(?<![\w.,$])(?:\d{1,3}(?:[,\u00a0\u202f\u2009’']\d{3})+|\d+)(?:[.]\d+|,\d{1,2}(?=\s*%))?(?![\d]|,\d|\.\d)(?:\s(?P<scale>hundred|thousand)\b)?",
    re.IGNORECASE,
)
_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_SMALL = {word: number for number, word in enumerate(_UNITS)} | {"a": 1, "dozen": 12}
_TENS = {
    word: 10 * number
    for number, word in enumerate(
        ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), 2
    )
}
_SCALES = {"hundred": 100, "thousand": 1000}
_WORDS = "|".join(sorted({*_SMALL, *_TENS, *_SCALES} - {"a"}, key=len, reverse=True))
_SPELT = re.compile(
    rf"\b(?:a\s+(?=hundred|thousand|dozen))?(?:{_WORDS})(?:(?:[\s-]+|\s+and\s+)(?:{_WORDS}))*\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Number:
    """`start` and `end` are where it stands in the text; `spelt` in letters."""

    value: float
    start: int
    end: int
    spelt: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """A date that the sentence names; `year` or `day` is None when it does not say."""

    year: int | None
    month: int
    day: int | None
    start: int
    end: int

    def on(self, year: int) -> date | None:
        """The date, in `year` when it names none; the first of the month when it names no day."""
        try:
            return date(self.year or year, self.month, self.day or 1)
        except ValueError:
            return None


def days(text: str) -> list[Day]:
    """The dates that the text names, in order."""
    return [_day(found) for found in DATE.finditer(text)]


def _day(found: re.Match[str]) -> Day:
    if found["iso"]:
        year, month, day = (int(part) for part in found["iso"].split("-"))
        return Day(year, month, day, *found.span())
    month = MONTHS[(found["m1"] or found["m2"] or found["m3"]).lower()]
    year_said = found["y1"] or found["y2"] or found["y3"]
    day_said = found["d1"] or found["d2"]
    return Day(
        int(year_said) if year_said else None, month, int(day_said) if day_said else None, *found.span()
    )


def masked(text: str, *patterns: re.Pattern[str]) -> str:
    """The text with everything that is no count blanked out, every other character in its place."""
    for pattern in (DATE, _NOT_COUNTS, *patterns):
        text = pattern.sub(lambda found: " " * len(found[0]), text)
    return text


def numbers(text: str) -> list[Number]:
    """The numbers of a masked text, in order."""
    found = [*_in_digits(text), *_in_words(text)]
    return sorted(found, key=lambda number: number.start)


def _in_digits(text: str) -> Iterator[Number]:
    for found in _DIGITS.finditer(text):
        written = found[0].removesuffix(found["scale"] or "").strip()
        if re.search(r",\d{1,2}$", written):
            written = written.replace(",", ".")
        value = float(re.sub(r"[^\d.]", "", written))
        yield Number(value * _SCALES.get((found["scale"] or "").lower(), 1), *found.span())


def _in_words(text: str) -> Iterator[Number]:
    for found in _SPELT.finditer(text):
        if text[: found.start()].rstrip()[-1:].isdigit():
            continue  # the scale of a number in digits
        words = re.findall(r"[a-z]+", found[0].lower())
        value = _worth([word for word in words if word != "and"])
        if value is not None and words != ["one"]:
            yield Number(float(value), *found.span(), spelt=True)


def _worth(words: list[str]) -> int | None:
    """Fifty-five is 55, five hundred and ten is 510; None for a row of words that is no number."""
    total = group = 0
    for word in words:
        if word in _SMALL:
            group += _SMALL[word]
        elif word in _TENS:
            group += _TENS[word]
        elif word == "hundred":
            group = (group or 1) * 100
        elif word == "thousand":
            total, group = total + (group or 1) * 1000, 0
        else:
            return None
    return total + group


Kind = Literal["count", "batch", "base", "total", "percent", "multiple"]
Bound = Literal["exactly", "more than", "at least", "nearly", "about", "fewer than", "at most"]
Unit = Literal["agreements", "agencies", "either", "states"]
Period = Literal["day", "week", "month", "since"]

_BOUNDS: tuple[tuple[Bound, str], ...] = (
    ("at least", r"at least|no (?:fewer|less) than|a minimum of"),
    ("fewer than", r"(?:fewer|less) than|under|below"),
    ("at most", r"at most|up to|no more than|a maximum of"),
    ("more than", r"more than|over|above|upwards? of|north of|in excess of|greater than|beyond|well over"
                  r"|exceed(?:s|ed|ing)?|surpass(?:es|ed|ing)?|topp?(?:s|ed|ing)?|pass(?:es|ed|ing)"),
    ("nearly", r"nearly|almost|close to|just under|approaching|just shy of|some|as many as"),
    ("about", r"about|around|roughly|approximately|circa|an estimated|~|≈|more or less|on the order of"),
)  # fmt: skip
_FILLER = (
    r"(?:the|a|an|just|only|mere|merely|roughly|about|some|our|its|their|existing|original|previous|initial)"
)
_BEFORE = [
    (bound, re.compile(rf"(?:{words})\s+(?:{_FILLER}\s+)*$", re.IGNORECASE)) for bound, words in _BOUNDS
]
_AFTER = [
    ("more than", re.compile(r"^\s*\+")),
    ("at least", re.compile(r"^\s*(?:\w+\s+)?or more\b", re.IGNORECASE)),
    ("about", re.compile(r"^\s*(?:\w+\s+)?or so\b", re.IGNORECASE)),
]
_FROM = re.compile(
    rf"(?:\bfrom|\bcompared (?:to|with)|\bversus|\bvs\.?|\bagainst)\s+(?:{_FILLER}\s+)*$", re.IGNORECASE
)
_TO = re.compile(
    rf"\bto\s+(?:{_FILLER}\s+|(?:more than|over|nearly|almost|at least|now)\s+)*$", re.IGNORECASE
)
_GROWTH = re.compile(
    r"increas|grow|grew|rose|rise|risen|jump|surg|\bup\b|climb|expan|soar|higher|gain|spike|swell"
    r"|reach|bring|brought|total|doubl|tripl|quadrupl|quintupl",
    re.IGNORECASE,
)
_FALL = re.compile(r"decreas|declin|\bdown\b|drop|fell\b|fall|reduc|lower", re.IGNORECASE)
_PERCENT = re.compile(r"^\s*-?(?:%|percent\b|per cent\b|pct\b\.?)(?:age)?", re.IGNORECASE)
_RISE = re.compile(
    r"^\s+(?:increase|growth|rise|jump|surge|gain|spike|expansion|decrease|decline|drop|fall|up|down|more|higher)\b",
    re.IGNORECASE,
)
_SHARE = re.compile(r"^\s+of\s+(?:all|the|these|those|its|agenc|agree|partner)", re.IGNORECASE)
_MULTIPLE = re.compile(r"^\s?-?(?:fold\b|times\b|x\b)", re.IGNORECASE)
_OF_ALL = re.compile(r"\bof\s+(?:the|all|all the)\s+$", re.IGNORECASE)
_TIMES = {"doubl": 2.0, "tripl": 3.0, "quadrupl": 4.0, "quintupl": 5.0}
_NEW = re.compile(r"^\s*(?:new|additional|more(?!\s+than)|further|other)\b", re.IGNORECASE)
_ANOTHER = re.compile(r"\b(?:another|additional|added|adding|an extra)\s+(?:\w+\s+)?$", re.IGNORECASE)
_NOUN_WORDS: tuple[tuple[Unit, str], ...] = (
    ("states", r"states(?! and local)"),
    (
        "agreements",
        r"agreements?|moas?|mous?|memorand(?:a|um|ums)(?: of (?:agreement|understanding))?"
        r"|contracts?|deals?|pacts?",
    ),
    (
        "agencies",
        r"agenc(?:y|ies)|departments?|sheriff(?:s|['’]s offices)?|jurisdictions?|localit(?:y|ies)"
        r"|entit(?:y|ies)|police forces?|counties",
    ),
    ("either", r"partners?|partnerships?|participants?|signator(?:y|ies)|applications?|applicants?"),
)
_NOUNS = [(unit, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for unit, words in _NOUN_WORDS]
_PENDING = re.compile(
    r"\b(?:pending|applications?|applicants?|applied|awaiting|in the queue)\b", re.IGNORECASE
)
_WITH_PENDING = re.compile(
    r"\b(?:signed or pending|signed and pending|including pending|and pending)\b", re.IGNORECASE
)
_MODELS = {
    "TFM": re.compile(r"\btask[- ]force\b|\bTFM\b", re.IGNORECASE),
    "JEM": re.compile(r"\bjail[- ]enforcement\b|\bJEM\b", re.IGNORECASE),
    "WSO": re.compile(r"\bwarrant[- ]services?\b|\bWSO\b", re.IGNORECASE),
}
_WITHIN = r"\b(?:(?:in|over|during|within|for)\s+)?(?:the\s+)?"
_LAST = r"(?:last|past|previous|this|latest|recent|single|same|one|a)\s+"
_PERIOD_WORDS: tuple[tuple[Period, str], ...] = (
    ("month", rf"{_WITHIN}{_LAST}(?:month|(?:30|thirty) days|(?:4|four) weeks)\b|\bmonthly\b"),
    (
        "week",
        rf"{_WITHIN}{_LAST}(?:week|(?:7|seven) days)\b|\bin (?:7|seven) days\b|\bin the week\b|\bweekly\b",
    ),
    ("day", rf"{_WITHIN}{_LAST}(?:day|(?:24|twenty-four) hours)\b|\btoday\b|\byesterday\b"),
)
_PERIODS = [(period, re.compile(words, re.IGNORECASE)) for period, words in _PERIOD_WORDS]
_SINCE = re.compile(r"\bsince\s+(?:early |late |mid-?)?$", re.IGNORECASE)
_AS_OF = re.compile(r"\bas of\s+$", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[!?;]|\.(?=\s+[A-Z]|\s*$)|\n")
_CLAUSE_END = re.compile(r"[,:()—–]|\s-\s")
_REACH = 90  # how far after a number its noun may stand, in characters


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure as the sentence states it; `base` and `total` are from and to what a percentage leads."""

    kind: Kind
    value: float
    phrase: str
    bound: Bound = "exactly"
    unit: Unit = "either"
    pending: Literal["", "only", "with"] = ""
    model: str | None = None
    period: Period | None = None
    since: Day | None = None
    falling: bool = False
    base: float | None = None
    total: float | None = None
    total_bound: Bound = "exactly"


@dataclass(frozen=True, slots=True)
class Claim:
    """What was read: the figures in order, the day the sentence speaks of, the numbers that were not read."""

    figures: Sequence[Figure]
    as_of: date | None
    unread: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Found:
    """A number with the text around it: its sentence, and its own stretch until the next number or clause."""

    number: Number
    before: str
    after: str
    sentence: tuple[int, int]


def read_claim(text: str) -> Claim:
    """Read the figures of a text. Never raises: a text without figures gives a claim without any."""
    clean = masked(text, *(pattern for _, pattern in _PERIODS))
    found = [_around(clean, number, numbers(clean)) for number in numbers(clean)]
    periods = _periods(text)
    figures: list[tuple[_Found, Figure]] = []
    unread: list[str] = []
    for item in found:
        figure = _figure(text, clean, item)
        if figure is None:
            unread.append(text[item.number.start : item.number.end])
        else:
            figures.append((item, figure))
    figures += _multiples(clean, figures)
    figures = _with_periods(text, figures, periods)
    return Claim(tuple(_linked(figures)), _as_of(text), tuple(unread))


def _around(text: str, number: Number, every: Sequence[Number]) -> _Found:
    start = max([0, *(end.end() for end in _SENTENCE_END.finditer(text, 0, number.start))])
    ending = _SENTENCE_END.search(text, number.end)
    end = ending.start() if ending else len(text)
    following = [other.start for other in every if other.start >= number.end]
    clause = _CLAUSE_END.search(text, number.end, end)
    stop = min(end, number.end + _REACH, *following, *([clause.start()] if clause else []))
    return _Found(number, text[start : number.start], text[number.end : stop], (start, end))


def _figure(text: str, clean: str, item: _Found) -> Figure | None:
    """What this number is; None when it is not a figure of a list."""
    number, after = item.number, clean[item.number.end : item.sentence[1]]
    if percent := _PERCENT.match(after):
        if _SHARE.match(after[percent.end() :]):
            return None
        end = number.end + percent.end()
        rise = _RISE.match(clean[end : item.sentence[1]])
        phrase = text[number.start : end + (rise.end() if rise else 0)]
        near = clean[max(item.sentence[0], number.start - 40) : min(item.sentence[1], number.end + 40)]
        falling = bool(_FALL.search(near)) and not _GROWTH.search(near)
        return Figure("percent", number.value, phrase, _bound(item)[0], falling=falling)
    if number.value != int(number.value):
        return None
    if multiple := _MULTIPLE.match(after):
        return Figure(
            "multiple", number.value, text[number.start : number.end + multiple.end()], _bound(item)[0]
        )
    return _counted(text, clean, item)


def _counted(text: str, clean: str, item: _Found) -> Figure | None:
    number = item.number
    bound, begin = _bound(item)
    unit, end = _unit(item.after)
    if unit == "states" and _OF_ALL.search(item.before):
        return None  # the fifty of which some are counted
    if unit is None:
        unit, end = _unit_of_whole(clean, item)
    growing = bool(_GROWTH.search(clean, *item.sentence)) or "%" in clean[slice(*item.sentence)]
    between = bool(re.match(r"\s*(?:\w+\s+){0,3}to\s+(?:\w+\s+){0,2}$", item.after))
    kind: Kind = "count"
    led = _FROM.search(item.before)
    if led and unit != "states" and (growing or between):
        kind, begin = "base", number.start - (len(item.before) - led.start())
    elif _TO.search(item.before) and growing:
        kind = "total"
    elif _NEW.match(item.after) or _ANOTHER.search(item.before):
        kind = "batch"
    elif unit is None and (number.spelt or not (growing or bound != "exactly")):
        # A bare word or number that counts nothing named here.
        unit = None if number.spelt or number.value < 10 else "either"
        if unit is None:
            return None
    phrase = " ".join(text[begin : number.end + end].split())
    stretch = item.after[: end or None]
    pending: Literal["", "only", "with"] = "only" if _PENDING.search(stretch) else ""
    if _WITH_PENDING.search(item.after):
        pending = "with"
    model = next((name for name, words in _MODELS.items() if words.search(item.after)), None)
    return Figure(kind, number.value, phrase, bound, unit or "either", pending, model)


def _bound(item: _Found) -> tuple[Bound, int]:
    """How the number is hedged, and where the phrase begins."""
    start = item.number.start
    for bound, pattern in _BEFORE:
        if found := pattern.search(item.before):
            return bound, start - (len(item.before) - found.start())
    for name, pattern in _AFTER:
        if pattern.search(item.after):
            return name, start  # type: ignore[return-value]
    return "exactly", start


def _unit(after: str) -> tuple[Unit | None, int]:
    """The first noun that says what is counted, and where it ends."""
    found = [(match.start(), match.end(), unit) for unit, words in _NOUNS if (match := words.search(after))]
    if not found:
        return None, 0
    _, end, unit = min(found)
    return unit, end


def _unit_of_whole(clean: str, item: _Found) -> tuple[Unit | None, int]:
    """Of "40 of the 50 states", the 40 are states too."""
    whole = re.match(
        r"\s+(?:out )?of (?:the |all )*[\d,]+\s+(\w+)", clean[item.number.end : item.sentence[1]]
    )
    if not whole:
        return None, 0
    unit, _ = _unit(whole[1])
    return unit, whole.end() if unit else 0


def _periods(text: str) -> list[tuple[int, int, Period, Day | None]]:
    """Where the text says over what time something was counted."""
    found: list[tuple[int, int, Period, Day | None]] = []
    for period, pattern in _PERIODS:
        for match in pattern.finditer(text):
            if not any(start < match.end() and match.start() < end for start, end, _, _ in found):
                found.append((*match.span(), period, None))
    found += [(day.start, day.end, "since", day) for day in days(text) if _SINCE.search(text[: day.start])]
    return sorted(found, key=lambda item: item[0])


def _with_periods(
    text: str,
    figures: list[tuple[_Found, Figure]],
    periods: Sequence[tuple[int, int, Period, Day | None]],
) -> list[tuple[_Found, Figure]]:
    """A period belongs to the last count before it in its sentence, else to the next one after it."""
    figures = list(figures)
    for start, end, period, since in periods:
        if since is not None and _since_of_growth(figures, start, since):
            continue
        counts = [
            (i, item, figure)
            for i, (item, figure) in enumerate(figures)
            if figure.kind in ("count", "batch") and figure.unit != "states"
            and item.sentence[0] <= start <= item.sentence[1] and figure.period is None
        ]  # fmt: skip
        before = [entry for entry in counts if entry[1].number.end <= start]
        after = [entry for entry in counts if entry[1].number.start >= end]
        if not before and not after:
            continue
        i, item, figure = before[-1] if before else after[0]
        phrase = figure.phrase
        if before and not re.search(r"[,;:]", text[item.number.end : start]):
            phrase = " ".join(text[item.number.start : end].split())
        figures[i] = (item, replace(figure, kind="batch", period=period, since=since, phrase=phrase))
    return figures


def _since_of_growth(figures: list[tuple[_Found, Figure]], start: int, since: Day) -> bool:
    """Where a sentence speaks of growth, "since" names the day of its base."""
    growth = [
        i
        for i, (item, figure) in enumerate(figures)
        if figure.kind in ("percent", "multiple") and item.sentence[0] <= start <= item.sentence[1]
    ]
    for i in growth:
        figures[i] = (figures[i][0], replace(figures[i][1], since=since))
    return bool(growth)


def _multiples(clean: str, figures: Sequence[tuple[_Found, Figure]]) -> list[tuple[_Found, Figure]]:
    """Doubled, tripled: a figure without a number."""
    added = []
    for match in re.finditer(r"\b(doubl|tripl|quadrupl|quintupl)(?:ed|es|ing|e)\b", clean, re.IGNORECASE):
        number = Number(_TIMES[match[1].lower()], *match.span())
        figure = Figure("multiple", number.value, match[0])
        added.append((_around(clean, number, [item.number for item, _ in figures]), figure))
    return added


def _linked(figures: Sequence[tuple[_Found, Figure]]) -> list[Figure]:
    """Say of each percentage from what to what it leads, by what stands nearest in its sentence."""
    linked = []
    for item, figure in sorted(figures, key=lambda entry: entry[0].number.start):
        if figure.kind in ("percent", "multiple"):
            same = [(i, f) for i, f in figures if i.sentence == item.sentence]
            base = _nearest(item, [(i, f) for i, f in same if f.kind == "base"])
            total = _nearest(item, [(i, f) for i, f in same if f.kind == "total"])
            total = total or _nearest(
                item, [(i, f) for i, f in same if f.kind == "count" and f.unit != "states" and not f.model]
            )
            figure = replace(
                figure,
                base=base.value if base else None,
                total=total.value if total else None,
                total_bound=total.bound if total else "exactly",
            )
        linked.append(figure)
    return linked


def _nearest(item: _Found, candidates: Sequence[tuple[_Found, Figure]]) -> Figure | None:
    at = item.number.start
    return min(candidates, key=lambda entry: abs(entry[0].number.start - at))[1] if candidates else None


def _as_of(text: str) -> date | None:
    """The day that the text itself says it speaks of ("As of April 8, 2025")."""
    for day in days(text):
        if day.year is not None and day.day is not None and _AS_OF.search(text[: day.start]):
            return day.on(day.year)
    return None
