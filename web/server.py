"""The server: whose word on a client's address is believed, and how long a request may take to arrive."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any, ClassVar

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from scraper.errors import UsageError

ARRIVE_SECONDS = 20.0
HALF_SENT = 500


class TimelyRequests(H11Protocol):
    """Closes connections on which a request has not arrived whole in time, and the oldest when there are too many.

    Uvicorn has a limit for silence between requests, and none for a request that trickles in.
    """

    seconds: ClassVar[float] = ARRIVE_SECONDS
    most: ClassVar[int] = HALF_SENT
    half_sent: ClassVar[dict[TimelyRequests, asyncio.TimerHandle]] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._arrived()
        elif self not in self.half_sent:
            if len(self.half_sent) >= self.most:
                next(iter(self.half_sent)).transport.abort()
            self.half_sent[self] = self.loop.call_later(self.seconds, self.transport.abort)

    def _arrived(self) -> None:
        timer = self.half_sent.pop(self, None)
        if timer is not None:
            timer.cancel()


def configured(
    app: FastAPI, proxies: Sequence[str], protocol: type[H11Protocol] = TimelyRequests
) -> uvicorn.Config:
    """Only `proxies` (addresses or networks) may say on whose behalf they ask, and by which scheme."""
    options: dict[str, Any] = {"proxy_headers": bool(proxies), "forwarded_allow_ips": list(proxies)}
    return uvicorn.Config(
        app, http=protocol, log_level="warning", server_header=False, timeout_graceful_shutdown=5, **options
    )


def listening(host: str, port: int) -> socket.socket:
    """A socket at this address. Raises UsageError when it is taken or none of this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as refusal:
        raise UsageError(f"Cannot listen at {host}, port {port}: {refusal.strerror}.") from None
