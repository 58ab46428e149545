"""What was asked of an archive before, read from our own journal: nothing is fetched twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from scraper.archive import Archive
from scraper.capture import Capture

KIND = "backfill"


@dataclass(frozen=True, slots=True)
class Brought:
    """One capture as it was brought home: the hash of its body, None when the archive has it no more.

    `timestamp` and `url` are those at which the archive really had it, after its redirects.
    """

    timestamp: str
    url: str
    sha256: str | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Memory:
    """What earlier runs brought, read from the journal, so that nothing is asked for twice."""

    def __init__(self, archive: Archive, now: Callable[[], datetime]) -> None:
        self._archive = archive
        self._now = now
        self._brought: dict[tuple[str, str], Brought] = {}
        self._bodies: dict[str, str] = {}
        self._answers: dict[str, str] = {}
        self._leads: dict[tuple[str, str], tuple[str, str]] = {}
        self._captures: set[tuple[str, str, str]] = set()
        for entry in archive.entries():
            if entry["kind"] == KIND:
                self._learn(entry)
            elif entry["kind"] == "capture" and entry.get("sha256"):
                self._captures.add((entry["list"], entry["sha256"], entry["captured_at"]))

    def _learn(self, entry: Mapping[str, Any]) -> None:
        if "question" in entry:
            self._answers[entry["question"]] = entry["sha256"]
            return
        if "leads_to" in entry:
            self._leads[entry["timestamp"], entry["url"]] = (entry["leads_to"][0], entry["leads_to"][1])
            return
        brought = Brought(
            entry["timestamp"],
            entry["url"],
            entry.get("sha256"),
            entry.get("status", 200),
            entry.get("headers", {}),
        )
        self._brought[entry.get("asked", entry["timestamp"]), entry.get("asked_url", entry["url"])] = brought
        self._brought[brought.timestamp, brought.url] = brought
        if entry.get("digest") and brought.sha256:
            self._bodies[entry["digest"]] = brought.sha256

    def answer(self, question: str) -> bytes | None:
        """What the index answered to the same question before."""
        sha256 = self._answers.get(question)
        return self._archive.read(sha256) if sha256 else None

    def keep_answer(self, question: str, body: bytes) -> None:
        sha256 = self._archive.put(body)
        self._learn(self._archive.append(KIND, self._now(), question=question, sha256=sha256))

    def brought(self, timestamp: str, url: str) -> Brought | None:
        return self._brought.get((timestamp, url))

    def leads_to(self, timestamp: str, url: str) -> tuple[str, str] | None:
        """Where the archive redirected from a capture."""
        return self._leads.get((timestamp, url))

    def keep_redirect(self, timestamp: str, url: str, target: tuple[str, str]) -> None:
        told = {"timestamp": timestamp, "url": url, "leads_to": list(target)}
        self._learn(self._archive.append(KIND, self._now(), **told))

    def body_of(self, digest: str) -> str | None:
        """The hash of a body that was brought home from another capture."""
        return self._bodies.get(digest)

    def keep(self, brought: Brought, asked: str, asked_url: str, digest: str) -> None:
        told: dict[str, Any] = {
            "timestamp": brought.timestamp, "url": brought.url, "status": brought.status, "digest": digest,
            "headers": dict(brought.headers), "sha256": brought.sha256,
            "asked": asked if asked != brought.timestamp else None,
            "asked_url": asked_url if asked_url != brought.url else None,
        }  # fmt: skip
        kept = {name: value for name, value in told.items() if value not in (None, "", {})}
        self._learn(self._archive.append(KIND, self._now(), **kept))

    def keep_capture(self, capture: Capture) -> bool:
        """A list's capture into the journal, unless it is there; says whether it was new."""
        told = (capture.list, capture.sha256 or "", str(capture.as_json()["captured_at"]))
        if told in self._captures:
            return False
        self._archive.keep(capture, self._now())
        self._captures.add(told)
        return True
