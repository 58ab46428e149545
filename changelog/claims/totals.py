"""Answers about how many there are: counts, totals, and the base that growth is said to start from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from changelog.claims.counts import Run, Series, Step, runs
from changelog.claims.grammar import Figure
from changelog.claims.scene import (
    HEADER_ROW,
    NEAR,
    Answer,
    Scene,
    counts,
    first_up,
    fitting_series,
    listed,
    run_json,
    step_json,
)
from changelog.wording import long_day

CLOSE = 0.05  # "nearly" and "about" reach so far
UPWARD = ("more than", "at least")


def test_of(figure: Figure) -> Callable[[int], bool]:
    """Whether a counted value is what the figure says, by its own words."""
    said = figure.value
    match figure.bound:
        case "more than":
            return lambda value: value > said
        case "at least":
            return lambda value: value >= said
        case "fewer than":
            return lambda value: value < said
        case "at most":
            return lambda value: value <= said
        case "nearly":
            return lambda value: said * (1 - CLOSE) <= value <= said
        case "about":
            return lambda value: abs(value - said) <= max(1, said * CLOSE)
        case _:
            return lambda value: value == said


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
