"""Fifty readers at once while lists are taken in: no error page, and nobody meets a locked database."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from demo.made import Week
from pipelines.installation import Installation
from tests.pipelines.conftest import History, files_of, history, new_history, published
from web.app import create_app

__all__ = ["history", "new_history", "published"]
READERS = 50
PATHS = ("/", "/changes", "/changes?kind=added", "/agencies", "/states", "/lists", "/runs", "/api/v1/changes")


@contextmanager
def serving(installation: Installation) -> Iterator[int]:
    config = uvicorn.Config(
        create_app(installation), host="127.0.0.1", port=0, log_level="critical", lifespan="on"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.02)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.long
def test_fifty_readers_and_a_replay(history: History, published: list[Week]) -> None:
    files = files_of(published)
    history.feed(files[:4])
    statuses: Counter[int] = Counter()
    wrong: list[str] = []
    over = threading.Event()

    def read(port: int, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        turn = number
        while not over.is_set():
            path = PATHS[turn % len(PATHS)]
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            statuses[answer.status] += 1
            if answer.status >= 400 or b"database is locked" in body:
                wrong.append(f"{path}: {answer.status} {body[:200]!r}")
            turn += 1
        connection.close()

    with serving(history.installation) as port:
        readers = [threading.Thread(target=read, args=(port, number)) for number in range(READERS)]
        for reader in readers:
            reader.start()
        try:
            for start in range(4, len(files), 2):
                history.feed(files[start : start + 2])
        finally:
            over.set()
            for reader in readers:
                reader.join()
    assert wrong == []
    assert statuses[200] > READERS
    assert history.states("participating").count("recorded") == len(published) - 1
    print(f"\n{READERS} readers during a replay: {dict(statuses)} answers")  # noqa: T201
