"""The client of the Wayback Machine's index, and its politeness."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Self
from urllib.parse import urlencode

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from scraper.errors import RefusedError, TooLargeError, UnreachableError, UnreadableError

FIELDS = ("timestamp", "original", "statuscode", "mimetype", "digest")
AT_ONCE = 5_000
_STAMP = re.compile(r"\d{14}")
_HOPEFUL = re.compile(r"2\d\d|3\d\d|-")  # "-" is a capture that is the same as an earlier one


@dataclass(frozen=True, slots=True, order=True)
class Indexed:
    """One capture as the index has it. `digest` is that of its body: equal ones need be fetched once."""

    timestamp: str
    original: str
    status: str = "200"
    digest: str = ""

    @property
    def captured_at(self) -> datetime:
        return moment(self.timestamp)


def moment(timestamp: str) -> datetime:
    """UTC, of the Wayback Machine's timestamp (20250512174040)."""
    return datetime.strptime(timestamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def question(base: str, url: str, since: date, until: date, after: str = "") -> str:
    """The address to ask; `after` is the key with which the archive ended its last answer."""
    asked = {
        "url": url,
        "output": "json",
        "fl": ",".join(FIELDS),
        "from": f"{since:%Y%m%d}",
        "to": f"{until:%Y%m%d}",
        "limit": str(AT_ONCE),
        "showResumeKey": "true",
    }
    return f"{base}/cdx/search/cdx?{urlencode(asked | ({'resumeKey': after} if after else {}))}"


def answer(body: bytes) -> tuple[list[Indexed], str]:
    """The captures of one answer, and the key to go on with ("" when that was all)."""
    if not body.strip():
        return [], ""
    try:
        rows = json.loads(body)
        resume = rows[-1][0] if len(rows) > 1 and len(rows[-1]) == 1 else ""
        named = [dict(zip(rows[0], row, strict=False)) for row in rows[1:] if len(row) == len(rows[0])]
    except (ValueError, TypeError, IndexError, KeyError) as error:
        raise UnreadableError("The archive's index cannot be read. Try again later.") from error
    return [
        Indexed(
            row["timestamp"], row["original"], str(row.get("statuscode", "-")), str(row.get("digest", ""))
        )
        for row in named
        if _STAMP.fullmatch(str(row.get("timestamp"))) and row.get("original")
    ], str(resume)


def worth_asking(found: Iterable[Indexed]) -> Iterator[Indexed]:
    """In order of time and once each; of a run of the same body the first."""
    last = ""
    for one in sorted(set(found)):
        if not _HOPEFUL.fullmatch(one.status) or (one.digest and one.digest == last):
            continue
        last = one.digest
        yield one


_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 522, 524})
_LONGEST_ASKED = 3_600.0


@dataclass(frozen=True, slots=True)
class Manners:
    """Seconds between two requests, the first and the longest wait after a refusal, and how many tries."""

    delay_seconds: float = 2.0
    first_wait: float = 30.0
    longest_wait: float = 600.0
    tries: int = 9
    timeout_seconds: float = 120.0
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: httpx.Headers
    body: bytes


class _BusyError(Exception):
    """The archive, or the way to it, has trouble of the kind that passes."""

    def __init__(self, why: str, asked: float = 0.0) -> None:
        super().__init__(why)
        self.asked = asked


@dataclass
class Visitor:
    """Asks one archive. `requests` counts what was asked, retries included. Redirects are not followed."""

    base: str
    user_agent: str
    manners: Manners = field(default_factory=Manners)
    requests: int = 0

    def __enter__(self) -> Self:
        self._client = httpx.Client(
            headers={"User-Agent": self.user_agent, "Accept-Encoding": "gzip"},
            timeout=self.manners.timeout_seconds,
            follow_redirects=False,
            trust_env=False,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def ask(self, url: str, most_bytes: int) -> Answer:
        """One answer, whatever its status. Raises UnreachableError when patience has an end."""
        if not url.startswith(f"{self.base}/"):
            raise RefusedError(f"{url[:200]} is not at the archive {self.base}, so it was not asked.")
        again = Retrying(
            retry=retry_if_exception_type(_BusyError),
            stop=stop_after_attempt(self.manners.tries),
            wait=self._wait,
            sleep=self.manners.sleep,
            reraise=True,
        )
        try:
            return again(self._once, url, most_bytes)
        except _BusyError as busy:
            raise UnreachableError(
                f"The archive {self.base} has no answer for us now ({busy}). What was fetched is kept; give "
                "the same command again later, and it goes on from here."
            ) from busy

    def _once(self, url: str, most_bytes: int) -> Answer:
        if self.requests:
            self.manners.sleep(self.manners.delay_seconds)
        self.requests += 1
        try:
            with self._client.stream("GET", url) as response:
                if response.status_code in _BUSY:
                    why = f"status {response.status_code}"
                    raise _BusyError(why, _asked(response.headers.get("retry-after")))
                body = b"".join(self._limited(response, most_bytes))
                return Answer(response.status_code, response.headers, body)
        except httpx.HTTPError as error:
            raise _BusyError(f"{type(error).__name__}: {error}") from error

    @staticmethod
    def _limited(response: httpx.Response, most_bytes: int) -> list[bytes]:
        pieces, size = [], 0
        for piece in response.iter_bytes():
            pieces.append(piece)
            size += len(piece)
            if size > most_bytes:
                raise TooLargeError(f"{response.url} has more than {most_bytes:,} bytes.")
        return pieces

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.asked if isinstance(error, _BusyError) else 0.0
        doubled = self.manners.first_wait * 2.0 ** (state.attempt_number - 1)
        return max(asked, min(doubled, self.manners.longest_wait))


def _asked(retry_after: str | None) -> float:
    """Seconds that the archive asks us to wait; a date is taken from its own clock's distance to ours."""
    if not retry_after:
        return 0.0
    if retry_after.strip().isdigit():
        return min(float(retry_after), _LONGEST_ASKED)
    try:
        until = parsedate_to_datetime(retry_after).timestamp()
    except (ValueError, TypeError):
        return 0.0
    return min(max(until - time.time(), 0.0), _LONGEST_ASKED)
