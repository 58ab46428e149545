"""Is this row that known agreement? One pair at a time, by named rules, with the evidence for and against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from rapidfuzz.distance import OSA

from pipelines.identify.surroundings import Scene, address, addresses, model_of, place_of
from pipelines.names.gazetteer import counties, squeeze
from pipelines.names.likeness import (
    Name,
    extended,
    level_of,
    likeness,
    read_name,
    readings,
    reality,
    same_kind,
    same_level,
    same_text,
    third_is_nearer,
)
from pipelines.values import Agreement, Known

# How sure each rule is of its pair; the rest follows from the likeness of names. The method page says what each needs.
STRENGTHS: Mapping[str, float] = {
    "a person said so": 0.99,
    "corrected state, one real county": 0.9,
    "corrected state": 0.85,
    "corrected state, undated": 0.8,
    "relabelled body": 0.85,
    "corrected model": 0.8,
    "same document": 0.75,
    "same document, by its name": 0.7,
    "added word, same county": 0.7,
    "missing word": 0.65,
    "misspelt town in its place": 0.62,
    "one real county, alone": 0.6,
}
# A re-dating that is a correction and not a new signature: the corpus has 1 to 12 days.
NEAR_DAYS = 14
# Likeness of the distinguishing words from which one name is a misspelling of the other. True labelled pairs
# lie at 0.62 (Freedom/Freeborn) and above, Bay/Clay at 0.5, Pima/Pinal at 0.6 (both real, so never).
# The gazetteer has every county but not every town, so that a town it does not know may yet be one.
ALIKE_COUNTIES = 0.6  # exactly one is a real county; or one document, and the gazetteer knows not both
ALIKE = 0.8
# Without a date to compare (pending lists). Cook and Cooke Township (0.8) are two.
ALIKE_COUNTIES_UNDATED = 0.7
ALIKE_UNDATED = 0.84
ALIKE_NEAR_DATE = 0.85  # name and date corrected at once
NEVER = 1.1
# The only one that went and the only one that came with a state, model and date, and only one of them a real
# county: a search-and-replace accident (Walton, "Waria-labelon") leaves little of the word.
ALIKE_LONE = 0.4
# In one place of the sheet, in one county, alone with its date and before any document: a town that was misspelt.
ALIKE_IN_PLACE = 0.7
# A county column that is a slip off is no contradiction ("Frankin County").
ALIKE_COUNTY = 0.75

Dates = Literal["same", "unknown", "slip", "near", "other"]
Documents = Literal["same", "open", "lost", "differ"]
_NAME_SCORES: dict[Dates, float] = {"same": 0.97, "unknown": 0.95, "slip": 0.93, "near": 0.92, "other": 0.9}
_DATES_TOLD: dict[Dates, str] = {
    "same": "same signing date",
    "slip": "signing date with a slip in it",
    "near": "signing date a few days off",
}


class Likely(NamedTuple):
    """That two are one agreement: by which rule, how sure (0 to 1), and what else speaks for it."""

    rule: str
    score: float
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A known agreement and a row, with what their dates and documents say of each other."""

    before: Agreement
    row: Agreement
    active: bool
    dates: Dates
    documents: Documents

    def likely(self, rule: str, score: float, *evidence: str) -> Likely:
        told = (_DATES_TOLD.get(self.dates), "same document" if self.documents == "same" else None)
        return Likely(rule, score, (*evidence, *filter(None, told)))


def pair_of(known: Known, row: Agreement) -> Pair:
    before = known.agreement
    return Pair(
        before, row, known.active, compare_dates(before.signed, row.signed), compare_documents(known, row)
    )


def compare_dates(before: date | None, after: date | None) -> Dates:
    """A "slip" has day and month exchanged, or a year off; "near" is within a correction's reach."""
    if before is None or after is None:
        return "unknown"
    if before == after:
        return "same"
    exchanged = (before.year, before.day, before.month) == (after.year, after.month, after.day)
    if exchanged or (before.month, before.day, 1) == (after.month, after.day, abs(before.year - after.year)):
        return "slip"
    return "near" if abs((before - after).days) <= NEAR_DAYS else "other"


def compare_documents(known: Known, after: Agreement) -> Documents:
    """ "open": never linked, or the list has no such column; "lost": linked no longer."""
    old, new = addresses(known), address(after.moa)
    if not old or after.moa is None:
        return "open"
    return "lost" if not new else "same" if new in old else "differ"


def judge(known: Known, row: Agreement, scene: Scene) -> Likely | None:
    """How the row can be the known agreement although they are not printed under one key."""
    before = known.agreement
    places = frozenset((place_of(before), place_of(row)))
    if places in scene.distinct:
        return None
    pair = pair_of(known, row)
    if model_of(before) != model_of(row):
        return _judge_model(pair, scene) if len(places) == 1 else None
    moved = before.state != row.state
    if places in scene.same and len(places) == 2:
        return Likely(
            "corrected state" if moved else "corrected name",
            STRENGTHS["a person said so"],
            ("a person said so",),
        )
    return None if len(places) == 1 else _judge_state(pair, scene) if moved else _judge_name(pair, scene)


def _judge_model(pair: Pair, scene: Scene) -> Likely | None:
    """A correction when nothing else changed; with another date it is another agreement."""
    before, row = pair.before, pair.row
    if not pair.active or pair.documents in {"differ", "lost"} or scene.stands(before) or scene.stands(row):
        return None
    unread = not before.support_type or not row.support_type
    if pair.dates == "same" or (unread and pair.dates == "unknown"):
        return pair.likely("corrected model", STRENGTHS["corrected model"])
    return None


def _judge_state(pair: Pair, scene: Scene) -> Likely | None:
    before, row = pair.before, pair.row
    one, other = read_name(before.agency, before.state), read_name(row.agency, row.state)
    if not one.words or one.essence != other.essence or one.kinds != other.kinds:
        return None
    if not same_level(one, other) or scene.apart(before, row):
        return None
    unread = before.state is None or row.state is None
    # A moved row keeps its link (a document names its state) and its county.
    if pair.documents in {"differ", "lost"} or (not unread and _other_county(pair)):
        return None
    home = (
        level_of(one, other) == "county"
        and other.squeezed in counties(row.state)
        and one.squeezed not in counties(before.state)
    )
    evidence = ("a county of the new state, not of the old",) if home and not unread else ()
    if pair.dates == "same" or pair.documents == "same":
        return pair.likely(
            "corrected state",
            STRENGTHS["corrected state, one real county"] if home or unread else STRENGTHS["corrected state"],
            *evidence,
        )
    if pair.dates == "unknown" and pair.active and (home or unread):
        return pair.likely("corrected state", STRENGTHS["corrected state, undated"], *evidence)
    return None


def _county(agreement: Agreement) -> str:
    return squeeze((agreement.county or "").casefold().replace("county", "").replace("parish", ""))


def _other_county(pair: Pair) -> bool:
    old, new = _county(pair.before), _county(pair.row)
    return bool(old and new) and OSA.normalized_similarity(old, new) < ALIKE_COUNTY


def _judge_name(pair: Pair, scene: Scene) -> Likely | None:
    one, other, alike = _closest(pair)
    if not same_level(one, other):
        return None
    if alike == 1.0 and same_kind(one, other) and (one.words or one.kinds == other.kinds):
        return _judge_wording(pair, scene, one, other)
    if alike < 1.0 and pair.dates != "same" and pair.documents in {"differ", "lost"}:
        return None  # by far the most, and refused by each rule below
    if scene.apart(pair.before, pair.row) or scene.claimed(pair.row, other):
        return None
    # The county of a county's own office goes with its name, right or wrong; that of a town is evidence.
    if level_of(one, other) != "county" and _other_county(pair):
        return None
    if alike == 1.0:
        return _judge_relabelled(pair, scene) if one.words else None
    real = reality(one, other, pair.row.state)
    if all(real):
        return _judge_titled(pair, scene, one, other)
    likely = None
    if same_kind(one, other):
        likely = _judge_spelling(pair, scene, (one, other, alike), real) or _judge_place(
            pair, scene, alike, real
        )
    return likely or _judge_document(pair, scene)


def _closest(pair: Pair) -> tuple[Name, Name, float]:
    """The two readings of the names that are most alike."""
    before, row = pair.before, pair.row
    found = [
        (one, other, likeness(one, other))
        for one in readings(before.agency, before.state)
        for other in readings(row.agency, row.state)
    ]
    if same_text(before.agency, row.agency):
        return found[0][0], found[0][0], 1.0
    return max(found, key=lambda names: (same_level(*names[:2]), same_kind(*names[:2]), names[2]))


def _judge_wording(pair: Pair, scene: Scene, one: Name, other: Name) -> Likely | None:
    """The same words, put another way (PD, Dept., the order, "City of", the state's name)."""
    # Butler's police may not be Butler Township's, nor a board's office its jail's.
    township = one.form != other.form and "township" in {one.form, other.form}
    more_said = township or one.kinds != other.kinds
    if more_said and scene.apart(pair.before, pair.row):
        return None
    if pair.documents != "same" and (
        (township and pair.dates != "same") or (pair.dates == "other" and (more_said or not pair.active))
    ):
        return None
    return pair.likely("corrected name", _NAME_SCORES[pair.dates], "the same words")


def _judge_titled(pair: Pair, scene: Scene, one: Name, other: Name) -> Likely | None:
    """Two real places: a correction only when the document, unchanged, bears the new one's name."""
    if (
        not _bears(address(pair.row.moa), other, one)
        or pair.documents != "same"
        or pair.dates != "same"
        or scene.shared(pair.row.moa)
    ):
        return None
    return pair.likely(
        "same document", STRENGTHS["same document, by its name"], "its file is named after the new name"
    )


def better_name(before: Agreement, after: Agreement) -> str | None:
    """What shows the new name of an agreement to be the right one of the two: the register, or its document."""
    one, other = read_name(before.agency, before.state), read_name(after.agency, after.state)
    real = reality(one, other, after.state)
    if real == (False, True):
        return "of the two only it is a real place"
    if real != (True, False) and _bears(address(after.moa), other, one):
        return "the file of its document is named after it"
    return None


def same_body(one: Agreement, other: Agreement) -> bool:
    """Whether neither name says another kind of body than the other."""
    return read_name(one.agency, one.state).kinds == read_name(other.agency, other.state).kinds


def _bears(document: str, name: Name, other: Name) -> bool:
    """Whether the document's file is named after the one name and not after the other."""
    title = squeeze(document.rsplit("/", 1)[-1])
    if not name.squeezed or name.squeezed not in title:
        return False
    return other.squeezed not in title or other.squeezed in name.squeezed != other.squeezed


def _judge_relabelled(pair: Pair, scene: Scene) -> Likely | None:
    """Another body of the same place: believable when nothing else changed and the old one's agreement is gone."""
    if pair.dates == "same" and pair.documents in {"same", "open"}:
        gone = "same place" if scene.has_others(pair.before) else "same place, and the old body is gone"
        return pair.likely("relabelled body", STRENGTHS["relabelled body"], gone)
    return None


def _judge_document(pair: Pair, scene: Scene) -> Likely | None:
    """Names with nothing in common, but one document that no other row links to."""
    if pair.documents == "same" and pair.dates in {"same", "slip", "near"} and not scene.shared(pair.row.moa):
        return pair.likely("same document", STRENGTHS["same document"])
    return None


def _judge_spelling(
    pair: Pair, scene: Scene, names: tuple[Name, Name, float], real: tuple[bool, bool]
) -> Likely | None:
    one, other, alike = names
    if pair.dates != "same" and (pair.documents in {"differ", "lost"} or not pair.active):
        return None
    if any(real) and third_is_nearer(one, other, pair.row.state):
        return None
    right = (pair.before if real[0] else pair.row).agency
    evidence = (f"of the two only “{right}” is real",) if any(real) else ()
    if alike >= _needed(pair, any(real) and level_of(one, other) == "county"):
        return pair.likely("corrected name", round(0.5 + 0.4 * alike, 3), *evidence)
    if not any(real):
        return None
    if (
        alike >= ALIKE_LONE
        and pair.dates == "same"
        and level_of(one, other) == "county"
        and scene.lone(pair.row)
    ):
        return pair.likely(
            "corrected name",
            STRENGTHS["one real county, alone"],
            "nothing else went or came with this date",
            *evidence,
        )
    return _judge_extended(pair, one, other, real, evidence) if extended(one, other) else None


def _judge_place(pair: Pair, scene: Scene, alike: float, real: tuple[bool, bool]) -> Likely | None:
    """A town's name that fits no register, or fits it only now. Likeness alone would not do; its surroundings do."""
    county = _county(pair.row)
    if (
        alike >= ALIKE_IN_PLACE
        and not real[0]
        and not (real[1] and third_is_nearer(*_closest(pair)[:2], pair.row.state))
        and pair.active
        and pair.dates == "same"
        and not address(pair.before.moa)
        and not address(pair.row.moa)
        and county
        and county == _county(pair.before)
        and scene.lone(pair.row)
        and scene.same_row(pair.before, pair.row)
    ):
        return pair.likely(
            "corrected name",
            STRENGTHS["misspelt town in its place"],
            "alone with its model and date",
            "same county",
            "same row of the sheet",
        )
    return None


def _needed(pair: Pair, counties_decide: bool) -> float:
    if pair.dates == "same":
        return ALIKE_COUNTIES if counties_decide or pair.documents == "same" else ALIKE
    if pair.dates == "unknown":
        return ALIKE_COUNTIES_UNDATED if counties_decide else ALIKE_UNDATED
    return NEVER if pair.dates == "other" else ALIKE_NEAR_DATE


def _judge_extended(
    pair: Pair, one: Name, other: Name, real: tuple[bool, bool], evidence: tuple[str, ...]
) -> Likely | None:
    """One name has a word more. A real place cut short ("Sunny Isles" Beach) is a slip; a real place with a
    word added ("Sanford Airport") is another agency, unless it is the sheriff of the same county.
    """
    shorter_is_real = real[0] if len(one.words) < len(other.words) else real[1]
    if not shorter_is_real and pair.dates == "same":
        return pair.likely(
            "corrected name", STRENGTHS["missing word"], "a word of the name was missing", *evidence
        )
    county = _county(pair.before)
    if not shorter_is_real or not county or county != _county(pair.row) or level_of(one, other) != "county":
        return None
    if pair.dates == "same" or "sheriff" in one.kinds & other.kinds:
        return pair.likely("corrected name", STRENGTHS["added word, same county"], "same county", *evidence)
    return None
