"""A receiver of webhooks on loopback, with moods."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest

HANGS, RESETS = -1, -2


@dataclass
class Received:
    """One request: `answered` is the status, or HANGS or RESETS."""

    path: str
    headers: dict[str, str]
    body: bytes
    answered: int

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


@dataclass
class Receiver:
    """`moods` are the next answers; 200 when there are none left."""

    url: str = ""
    moods: list[int] = field(default_factory=list)
    got: list[Received] = field(default_factory=list)
    end: Event = field(default_factory=Event)

    @property
    def taken(self) -> list[dict[str, Any]]:
        """What was received and acknowledged, in order."""
        return [one.json for one in self.got if one.answered == 200 and one.body]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    state = Receiver()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            mood = state.moods.pop(0) if state.moods else 200
            state.got.append(Received(self.path, dict(self.headers), body, mood))
            if mood == HANGS:
                state.end.wait(5)
                return
            if mood == RESETS:
                self.connection.close()
                return
            self.send_response(mood)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815 - as http.server names it

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

        def handle(self) -> None:
            try:
                super().handle()
            except (OSError, ValueError):
                return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield state
    state.end.set()
    server.shutdown()
    thread.join()
    server.server_close()
