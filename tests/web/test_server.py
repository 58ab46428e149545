"""The server as it listens: requests that trickle in, proxies that are named and that are not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request

from scraper.errors import UsageError
from scraper.settings import get_settings
from web.server import TimelyRequests, configured, listening

SECONDS = 0.3


class _Quick(TimelyRequests):
    seconds = SECONDS
    half_sent = {}  # noqa: RUF012


class _Few(TimelyRequests):
    most = 3
    half_sent = {}  # noqa: RUF012


def _app() -> FastAPI:
    app = FastAPI()

    @app.get("/who")
    def who(request: Request) -> str:
        return f"{request.url.scheme} {request.client.host if request.client else ''}"

    @app.post("/body")
    async def body(request: Request) -> int:
        return len(await request.body())

    return app


@contextmanager
def served(protocol: type[TimelyRequests] = TimelyRequests, proxies: Sequence[str] = ()) -> Iterator[int]:
    server = uvicorn.Server(configured(_app(), proxies, protocol))
    with listening("127.0.0.1", 0) as at:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [at]})
        thread.start()
        try:
            yield at.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def _ended(connection: socket.socket) -> bool:
    """Whether the other side closes it, within the patience of this socket."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /who HT", b"GET /who HTTP/1.1\r\nHost: x\r\nX-A: b\r\n",
     b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"],
    ids=["nothing", "half a line", "half a head", "half a body"],
)  # fmt: skip
def test_a_request_that_never_arrives_whole_is_ended(sent: bytes) -> None:
    with served(_Quick) as port, socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(sent)
        assert _ended(connection)


def test_a_request_that_trickles_in_is_ended_all_the_same() -> None:
    with (
        served(_Quick) as port,
        socket.create_connection(("127.0.0.1", port), timeout=SECONDS / 6) as connection,
    ):
        for _ in range(200):
            try:
                connection.sendall(b"a")
                if connection.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                break
        else:
            pytest.fail("it may trickle for ever")


def test_the_second_request_of_a_connection_is_timed_too() -> None:
    with served(_Quick) as port, socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n")
        while b"127.0.0.1" not in connection.recv(4096):
            pass
        connection.sendall(b"GET /who HTTP/1.1\r\nHo")
        assert _ended(connection)


def test_too_many_half_sent_requests_end_the_oldest_and_stop_nobody() -> None:
    with served(_Few) as port:
        held = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(5)]
        try:
            for connection in held:
                connection.sendall(b"GET /who HTTP/1.1\r\n")
            assert _ended(held[0])
            assert httpx.get(f"http://127.0.0.1:{port}/who", trust_env=False).status_code == 200
        finally:
            for connection in held:
                connection.close()


@pytest.mark.parametrize(
    ("proxies", "told"),
    [((), "http 127.0.0.1"), (("192.0.2.7",), "http 127.0.0.1"), (("127.0.0.0/8",), "https 198.51.100.9")],
)
def test_only_a_proxy_that_is_named_says_for_whom_it_asks(
    proxies: Sequence[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    headers = {"X-Forwarded-For": "198.51.100.9", "X-Forwarded-Proto": "https"}
    with served(proxies=proxies) as port:
        answer = httpx.get(f"http://127.0.0.1:{port}/who", headers=headers, trust_env=False)
    assert answer.json() == told


def test_proxies_are_addresses_or_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8")
    assert get_settings().trusted_proxies == ("127.0.0.1/32", "10.0.0.0/8")
    monkeypatch.setenv("COUNTERSIGN_TRUSTED_PROXIES", "everybody")
    with pytest.raises(UsageError, match="COUNTERSIGN_TRUSTED_PROXIES must be addresses or networks"):
        get_settings()


def test_a_port_that_is_taken_is_told() -> None:
    with listening("127.0.0.1", 0) as at, pytest.raises(UsageError, match="Address already in use"):
        listening("127.0.0.1", at.getsockname()[1])
