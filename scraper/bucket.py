"""Objects in a bucket, each created once. What the store refuses is said in a sentence with advice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import IO

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from scraper.errors import ArchiveError

TRIAL = "created-once.txt"
PAGE = 1000  # objects that one request for a listing tells of
_CHUNK = 1_048_576
_CREDENTIALS = (
    "the credentials are not accepted. See AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the bucket's policy"
)
_NO_BUCKET = "there is no such bucket. Create it, or correct COUNTERSIGN_ARCHIVE_URL"


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing tells of it. `tag` is the MD5 of its bytes in most stores, anything in others."""

    key: str
    tag: str


class Bucket:
    """`url` is s3://bucket/prefix; endpoint, region and credentials come from the usual AWS_ variables, which
    the library reads by itself."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._store = S3Store.from_url(
            self.url,
            # Plain HTTP is asked for by an AWS_ENDPOINT_URL that says http://, and by nothing else.
            client_options={"allow_http": True, "connect_timeout": "5s", "timeout": "300s"},
            retry_config={
                "max_retries": 3,
                "retry_timeout": timedelta(seconds=30),
                "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2)},
            },
        )

    def create(self, key: str, body: bytes) -> bool:
        """Write an object; False when there is one of that name already, which is left as it is."""
        with self._asking(key):
            try:
                obstore.put(self._store, key, body, mode="create")
            except AlreadyExistsError:
                return False
            except FileNotFoundError as missing:
                raise ArchiveError(f"{self.url}: {_NO_BUCKET}.") from missing
        return True

    def must_create_once(self) -> None:
        """Raises ArchiveError when this store writes over objects that are there, in spite of `create`."""
        self.create(
            TRIAL, b"Tried before the first entry: an object is created once and never written over.\n"
        )
        if self.create(TRIAL, b"This store wrote over an object, which it was asked not to.\n"):
            raise ArchiveError(
                f"{self.url}: this store writes over objects that are there (it ignores If-None-Match), so that "
                "entries of several machines would be lost. Use another store, or a newer release of it."
            )

    def has(self, key: str) -> bool:
        with self._asking(key):
            try:
                obstore.head(self._store, key)
            except FileNotFoundError:
                return False
        return True

    def read(self, key: str) -> bytes | None:
        """The object's bytes; None when there is none."""
        with self._asking(key):
            try:
                return bytes(obstore.get(self._store, key).bytes())
            except FileNotFoundError:
                return None

    def copy(self, key: str, file: IO[bytes]) -> bool:
        """Write the object's bytes to a file, piece by piece; False when there is none."""
        with self._asking(key):
            try:
                pieces = iter(obstore.get(self._store, key).stream(_CHUNK))
            except FileNotFoundError:
                return False
        while True:
            with self._asking(key):
                piece = next(pieces, None)
            if piece is None:
                return True
            file.write(piece)

    def pages(self, folder: str = "", after: str = "") -> Iterator[list[Listed]]:
        """The objects of a folder whose names come `after`, in order of name: one request for each PAGE."""
        start = f"{folder}/{after}" if after else None
        with self._asking(folder):
            listing = obstore.list(self._store, folder or None, offset=start, chunk_size=PAGE)
        while True:
            with self._asking(folder):
                page = next(listing, None)
            if page is None:
                return
            yield sorted(
                (Listed(item["path"], (item["e_tag"] or "").strip('"')) for item in page),
                key=lambda listed: listed.key,
            )

    @contextmanager
    def _asking(self, key: str) -> Iterator[None]:
        try:
            yield
        except (PermissionDeniedError, UnauthenticatedError) as refusal:
            raise ArchiveError(f"{self.url}: {_CREDENTIALS}.") from refusal
        except BaseError as trouble:
            if "NoSuchBucket" in str(trouble):
                raise ArchiveError(f"{self.url}: {_NO_BUCKET}.") from trouble
            raise ArchiveError(
                f"{self.url}/{key}: the shared archive cannot be reached. Check the network, AWS_ENDPOINT_URL "
                f"and the credentials, and run the command again. ({_first_line(trouble)})"
            ) from trouble


def md5(body: bytes) -> str:
    """What most stores tag an object with: it finds accidents; proofs are by SHA-256."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _first_line(trouble: BaseError) -> str:
    """The library goes on with a page for its own developers."""
    return (str(trouble).splitlines() or [""])[0].rstrip(" .")
