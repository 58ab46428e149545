"""What a statement's figures are held against: totals and growth."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from changelog.claims.counts import (
    Run,
    Series,
    Step,
    Way,
    Window,
    every_window,
    fit,
    growth,
    runs,
    said,
    totals_that_round,
    windows,
)
from changelog.claims.grammar import Figure
from changelog.claims.scene import (
    HEADER_ROW,
    NEAR,
    UPWARD,
    Answer,
    Scene,
    counts,
    first_up,
    fitting_series,
    listed,
    run_json,
    step_json,
    test_of,
)
from changelog.wording import iso, long_day


def answer_count(scene: Scene, figure: Figure) -> Answer:
    """Hold a count against the lists of the day, then against all the others."""
    test = test_of(figure)
    ways = fitting_series(scene, figure)
    now = [(one, step) for one in ways if (step := one.at(scene.end))]
    stands = [(one, step) for one, step in now if test(step.value)]
    fails = [(one, step) for one, step in now if not test(step.value)]
    found = [run for one in ways for run in runs(one, test)]
    text = _today(scene, figure, stands, fails)
    text += _lately(scene, found, stands)
    text += _otherwise(scene, figure, fails, found)
    text += _by_one(scene, figure, ways, stands)
    nearest = sorted(fails, key=lambda item: abs(item[1].value - figure.value))
    return Answer(
        [run_json(scene, run) for run in found],
        [step_json(one, step, figure.value) for one, step in nearest],
        text,
        _short(scene, figure, stands, found),
    )


def _today(
    scene: Scene, figure: Figure, stands: Sequence[tuple[Series, Step]], fails: Sequence[tuple[Series, Step]]
) -> str:
    day = long_day(scene.as_of)
    if not stands and not fails:
        return f"Nothing that “{figure.phrase}” could count was recorded by {day}."
    if stands:
        holding = [f"{one.counted} ({step.said}, listed since {scene.day(step.at)})" for one, step in stands]
        text = f"“{figure.phrase}” holds on {day} for {listed(holding)}"
        return f"{text}; not for {counts(fails)}." if fails else f"{text}."
    along = [item for item in fails if item[0].pending == "with"]
    plain = [item for item in fails if item[0].pending != "with"]
    text = f"“{figure.phrase}” fits no count of {day}: not {counts(plain or along)}"
    if plain and along:
        text += f", nor, with those who applied, {counts(along)}"
    return f"{text}."


def _lately(scene: Scene, found: Sequence[Run], stands: Sequence[tuple[Series, Step]]) -> str:
    """What held shortly before the day, and on the day no longer."""
    standing = {one.counted for one, _ in stands}
    said = [
        f" Shortly before, it held for {run.series.counted} ({run.first.said}), {_stretch(scene, run)}."
        for run in found
        if run.covers(scene.end - NEAR, scene.end) and run.series.counted not in standing
    ]
    return "".join(said)


def _otherwise(
    scene: Scene, figure: Figure, fails: Sequence[tuple[Series, Step]], found: Sequence[Run]
) -> str:
    """When it held for what it does not hold for on the day."""
    said = []
    for one, _ in fails:
        own = [run for run in found if run.series is one and not run.covers(scene.end - NEAR, scene.end)]
        if not own:
            if figure.bound in UPWARD:
                most = max(one.steps, key=lambda step: step.value)
                said.append(
                    f"{one.counted} never did on a recorded list (at most {most.said}, {scene.day(most.at)})"
                )
            continue
        run = min(own, key=lambda run: _distance(scene, run))
        if figure.bound in UPWARD and run.first.at >= scene.end:
            passed = "passed" if figure.bound == "more than" else "reached"
            when = f"with the list of {scene.day(run.first.at)} ({run.first.said})"
            said.append(f"{one.counted} really {passed} {figure.value:,.0f} {when}")
        else:
            said.append(f"{one.counted} were {run.first.said} {_stretch(scene, run)}")
    if not found and figure.bound == "exactly" and not said:
        tops = [
            (one, max(one.steps, key=lambda step: step.value)) for one, _ in fails if one.pending != "with"
        ]
        if tops and all(step.value < figure.value for _, step in tops):
            most_said = listed([f"{step.said} {one.counted}" for one, step in tops])
            return f" No recorded list has so many: at most {most_said}."
    return f" {first_up('; '.join(said))}." if said else ""


def _distance(scene: Scene, run: Run) -> float:
    if run.first.at >= scene.end:
        return (run.first.at - scene.end).total_seconds()
    return (scene.end - (run.until or scene.end)).total_seconds()


def _stretch(scene: Scene, run: Run) -> str:
    start = scene.day(run.first.at)
    if run.until is None:
        return f"from {start} on"
    end = scene.day(run.until)
    return f"on {start}" if end == start else f"from {start} until the list of {end}"


def _by_one(
    scene: Scene, figure: Figure, ways: Sequence[Series], stands: Sequence[tuple[Series, Step]]
) -> str:
    """A total that is one more than what was counted is named as such, also when it fits another day."""
    if figure.bound != "exactly" or stands:
        return ""
    over = [(one, found) for one in ways if (found := runs(one, lambda value: value + 1 == figure.value))]
    alone = [item for item in over if not item[0].pending]
    said = []
    for one, found in alone or over:
        run = min(found, key=lambda run: _distance(scene, run))
        said.append(f"the {run.first.said} {one.counted} of the list of {scene.day(run.first.at)}")
    return f" {figure.value:,.0f} is one more than {listed(said)}, {HEADER_ROW}." if said else ""


def _short(scene: Scene, figure: Figure, stands: Sequence[tuple[Series, Step]], found: Sequence[Run]) -> str:
    if stands:
        along = all(one.pending == "with" for one, _ in stands) and figure.pending != "with"
        only = "only with applications counted along: " if along else ""
        return f"“{figure.phrase}” holds {only or 'for '}{counts(stands)}"
    lately = [run for run in found if run.covers(scene.end - NEAR, scene.end)]
    if lately:
        return f"“{figure.phrase}” held shortly before, for {listed([run.series.counted for run in lately])}"
    if found:
        return f"“{figure.phrase}” holds on other days only"
    return f"“{figure.phrase}” holds on no recorded list"


def answer_base(scene: Scene, figure: Figure) -> Answer:
    """Hold the number that growth is said to start from against the list of the baseline."""
    day = figure.since.on(scene.as_of.year) if figure.since else None
    base_day = day or scene.base_day
    moment = scene.end_of(base_day)
    ways = [one for one in fitting_series(scene, figure) if not one.pending]
    then = [(one, step) for one in ways if (step := one.at(moment))]
    found = [run for one in ways for run in runs(one, test_of(figure))]
    text = _compared(scene, figure, then, long_day(base_day))
    elsewhere = [run for run in found if not run.covers(moment, moment) and run.first.at < scene.end]
    if elsewhere:
        said = [f"{run.first.said} {run.series.counted} {_stretch(scene, run)}" for run in elsewhere]
        text += f" The lists had {listed(said)}."
    exact = [one.counted for one, step in then if step.value == figure.value]
    short = f"“{figure.phrase}” is the number of {listed(exact)} on {long_day(base_day)}"
    if not exact:
        near = listed([f"{step.said} {one.counted}" for one, step in then]) or "nothing recorded"
        short = f"“{figure.phrase}” is near {near} of {long_day(base_day)}"
    nearest = sorted(then, key=lambda item: abs(item[1].value - figure.value))
    return Answer(
        [run_json(scene, run) for run in found],
        [step_json(one, step, figure.value) for one, step in nearest],
        text,
        short,
    )


def _compared(scene: Scene, figure: Figure, then: Sequence[tuple[Series, Step]], day: str) -> str:
    if not then:
        return f"Nothing was recorded by {day} that “{figure.phrase}” could be."
    said = [f"{_apart(figure, step)} the {step.said} {one.counted}" for one, step in then]
    since = scene.day(then[0][1].at)
    text = f"{figure.value:,.0f} is {listed(said)} of the list that stood on {day} (so many since {since})."
    if any(step.value + 1 == figure.value for _, step in then):
        text += f" One more is {HEADER_ROW}."
    return text


def _apart(figure: Figure, step: Step) -> str:
    difference = int(figure.value) - step.value
    if difference == 0:
        return "exactly"
    return f"{abs(difference):,} {'more' if difference > 0 else 'fewer'} than"


def value_at(one: Series, moment: datetime) -> int | None:
    step = one.at(moment)
    return step.value if step else None


@dataclass(frozen=True, slots=True)
class Grown:
    """By how much a way of counting grew, and how the stated percentage follows from that, if it does."""

    series: Series
    base: int
    step: Step
    exact: Fraction
    fit: str

    def as_json(self) -> dict[str, Any]:
        told = {"base": self.base, "percent": float(round(self.exact, 2)), "fit": self.fit}
        return {**step_json(self.series, self.step), **told}


_NAMES = {"week": "week or seven days", "month": "month or thirty days", "day": "day"}


def answer_batch(scene: Scene, figure: Figure) -> Answer:
    """Count what came in over the period, in every way and over every stretch that may be meant."""
    test = test_of(figure)
    ways = _ways(scene, figure)
    since = figure.since.on(scene.as_of.year) if figure.since else None
    near = list(windows(figure.period, scene.as_of, scene.zone, scene.published, since))
    counted = [(way, window, way.count(window)) for way in ways for window in near]
    holds = _first_of_each([item for item in counted if test(item[2])])
    elsewhere: list[tuple[Way, Window, int]] = []
    if figure.period != "since" and figure.bound in ("exactly", "about", "nearly"):
        every = every_window(figure.period, *scene.days, scene.zone)
        elsewhere = [(way, window, way.count(window)) for window in every for way in ways]
        elsewhere = [item for item in elsewhere if test(item[2]) and not _among(item, holds)]
        elsewhere.sort(key=lambda item: abs((item[1].end - scene.end).total_seconds()))
    nearest = _nearest(counted, figure.value)
    held = {item[0].counted for item in holds}
    missed = [item for item in nearest if item[0].counted not in held]
    return Answer(
        [_window_json(item, True) for item in holds] + [_window_json(item, False) for item in elsewhere],
        [_window_json(item, True, figure.value) for item in missed],
        _batch_said(scene, figure, holds, missed, elsewhere),
        _batch_short(figure, holds, elsewhere),
    )


def _ways(scene: Scene, figure: Figure) -> list[Way]:
    if figure.pending == "only":
        return [way for way in scene.read_ways() if way.pending == "only"]
    return sorted(
        scene.read_ways(), key=lambda way: (figure.unit not in ("either", way.unit), way.pending != "")
    )


def _first_of_each(items: Sequence[tuple[Way, Window, int]]) -> list[tuple[Way, Window, int]]:
    first: dict[str, tuple[Way, Window, int]] = {}
    for item in items:
        first.setdefault(item[0].counted, item)
    return list(first.values())


def _among(item: tuple[Way, Window, int], holds: Sequence[tuple[Way, Window, int]]) -> bool:
    return any(item[0] is way and item[1] == window for way, window, _ in holds)


def _nearest(counted: Sequence[tuple[Way, Window, int]], value: float) -> list[tuple[Way, Window, int]]:
    """Of each way of counting, the stretch that comes nearest; then the nearest way first."""
    best: dict[str, tuple[Way, Window, int]] = {}
    for item in counted:
        known = best.get(item[0].counted)
        if known is None or abs(item[2] - value) < abs(known[2] - value):
            best[item[0].counted] = item
    return sorted(best.values(), key=lambda item: abs(item[2] - value))


def _window_json(item: tuple[Way, Window, int], as_of: bool, value: float | None = None) -> dict[str, Any]:
    way, window, count = item
    told: dict[str, Any] = {
        "counted": way.counted,
        "value": count,
        "said": f"{count:,}",
        "window": window.name,
        "since": iso(window.start),
        "until": iso(window.end),
        "as_of": as_of,
    }
    return told | ({"difference": count - int(value)} if value is not None else {})


def _batch_said(
    scene: Scene,
    figure: Figure,
    holds: Sequence[tuple[Way, Window, int]],
    missed: Sequence[tuple[Way, Window, int]],
    elsewhere: Sequence[tuple[Way, Window, int]],
) -> str:
    day = long_day(scene.as_of)
    if holds:
        text = f"“{figure.phrase}” holds for {listed([_counted(item) for item in holds])}."
    else:
        span = _NAMES.get(figure.period or "week", "stretch")
        text = f"“{figure.phrase}” fits no way of counting a {span} up to {day}."
    if missed:
        alone = [item for item in missed if not item[0].pending]
        text += f" Nearest otherwise: {listed([_counted(item) for item in missed[:3]])}."
        rest = [item for item in alone if item not in missed[:3]][:2]
        if rest:
            text += f" By the list alone: {listed([_counted(item) for item in rest])}."
    if elsewhere:
        text += f" At another time, {listed([_counted(item) for item in elsewhere[:3]])}."
    return text


def _counted(item: tuple[Way, Window, int]) -> str:
    way, window, count = item
    return f"{count:,} as {way.counted} {window.name}"


def _batch_short(
    figure: Figure,
    holds: Sequence[tuple[Way, Window, int]],
    elsewhere: Sequence[tuple[Way, Window, int]],
) -> str:
    if holds:
        way, window, _ = holds[0]
        along = all(item[0].pending == "with" for item in holds) and figure.pending != "with"
        only = "only with applications counted along: " if along else ""
        return f"“{figure.phrase}” holds {only or 'for '}{way.counted} {window.name}"
    if elsewhere:
        way, window, _ = elsewhere[0]
        return f"“{figure.phrase}” fits no count near that day, but {way.counted} {window.name}"
    return f"“{figure.phrase}” fits no count of any such stretch"


def answer_percent(scene: Scene, figure: Figure) -> Answer:
    """First the sentence's own arithmetic, to the digit; then the same growth by what was published."""
    base_day = (figure.since.on(scene.as_of.year) if figure.since else None) or scene.base_day
    text, follows = _arithmetic(figure)
    grown = _measured(scene, figure, scene.end_of(base_day))
    fitting = [one for one in grown if one.fit]
    if grown:
        said = [
            f"{one.series.counted} from {one.base:,} to {one.step.said}, {_as_said(figure, one.exact)}"
            for one in grown
        ]
        text += f" By the lists of {long_day(base_day)} and {long_day(scene.as_of)}: {'; '.join(said)}."
    if fitting:
        how = [f"{one.series.counted} ({one.fit})" for one in fitting]
        text += f" {_stated(figure)} holds for {listed(how)}."
        short = (
            f"“{figure.phrase}” {follows}, and holds for {listed([one.series.counted for one in fitting])}"
        )
    else:
        text += f" None of these is {_stated(figure)}." if grown else ""
        short = f"“{figure.phrase}” {follows}, and is the growth of no count to that day"
    text += _recently(scene, figure) + _reached(scene, figure, grown)
    return Answer(
        [one.as_json() for one in fitting],
        [one.as_json() for one in grown if not one.fit],
        text.strip(),
        short,
    )


def _stated(figure: Figure) -> str:
    return f"{figure.value:g} %" if figure.kind == "percent" else figure.phrase


def _fits(figure: Figure, exact: Fraction) -> str:
    return fit(_percent(figure), exact) if figure.kind == "percent" else fit(figure.value, exact / 100 + 1)


def _percent(figure: Figure) -> float:
    return -figure.value if figure.falling else figure.value


def _as_said(figure: Figure, exact: Fraction) -> str:
    return said(exact) if figure.kind == "percent" else f"{float(exact / 100 + 1):,.2f} times"


def _measured(scene: Scene, figure: Figure, moment: datetime) -> list[Grown]:
    """How much each way of counting grew from the baseline to the day of the claim."""
    own = {one.unit: one for one in scene.series if not one.pending and one.model is None}
    found = []
    for one in fitting_series(scene, Figure("count", 0, "")):
        base, step = value_at(one, moment), one.at(scene.end)
        if base is None and one.unit in own:
            base = value_at(own[one.unit], moment)  # no list of applications was recorded then
        exact = growth(base, step.value) if base is not None and step is not None else None
        if base is not None and step is not None and exact is not None:
            found.append(Grown(one, base, step, exact, _fits(figure, exact)))
    return found


def _arithmetic(figure: Figure) -> tuple[str, str]:
    """What the stated base and total give, and what they would have to be."""
    if not figure.base:
        return "The sentence does not say from what.", "names no base"
    base = int(figure.base)
    if not figure.total:
        return f"The sentence names {base:,} as the base and no total.", "names no total"
    total = int(figure.total)
    exact = growth(base, total)
    if exact is None:
        return "Nothing grows by a percentage from nothing.", "has no base"
    how = _fits(figure, exact)
    hedge = "" if figure.total_bound == "exactly" else f" ({figure.total_bound} {total:,} is said)"
    lead = f"From {base:,} to {total:,}{hedge} is {_as_said(figure, exact)}"
    if how == "rounded":
        text = f"{lead}, which rounds to {_stated(figure)}."
    elif how == "cut off":
        text = f"{lead}: {_stated(figure)} when the rest is cut off, not when it is rounded."
    else:
        text = f"{lead}, not {_stated(figure)}."
    if figure.kind == "percent":
        text += _implied(figure, base, total, how)
    follows = {"rounded": "follows", "cut off": "follows when cut off"}.get(how, "does not follow")
    return text, f"{follows} from {base:,} and {total:,}"


def _implied(figure: Figure, base: int, total: int, how: str) -> str:
    """Which totals the percentage leads to, and whether one row less would have given it."""
    percent = _percent(figure)
    possible = totals_that_round(percent, base)
    if possible is None:
        return f" No whole total is {figure.value:g} % above {base:,}, rounded."
    lowest, highest = possible
    span = f"{lowest:,}" if lowest == highest else f"{lowest:,} to {highest:,}"
    text = f" {figure.value:g} % from {base:,}, rounded, means a total of {span}."
    less = growth(base, total - 1)
    if less is None or figure.total_bound != "exactly" or fit(percent, less) != "rounded":
        return text
    one_less = f"{total - 1:,} ({said(less)})"
    if how == "rounded":
        return (
            f"{text} {one_less} would round to the same, so the percentage does not tell whether the total "
            f"counts one too many, {HEADER_ROW}."
        )
    return (
        f"{text} So the percentage fits {one_less}, and the total named beside it is one more, {HEADER_ROW}."
    )


def _reached(scene: Scene, figure: Figure, grown: Sequence[Grown]) -> str:
    """With which list the plain counts first grew so far."""
    if figure.falling:
        return ""
    needed = figure.value if figure.kind == "percent" else (figure.value - 1) * 100
    parts, never = [], []
    for one in grown:
        if one.exact >= needed or one.series.pending == "with":
            continue
        lowest = math.ceil(one.base * (1 + Fraction(str(needed)) / 100))
        later = [run for run in runs(one.series, _at_least(lowest)) if run.first.at >= scene.end]
        if later:
            first = later[0].first
            parts.append(
                f"{one.series.counted} with the list of {scene.day(first.at)} ({one.base:,} to {first.said})"
            )
        else:
            never.append(one.series.counted)
    text = f" Growth of {_stated(figure)} or more came later for {listed(parts)}." if parts else ""
    return text + (f" No recorded list has so much growth of {' or '.join(never)}." if never else "")


def _at_least(lowest: int) -> Callable[[int], bool]:
    return lambda count: count >= lowest


def _recently(scene: Scene, figure: Figure) -> str:
    """Which counts of the weeks before the day give the percentage with the base that the sentence names."""
    if not figure.base or figure.kind != "percent":
        return ""
    base = int(figure.base)
    found = []
    for one in fitting_series(scene, Figure("count", 0, "")):
        for step in one.steps:
            exact = growth(base, step.value)
            if scene.end - NEAR <= step.at < scene.end and exact and (how := fit(_percent(figure), exact)):
                found.append(f"{one.counted} of {scene.day(step.at)} ({step.said}, {said(exact)}, {how})")
    return f" With {base:,} as the base it holds for {listed(found)}." if found else ""
