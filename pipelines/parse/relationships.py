"""Which other parts and addresses a part of a package refers to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.parse.attributes import columns_of
from pipelines.parse.limits import Limits
from pipelines.parse.markup import feed, local, make_parser, walk
from pipelines.parse.package import Package
from pipelines.parse.pieces import Repeated, read_pieces
from scraper.errors import UnreadableError

REPEATED = Repeated(re.compile(rb"<Relationships\b[^>]*>"), b"/>", b"</Relationships")


@dataclass(frozen=True, slots=True)
class Relationship:
    """`kind` is the last word of its type; `target` is as written: a part, or an address when `external`."""

    kind: str
    target: str
    external: bool


def _part(source: str) -> str:
    folder, _, name = source.rpartition("/")
    return f"{folder}/_rels/{name}.rels".lstrip("/")


def read_relationships(package: Package, source: str) -> dict[str, Relationship]:
    """By id. A part without relationships has none; they are followed one step, so a circle does no harm."""
    found: dict[str, Relationship] = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        if local(tag) == "Relationship":
            found[attributes.get("Id", "")] = Relationship(
                attributes.get("Type", "").rpartition("/")[2],
                attributes.get("Target", ""),
                attributes.get("TargetMode") == "External",
            )

    part = _part(source)
    if part in package:
        walk(package.blocks(part), part, start)
    return found


def read_targets(package: Package, source: str, limits: Limits) -> dict[str, str]:
    """Only the targets, by id: a sheet may have tens of thousands."""
    part = _part(source)
    if part not in package:
        return {}
    pairs: list[tuple[str, str]] = []
    parser = make_parser(part)

    def start(tag: str, attributes: dict[str, str]) -> None:
        if local(tag) == "Relationship":
            pairs.append((attributes.get("Id", ""), attributes.get("Target", "")))

    def slow(piece: bytes, final: bool) -> list[tuple[str, str]]:
        feed(parser, piece, part, final)
        made = pairs[:]
        pairs.clear()
        return made

    def quick(text: str) -> list[tuple[str, str]] | None:
        columns = columns_of(text, "Relationship")
        if columns is None or not {"Id", "Target"} <= columns.keys():
            return None
        return list(zip(columns["Id"], columns["Target"], strict=True))

    parser.StartElementHandler = start
    targets: dict[str, str] = {}
    for batch in read_pieces(package.blocks(part), REPEATED, slow, quick):
        targets.update(batch)
        if len(targets) > limits.max_links:
            raise UnreadableError(f"The sheet has more than {limits.max_links:,} links.")
    return targets
