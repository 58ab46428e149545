"""A zip file from strangers: its entries are counted, measured and held apart before one is opened."""

from __future__ import annotations

import posixpath
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from pipelines.parse.limits import Limits
from scraper.errors import UnreadableError

BLOCK = 1 << 16
HELD = 64 << 20
# Small parts may be of any ratio: a theme or a page of blanks packs well and does no harm.
HARMLESS = 2 << 20
END_RECORD = b"PK\x05\x06"
LOCAL_HEADER = 30


class Package:
    """Parts by name, without regard to case. Parts that are never asked for are never unpacked."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._limits = limits
        _check_directory_size(path, limits)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
            raise UnreadableError(f"The file is a damaged zip archive: {error}.") from error
        self._parts: dict[str, zipfile.ZipInfo] = {}
        for entry in self._zip.infolist():
            if entry.filename.endswith("/"):
                continue
            name = entry.filename.replace("\\", "/").lstrip("/").casefold()
            if name in self._parts:
                raise UnreadableError(f"The archive holds two parts called {entry.filename}.")
            self._parts[name] = entry
        self._check()

    def _check(self) -> None:
        entries = sorted(self._zip.infolist(), key=lambda entry: entry.header_offset)
        if len(entries) > self._limits.max_entries:
            raise UnreadableError(f"The archive holds more than {self._limits.max_entries:,} entries.")
        end = 0
        for entry in entries:
            if entry.header_offset < end:
                raise UnreadableError(
                    f"The archive's entries overlap (at {entry.filename}), as in a zip bomb."
                )
            end = entry.header_offset + LOCAL_HEADER + entry.compress_size
        if end > self._zip.start_dir:
            raise UnreadableError("The archive's entries overlap its directory, as in a zip bomb.")
        if sum(entry.file_size for entry in entries) > self._limits.max_bytes_unpacked:
            raise UnreadableError(
                f"The archive unpacks to more than {self._limits.max_bytes_unpacked:,} bytes."
            )

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self._parts

    @property
    def names(self) -> list[str]:
        return list(self._parts)

    def size(self, name: str) -> int:
        """How many bytes the part declares to be unpacked."""
        return self._parts[name.casefold()].file_size

    def reader(self, name: str) -> Callable[[], Iterator[bytes]]:
        """For a part that is read more than once: unpacked once and held when it is small enough."""
        entry = self._parts.get(name.casefold())
        if entry is None or entry.file_size > HELD:
            return lambda: self.blocks(name)
        held = list(self.blocks(name))
        return lambda: iter(held)

    def blocks(self, name: str) -> Iterator[bytes]:
        """The part's bytes. zipfile stops at the declared size and compares the checksum: a lie is found."""
        entry = self._parts.get(name.casefold())
        if entry is None:
            raise UnreadableError(f"The archive lacks its part {name}.")
        if entry.flag_bits & 1:
            raise UnreadableError(f"The archive's part {name} is encrypted.")
        ratio = entry.file_size / max(entry.compress_size, 1)
        if entry.file_size > HARMLESS and ratio > self._limits.max_ratio:
            raise UnreadableError(
                f"The archive's part {name} unpacks to {ratio:,.0f} times its size; "
                f"more than {self._limits.max_ratio} times is refused as a zip bomb."
            )
        try:
            with self._zip.open(entry) as stream:
                while block := stream.read(BLOCK):
                    yield block
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise UnreadableError(f"The archive's part {name} is damaged: {error}.") from error


def resolve(source: str, target: str) -> str:
    """The part that `target`, found in a relationship of part `source`, means."""
    target = target.replace("\\", "/")
    if target.startswith("/"):
        return posixpath.normpath(target).lstrip("/")
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), target)).lstrip("/")


def _check_directory_size(path: Path, limits: Limits) -> None:
    """zipfile makes an object of every directory entry, so the directory is measured before it is read."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 65_557))
        tail = stream.read()
    place = tail.rfind(END_RECORD)
    if place < 0 or len(tail) < place + 22:
        raise UnreadableError("The file is a damaged zip archive: its directory is missing.")
    count, size = struct.unpack("<HL", tail[place + 10 : place + 16])
    if count > limits.max_entries or size > limits.max_entries * 512:
        raise UnreadableError(f"The archive holds more than {limits.max_entries:,} entries.")
