"""Who may act: the token, the cookie that stands for it, and a limit on guessing."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path

from scraper.storage import storing

COOKIE = "countersign"
LASTS_SECONDS = 30 * 86_400
TRIES = 5
TRIES_WITHIN_SECONDS = 300.0
_REMEMBERED = 2_000


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever holds the token, by the name they gave."""

    name: str


@dataclass(slots=True)
class Keys:
    """`token` is None when nobody may act. A cookie is signed with it, so a new token ends every session."""

    token: str | None
    _tries: dict[str, deque[float]] = field(default_factory=dict)

    def fits(self, offered: str) -> bool:
        if self.token is None:
            return False
        return hmac.compare_digest(_digest(self.token), _digest(offered))

    def cookie(self, name: str) -> str:
        until = str(int(time.time()) + LASTS_SECONDS)
        named = base64.urlsafe_b64encode(name.encode()).decode()
        return f"{until}.{named}.{self._signature(until, named)}"

    def person(self, cookie: str | None) -> Person | None:
        """Whom the cookie stands for; None when it is missing, old or forged."""
        if not cookie or self.token is None or cookie.count(".") != 2 or not cookie.isascii():
            return None
        until, named, signature = cookie.split(".")
        if not hmac.compare_digest(signature, self._signature(until, named)):
            return None
        try:
            return Person(base64.urlsafe_b64decode(named).decode()) if int(until) > time.time() else None
        except (ValueError, binascii.Error):
            return None

    def _signature(self, until: str, named: str) -> str:
        key = hashlib.sha256(b"countersign session " + (self.token or "").encode()).digest()
        return hmac.new(key, f"{until}.{named}".encode(), "sha256").hexdigest()

    def wait(self, address: str) -> int:
        """Seconds until this address may try again; 0 when it may."""
        tries = self._recent(address)
        if len(tries) < TRIES:
            return 0
        return max(1, int(tries[0] + TRIES_WITHIN_SECONDS - time.monotonic()) + 1)

    def failed(self, address: str) -> None:
        self._recent(address).append(time.monotonic())

    def _recent(self, address: str) -> deque[float]:
        if len(self._tries) > _REMEMBERED:
            self._tries.clear()
        tries = self._tries.setdefault(_neighbourhood(address), deque(maxlen=TRIES))
        while tries and tries[0] < time.monotonic() - TRIES_WITHIN_SECONDS:
            tries.popleft()
        return tries


def _digest(text: str) -> bytes:
    # Of equal length whatever was offered, so that the comparison takes equally long.
    return hashlib.sha256(text.encode()).digest()


def _neighbourhood(address: str) -> str:
    """An IPv6 client owns a whole /64 and must not get a new set of tries with each address of it."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    return str(ip_network(f"{ip}/64", strict=False)) if ip.version == 6 else str(ip)


def token_of_home(home: Path) -> tuple[str, bool]:
    """The token that was made for this home at the first start, for its owner alone; and whether that was now."""
    place = home / "token"
    with storing(place):
        try:
            number = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return place.read_text(encoding="ascii").strip(), False
        with os.fdopen(number, "w", encoding="ascii") as file:
            token = secrets.token_urlsafe(24)
            file.write(f"{token}\n")
    return token, True


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
