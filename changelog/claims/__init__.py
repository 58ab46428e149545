"""Holds a public statement's figures against what was published, and says what was counted.

Nothing here is true or false by itself: each figure is answered with the publications at which it holds, the
nearest figures otherwise, and the way they were counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection

from changelog.claims.answers import answer_base, answer_batch, answer_count, answer_percent
from changelog.claims.grammar import Claim, Figure, read_claim
from changelog.claims.places import answer_places, place_figures
from changelog.claims.scene import Answer, Scene, read_scene, standing
from changelog.wording import long_day
from pipelines.registers import Registers, registers
from scraper.lists import PublishedList


def check_claim(
    connection: Connection,
    lists: Mapping[str, PublishedList],
    text: str,
    as_of: date | None = None,
    list_name: str | None = None,
    known: Registers | None = None,
) -> dict[str, Any]:
    """Answer a claim, as JSON. It speaks of `as_of`, else of the day that it names, else of the newest list.

    Raises UsageError when nothing is recorded.
    """
    of_places, rest = place_figures(text)
    claim = read_claim(text)
    scene = read_scene(connection, lists, list_name, as_of or claim.as_of)
    placed: list[dict[str, Any]] = []
    if of_places and scene.declaration.has_places:
        claim = read_claim(rest)
        placed = answer_places(connection, scene.declaration, of_places, scene.end, known or registers())
    answered = [(figure, _answer(scene, figure)) for figure in claim.figures]
    return {
        "text": text,
        "as_of": scene.as_of.isoformat(),
        "list": scene.declaration.name,
        "standing": standing(scene),
        "figures": [*placed, *(_figure_json(scene, figure, answer) for figure, answer in answered)],
        "unread": list(claim.unread),
        "summary": _summary(scene, claim, [answer.short for _, answer in answered], placed),
    }


def _answer(scene: Scene, figure: Figure) -> Answer:
    match figure.kind:
        case "batch":
            return answer_batch(scene, figure)
        case "base":
            return answer_base(scene, figure)
        case "percent" | "multiple":
            return answer_percent(scene, figure)
        case _:
            return answer_count(scene, figure)


def _verdict(scene: Scene, figure: Figure, answer: Answer) -> str:
    """In a few words, what is to be said first."""
    applied = scene.pending_declaration.wording.nouns if scene.pending_declaration else None
    then = [one for one in answer.holds if one.get("as_of")]
    plain = [one for one in then if not applied or applied not in one["counted"]]
    if plain:
        return f"True as: {'; '.join(_counted(one) for one in plain[:2])}."
    one_more = [one for one in answer.nearest if one.get("difference") == -1]
    if one_more and figure.kind in ("count", "total", "base"):
        return f"One more than the list: {one_more[0]['said']} {one_more[0]['counted']}, as when its header is counted."
    if then:
        return f"Only if pending {applied} are counted along."
    if answer.holds:
        return f"Not on {long_day(scene.as_of)}; true at another time."
    return "Not by any count."


def _counted(one: Mapping[str, Any]) -> str:
    return (
        f"{one['counted']}, {one['window'].split(' (')[0].removeprefix('in ')}"
        if "window" in one
        else one["counted"]
    )


def _figure_json(scene: Scene, figure: Figure, answer: Answer) -> dict[str, Any]:
    value = int(figure.value) if figure.value == int(figure.value) else figure.value
    return {
        "phrase": figure.phrase,
        "kind": figure.kind,
        "value": value,
        "bound": figure.bound,
        "unit": figure.unit,
        "verdict": _verdict(scene, figure, answer),
        "holds": list(answer.holds),
        "nearest": list(answer.nearest),
        "answer": answer.text,
    }


def _summary(scene: Scene, claim: Claim, shorts: list[str], placed: Sequence[Mapping[str, Any]]) -> str:
    shorts = [*(one["answer"].split(". ")[0] for one in placed), *shorts]
    if not shorts:
        return f"No figure that can be held against the lists was found in this text. {standing(scene)}"
    said = ". ".join(shorts)
    unread = f" Not read: {', '.join(claim.unread)}." if claim.unread else ""
    return f"{standing(scene)} {said}.{unread}"
