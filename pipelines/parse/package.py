"""Zip and XML from strangers: entries are counted, measured and held apart before one is opened; expat refuses every
document type declaration, and every encoding that lists do not use."""

from __future__ import annotations

import posixpath
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

from pipelines.parse.table import ENCODINGS, Limits, Reading
from scraper.errors import UnreadableError

BLOCK = 1 << 16
HELD = 64 << 20
# Small parts may be of any ratio: a theme or a page of blanks packs well and does no harm.
HARMLESS = 2 << 20
END_RECORD = b"PK\x05\x06"
LOCAL_HEADER = 30


class Package:
    """Parts by name, without regard to case. Parts that are never asked for are never unpacked."""

    def __init__(self, path: Path, reading: Reading) -> None:
        self._reading = reading
        self._limits = reading.limits
        _check_directory_size(path, self._limits)
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
                    self._reading.ask()
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


Start = Callable[[str, dict[str, str]], Any]
End = Callable[[str], Any]
Text = Callable[[str], Any]
# Between an element's namespace and its name, as handlers receive it.
WITHIN = "}"
MOST_NAMES = 1_000
MOST_ELEMENTS = 1_000_000
LONGEST_TAG = 4 << 20  # expat holds a tag or a comment until it ends


class OwnNames(dict[str, str]):
    """The names of elements as a parser gives them, without the namespace of the root, whose name comes first.
    Elements of another namespace keep theirs, and so are never taken for one of these."""

    def __init__(self) -> None:
        super().__init__()
        self._own: str | None = None

    def __missing__(self, tag: str) -> str:
        if self._own is None:
            self._own = tag[: tag.rfind(WITHIN) + 1]
        if len(self) > MOST_NAMES:
            self.clear()
        self[tag] = name = tag.removeprefix(self._own)
        return name


class XmlParser:
    """Feed it a part. Names come to the handlers with their namespace: "namespace}name"."""

    def __init__(self, part: str, start: Start, end: End | None = None, text: Text | None = None) -> None:
        self._part = part
        self._fed = 0
        self._parser = parser = expat.ParserCreate(namespace_separator=WITHIN)
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = self._refuse
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self.handle(start, end, text)

    def handle(self, start: Start | None, end: End | None, text: Text | None) -> None:
        self._parser.StartElementHandler = start
        self._parser.EndElementHandler = end
        self._parser.CharacterDataHandler = text

    def feed(self, block: bytes, final: bool = False) -> None:
        """Raises UnreadableError for what is not well-formed."""
        try:
            self._parser.Parse(block, final)
        except expat.ExpatError as error:
            raise UnreadableError(f"{self._part} is not well-formed XML: {error}.") from error
        self._fed += len(block)
        if self._fed - self._parser.CurrentByteIndex > LONGEST_TAG:
            raise UnreadableError(f"{self._part} has a tag of more than {LONGEST_TAG:,} bytes.")

    def _declared(self, _: str, encoding: str | None, __: int) -> None:
        if encoding and encoding.lower() not in ENCODINGS:
            raise UnreadableError(
                f"{self._part} is written in {encoding[:40]!r}, which is no encoding of lists."
            )

    def _refuse(self, *_: object) -> None:
        """Entities can only be declared in a document type declaration, which no office document has."""
        raise UnreadableError(
            f"{self._part} has a document type declaration, which could define entities; it is refused."
        )


def walk(
    blocks: Iterable[bytes], part: str, start: Start, end: End | None = None, text: Text | None = None
) -> None:
    """One pass over a whole small part, with own names."""
    names = OwnNames()
    count = 0

    def starting(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > MOST_ELEMENTS:
            raise UnreadableError(f"{part} has more than {MOST_ELEMENTS:,} elements.")
        start(names[tag], attributes)

    parser = XmlParser(part, starting, end and (lambda tag: end(names[tag])), text)
    for block in blocks:
        parser.feed(block)
    parser.feed(b"", final=True)
