"""What the derivation hands to the writer, and the ids that are the same whenever they are derived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from pipelines.fingerprints import Packed
from pipelines.values import Agreement, Change, Figures, Finding, Publication


@dataclass(frozen=True, slots=True)
class Result:
    """What one publication is found to be, and everything that is to be written for it.

    `opened` are the intervals that begin with it, as (id, agreement id, agency id, fingerprint, agreement);
    `closed` are the ids of the intervals that end with it. `rows_moved` says that some row stands in another
    place of the sheet than in the list before.
    """

    publication: Publication
    state: str
    previous_sha256: str | None = None
    figures: Figures | None = None
    changes: Sequence[Change] = ()
    newly_signed: Sequence[bool | None] = ()
    new_agency: Sequence[bool | None] = ()
    opened: Sequence[tuple[int, str, str, int, Agreement]] = ()
    closed: Sequence[int] = ()
    packed: Packed | None = None
    rows_moved: bool = True
    content: str | None = None
    findings: Sequence[Finding] = ()
    reasons: Sequence[Finding] = ()
    parser: int = 0
    known_since: datetime | None = None

    def counts(self) -> dict[str, int]:
        """How many changes there are of each kind; kinds without any are left out."""
        counted: dict[str, int] = {}
        for change in self.changes:
            counted[change.kind] = counted.get(change.kind, 0) + 1
        return counted


def publication_key(publication: Publication) -> str:
    """Ten letters that name a publication for good, whatever is found before or after it."""
    text = f"{publication.list}|{publication.sha256}|{publication.published_at.isoformat()}"
    return blake2b(text.encode(), digest_size=5).hexdigest()


def interval_id(list_name: str, agreement_id: str, place: str) -> int:
    """The same number whenever and wherever it is derived: 63 bits, so that both databases keep it."""
    digest = blake2b(f"{list_name}|{agreement_id}|{place}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
