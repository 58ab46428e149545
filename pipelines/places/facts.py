"""Place facts of one agreement: a pure function of what is printed and of the registers.

Precision before recall: what two registers or two columns contradict, or what has two readings, stays unknown,
with the reason. Rules are about kinds of names; there is no table of agencies.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pipelines.names.gazetteer import squeeze
from pipelines.names.likeness import STATE_NAMES, Name, name_key, read_name
from pipelines.normalise.terms import STATE_NAMES as STATES
from pipelines.places.draft import FACTS, Draft, Evidence, PlaceFacts
from pipelines.places.index import Force, StateIndex, state_index
from pipelines.places.towns import FORMS, TownFinder, town_keys
from pipelines.registers import County, Registers

_TRIBAL = re.compile(r"\b(?:tribal|tribes?|rancheria|reservation|pueblo of|nation|indian community)\b")
_OTHER = re.compile(
    r"\b(?:airport|port authority|aviation|seaport|railroad|railway|transit|park district|hospital"
    r"|school district|schools|school board|water district|housing authority)\b"
)
_CAMPUS = re.compile(r"\b(?:university|college|institute of technology|polytechnic)\b")
_JUDICIAL = re.compile(
    r"\b(?:district attorneys?|state attorneys?|states attorneys?|county attorneys?|commonwealths? attorneys?"
    r"|prosecut\w+|judicial|judical|circuit|courts?|solicitors?)\b"
)
_REGIONAL = re.compile(
    r"\b(?:regional|district jail|joint|consolidated|tri county|multi county|intercounty)\b"
)
_AREA_FORCE = re.compile(r"\b(?:metro|metropolitan|area)\b.*\bauthority\b")
_OF_STATE = re.compile(
    r"\b(?:state (?:police|patrol|troopers|highway patrol)|highway (?:state )?patrol|national guard"
    r"|attorney generals?|state capitol|capitol police|state fire marshal|state parks?)\b"
)
_COUNTY_WORDS = ("county", "parish", "municipio", "borough", "conty", "cnty", "countys")
_NO_COUNTY = frozenset({"", "n/a", "na", "none", "statewide", "various", "multiple"})
_OF_COUNTY = re.compile(r",\s*([^,]+ (?:County|Parish))\b", re.I)
_FILLERS = re.compile(r"^(?:the|of|office|constables?|state|pa|sheriffs?|department)$")


@lru_cache(maxsize=1 << 15)
def place_facts(
    state: str | None, agency: str, county: str | None, kind: str | None, registers: Registers
) -> PlaceFacts:
    """Where the agreement of `agency` is; `county` and `kind` are what the columns COUNTY and TYPE say."""
    if state is None or state not in STATES:
        nowhere = "its state is unknown"
        return PlaceFacts(evidence=tuple(Evidence(fact, unknown=nowhere) for fact in FACTS))
    return _Reading(state, agency, county or "", kind or "", registers).facts()


class _Reading:
    """One agreement, read; each level has its own rule for the rest."""

    def __init__(self, state: str, agency: str, county: str, kind: str, registers: Registers) -> None:
        if (found := _OF_COUNTY.search(agency)) and found.start():
            # "Hamilton Township, Mercer County": its county stands behind its name.
            agency, county = _OF_COUNTY.sub("", agency), county or found[1]
        self.state, self.agency, self.kind = state, agency, kind.casefold()
        self.index: StateIndex = state_index(registers, state)
        self.name: Name = read_name(agency, state)
        self.key = name_key(agency)
        self.words = self.key.split()
        self.column = county
        self.draft = Draft(registers)
        self.printed, self.printed_rule, self.printed_score = self._column()
        self.named = self._county_of_name()

    def facts(self) -> PlaceFacts:
        level, rule = self.level()
        draft = self.draft
        draft.evidence.append(Evidence("level", "", self.agency, rule, 1.0))
        getattr(self, f"_{level}")()
        draft.unknown("fips", "no county is named, in it or in its column")
        if level == "municipal":
            draft.unknown("place", f"no such town in {STATES[self.state]}")
        draft.unknown("ori", "no agency of this name is in the register, or more than one")
        people = officers = None
        if draft.agency is not None:
            people, officers = draft.agency.population or None, draft.agency.officers or None
        for fact, value in (("population", people), ("officers", officers)):
            if value is None:
                draft.unknown(
                    fact, "its number is unknown" if draft.agency is None else "the register says none"
                )
        return PlaceFacts(
            level,
            draft.fips,
            draft.place,
            draft.agency.ori if draft.agency else None,
            people,
            officers,
            tuple(sorted(draft.evidence, key=lambda one: FACTS.index(one.fact))),
        )

    # ---- the level

    def level(self) -> tuple[str, str]:
        """The level and the rule by which it is told, the surest first."""
        name, key = self.name, self.key
        words = [
            ("constable", "it is called constable", "constable" in name.kinds),
            ("judicial", "it is called attorney, prosecutor or court",
             bool(_JUDICIAL.search(key)) and not re.search(r"\battorney generals?\b", key)
             and not self._is_town()),
            ("tribal", "it is called a tribe's", bool(_TRIBAL.search(key))),
            ("other", "it is an airport's, a port's, a school's or the like", bool(_OTHER.search(key))),
            ("campus", "it is called university or college", bool(_CAMPUS.search(key)) and not self._is_town()),
            ("regional", "it is called regional", bool(_REGIONAL.search(key) or _AREA_FORCE.search(key))),
            ("municipal", "it is called township or borough", name.form in ("township", "borough")),
            ("municipal", "it is called the city's", name.form == "city" and "sheriff" not in name.kinds
             and self._is_town()),
            ("county", "it is a sheriff's", "sheriff" in name.kinds),
            ("county", "it is called the county's", name.level == "county"),
            ("state", "it is called the state's", bool(_OF_STATE.search(key))),
            ("municipal", "its name is a town's", self._is_body_of_town() and self._is_town()),
            ("campus", "a university of this name is in the register", self._is_campus_by_register()),
            ("state", "its name begins with the state's", self._begins_with_state()),
            ("county", "its name is a county's", self.named is not None),
            ("state", "it is a department without a place", (not name.words and bool(name.kinds))
             or ("department of" in key and not self._is_town())),
            ("state", "its type says so", self.kind.startswith("state")),
            ("municipal", "it is a town's kind of body", bool(name.kinds & {"police", "marshal"})),
            ("county", "its type says so", self.kind.startswith(("county", "parish"))),
            ("municipal", "its type says so", self.kind.startswith(("municip", "city", "town"))),
        ]  # fmt: skip
        return next(((level, rule) for level, rule, true in words if true), ("other", "nothing says more"))

    def _is_body_of_town(self) -> bool:
        return bool(self.name.kinds & {"police", "marshal", "safety"}) or self.kind.startswith("municip")

    def _is_town(self) -> bool:
        return any(
            key in self.index.towns or key in self.index.city_police
            for key in town_keys(self.name, self.agency)
        )

    def _begins_with_state(self) -> bool:
        full = STATE_NAMES.get(self.state, [])
        short = [self.state.casefold()]
        return self.words[: len(full)] == full or (self.words[:1] == short and len(self.words) > 2)

    def _is_campus_by_register(self) -> bool:
        return self._campus_of_short_name() is not None

    def _campus_of_short_name(self) -> Force | None:
        found = [
            force
            for ending in ("university", "college")
            if (force := self.index.same_name(f"{' '.join(self.name.words)} {ending}", False))
            and force.agency.type == "University or College"
        ]
        return found[0] if len(found) == 1 and "police" in self.name.kinds else None

    # ---- counties, as the name and the column tell them

    def _column(self) -> tuple[County | None, str, float]:
        """The county that its column means, by which rule."""
        text = self.column.strip()
        if text.casefold() in _NO_COUNTY:
            return None, "", 0.0
        words = name_key(text).split()
        form = words[-1] if words and words[-1] in (*_COUNTY_WORDS, "city") else ""
        bare = squeeze(" ".join(words[:-1] if form and len(words) > 1 else words))
        whole = squeeze(" ".join(words))
        for key in dict.fromkeys((bare, whole)):
            if len(found := self.index.county(key, "city" if form == "city" else "county")) == 1:
                return found[0], "the printed county", 1.0
        near = self.index.near(bare, self.index.counties, 6)
        if near and len(found := self.index.county(near, "county")) == 1:
            return found[0], f"the printed county, “{text}” read as the only one near it", 0.9
        return None, "", 0.0

    def _county_of_name(self) -> tuple[County, str, float] | None:
        """The county in its name: "X County ...", "County of X", or a sheriff's place."""
        told = self._before_county_word()
        of_a_county = "sheriff" in self.name.kinds or not self.name.kinds & {"police", "marshal"}
        if told is None and of_a_county and self.name.words and self.name.form not in FORMS:
            told = self.name.squeezed, self.name.form
        if told is None:
            return None
        key, form = told
        found = self.index.county(key, form)
        if len(found) == 1:
            return found[0], "the county of its name", 1.0
        if not found and self._before_county_word() is not None:
            near = self.index.near(key, self.index.counties, 6)
            if near and len(found := self.index.county(near, form)) == 1:
                return found[0], f"the county of its name, “{key}” read as the only one near it", 0.85
        return None

    def _before_county_word(self) -> tuple[str, str] | None:
        words = self.words
        for at, word in enumerate(words):
            if word not in _COUNTY_WORDS or (word == "borough" and self.state != "AK"):
                continue
            if words[at + 1 : at + 2] == ["of"] and len(words) > at + 2 and word == "county":
                for length in (3, 2, 1):
                    key = squeeze(" ".join(words[at + 2 : at + 2 + length]))
                    if self.index.county(key, "county"):
                        return key, "county"
            for length in (4, 3, 2, 1):
                if length <= at and self.index.county(
                    key := squeeze(" ".join(words[at - length : at])), "county"
                ):
                    return key, "county"
            before = [word for word in words[:at] if not _FILLERS.match(word)]
            if before:
                return squeeze(" ".join(before)), "county"
        return None

    def _named_or_printed(self) -> None:
        """The county of the name before that of the column: the name is the agency's, the column was copied."""
        named, printed = self.named, self.printed
        if named and printed and named[0].fips == printed.fips:
            self.draft.county(printed, f"{named[1]}, as printed", max(named[2], self.printed_score))
        elif named and named[2] == 1.0:
            note = f", not the printed one ({self.column.strip()})" if printed else ""
            self.draft.county(named[0], named[1] + note, 0.95 if note else 1.0)
        elif printed and not named and self._before_county_word() is None:
            self.draft.county(printed, self.printed_rule, min(self.printed_score, 0.95))
        elif named and not printed:
            self.draft.county(*named)
        elif named or printed:
            self.draft.unknown("fips", "its name and the printed county are two, and its name is no county's")
        else:
            self.draft.unknown("fips", f"no such county in {STATES[self.state]}")

    # ---- the rest, level by level

    def _county(self) -> None:
        force = self.index.same_name(self.agency, False)
        if not self.named and not self.printed and force and force.fips and force.agency.type == "County":
            self.draft.county(self.index.by_fips[force.fips[0]], "the county of its number", 0.95)
            self.draft.number(force, "the whole name", 1.0)
            return
        self._named_or_printed()
        if not self.draft.fips:
            self.draft.unknown("ori", "its county is unknown")
            return
        fips = self.draft.fips[0]
        if self.name.kinds == {"sheriff"} or (
            "sheriff" in self.name.kinds and "corrections" not in self.name.kinds
        ):
            if force := self.index.sheriff(fips):
                self.draft.number(force, "the county's sheriff", 1.0)
            else:
                self.draft.unknown("ori", "the register has no number of this county's sheriff")
        elif self.name.kinds & {"police", "safety"}:
            if (force := self.index.county_police(fips)) or (force := self._whole_name(fips)):
                self.draft.number(force, "the county's police", 1.0)
            else:
                self.draft.unknown("ori", "the register has no number of this county's police")
        elif force := self._whole_name(fips):
            self.draft.number(force, "the whole name", 1.0)
        else:
            self.draft.unknown("ori", "a body without a number of its own in the register")

    def _whole_name(self, fips: str | None = None) -> Force | None:
        force = self.index.same_name(self.agency, False)
        if force is None or (fips and force.fips and fips not in force.fips):
            return None
        return force if force.agency.type not in ("City", "County") else None

    def _municipal(self) -> None:
        towns = TownFinder(self.index, self.draft, self.name, self.agency, self.printed, self.column)
        if not towns.find() and (force := self._whole_city()):
            towns.settle(force, None, "the whole name", 1.0)
        if not self.draft.fips and self.printed and not self.draft.says("fips"):
            self.draft.county(self.printed, self.printed_rule, min(self.printed_score, 0.9))

    def _constable(self) -> None:
        self._of_county("a constable has no number of its own in the register")

    def _judicial(self) -> None:
        self._of_county("an attorney's or court's number is not in the register under its name")
        self.draft.unknown("fips", "a judicial district; no register here says of which counties")

    def _of_county(self, without: str) -> None:
        force = self._whole_name()
        if self._before_county_word() is not None and self.named:
            self._named_or_printed()
        elif self.printed:
            self.draft.county(self.printed, self.printed_rule, min(self.printed_score, 0.95))
        if force and (not self.draft.fips or not force.fips or self.draft.fips[0] in force.fips):
            self.draft.number(force, "the whole name", 1.0)
        else:
            self.draft.unknown("ori", without)

    def _state(self) -> None:
        self.draft.unknown("fips", "a body of the whole state")
        if force := self.index.same_name(self.agency, True):
            self.draft.number(force, "the whole name", 1.0)
        else:
            self.draft.unknown("ori", "the register has none of this name, or only its stations")

    def _campus(self) -> None:
        self._by_register(self._whole_name() or self._campus_of_short_name())

    def _tribal(self) -> None:
        self._by_register(self._whole_name())

    def _other(self) -> None:
        force = self._whole_name()
        if force is None and self._before_county_word() is not None and self.named:
            self._named_or_printed()
        else:
            self._by_register(force)

    def _by_register(self, force: Force | None) -> None:
        if force is None:
            if self.printed:
                self.draft.county(self.printed, self.printed_rule, min(self.printed_score, 0.95))
            return
        if self.printed and force.fips and self.printed.fips not in force.fips:
            self.draft.unknown("ori", "the agency of this name is not in the printed county")
            self.draft.unknown("fips", "the agency of this name is not in the printed county")
            return
        self.draft.number(force, "the whole name", 1.0)
        if force.fips:
            self.draft.counties(
                [self.index.by_fips[fips] for fips in force.fips], "the county of its number", 1.0
            )

    def _regional(self) -> None:
        force = self._whole_city() or self._whole_name()
        if force is not None and force.fips and (not self.printed or self.printed.fips in force.fips):
            self.draft.number(force, "the whole name", 1.0)
            self.draft.counties(
                [self.index.by_fips[fips] for fips in force.fips], "the county of its number", 0.95
            )
        elif (several := self._several_counties()) is not None:
            self.draft.counties(several, "the counties of its name", 0.95)
        elif self._before_county_word() is not None and self.named:
            self._named_or_printed()
        elif self.printed:
            self.draft.county(self.printed, self.printed_rule, min(self.printed_score, 0.9))
        else:
            self.draft.unknown("fips", "a regional body; no register here says of which counties")

    def _whole_city(self) -> Force | None:
        """An agency of several towns, which the register has among those of towns."""
        force = self.index.same_name(self.agency, False)
        return force if force and force.agency.type == "City" else None

    def _several_counties(self) -> list[County] | None:
        """ "A, B, C Regional Jail": all of them counties, or none is believed."""
        listed = re.split(r"\bregional\b|\bjoint\b", self.agency, maxsplit=1, flags=re.I)[0]
        parts = [squeeze(part) for part in re.split(r"[,/&]|\band\b|-", listed) if part.strip()]
        if len(parts) < 2:
            return None
        found = []
        for part in parts:
            key = part if part in self.index.counties else self.index.near(part, self.index.counties, 6)
            counties = self.index.county(key, "county") if key else []
            if len(counties) != 1:
                return None
            found.append(counties[0])
        return found
