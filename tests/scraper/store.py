"""A store that speaks S3, on loopback: moto's server, one request at a time, that can be cut off."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from threading import Lock, Thread
from typing import Any

import httpx
import obstore
import pytest
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from obstore.store import S3Store
from werkzeug.serving import make_server

_NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    key: str  # within the bucket; a listing's is empty


class Store:
    """`asked` holds what was asked for since the last `forget()`. `cut` is told of every request and says
    whether the line goes dead "before" it is done or "after" (so that only the answer is lost)."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.cut: Callable[[Asked], str | None] = lambda _asked: None
        self.careless = False  # writes over what is there
        self._s3 = DomainDispatcherApplication(create_backend_app)
        # moto looks for an object and then creates it; a store does both at once.
        self._lock = Lock()
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.bucket = ""

    def new_bucket(self) -> str:
        self.bucket = f"bucket-{next(_NUMBERS)}"
        self.cut = lambda _asked: None
        self.careless = False
        httpx.put(f"{self.endpoint}/{self.bucket}").raise_for_status()
        self._client = S3Store(
            self.bucket,
            prefix="some/prefix",
            endpoint=self.endpoint,
            access_key_id="somebody",
            secret_access_key="something",  # noqa: S106 - there is nobody to keep it from
            client_options={"allow_http": True},
        )
        self.forget()
        return f"s3://{self.bucket}/some/prefix"

    def get(self, key: str) -> bytes:
        return bytes(obstore.get(self._client, key).bytes())

    def put(self, key: str, body: bytes) -> None:
        obstore.put(self._client, key, body)

    def delete(self, key: str) -> None:
        obstore.delete(self._client, key)

    def keys(self, folder: str) -> list[str]:
        return sorted(item["path"] for item in obstore.list(self._client, folder or None).collect())

    def forget(self) -> None:
        self.asked.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        key = environ["PATH_INFO"].partition(f"/{self.bucket}")[2].removeprefix("/some/prefix/").strip("/")
        asked = Asked(environ["REQUEST_METHOD"], key)
        self.asked.append(asked)
        when = self.cut(asked)
        if when == "before":
            return self._hang_up(environ, start)
        if self.careless:
            environ.pop("HTTP_IF_NONE_MATCH", None)
        with self._lock:
            answer = list(self._s3(environ, (lambda *_: None) if when else start))
        return self._hang_up(environ, start) if when else answer

    @staticmethod
    def _hang_up(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        start("503 Service Unavailable", [])
        return []


class _Quiet(MotoRequestHandler):
    def log(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def running() -> Iterator[Store]:
    store = Store()
    yield store
    store.close()


@pytest.fixture
def store(running: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty bucket, and the variables by which it is found."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", running.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "something")
    monkeypatch.setenv("COUNTERSIGN_ARCHIVE_URL", running.new_bucket())
    return running
