"""How much of a stranger's file is read before it is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from scraper.errors import UnreadableError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_ratio` is unpacked to packed bytes of one member; `max_seconds` is the reader's own time only.

    `max_bytes_held` is the size of a file that has to be held whole (HTML, JSON, PDF), `max_items_held` how
    many elements or values it may have, `max_bytes_helper` the memory of the process that reads a PDF.
    """

    max_bytes_unpacked: int = 1_000_000_000
    max_bytes_held: int = 30_000_000
    max_items_held: int = 1_000_000
    max_bytes_helper: int = 280_000_000
    max_entries: int = 5_000
    max_ratio: int = 200
    max_rows: int = 2_000_000
    max_cells: int = 50_000_000
    max_columns: int = 2_000
    max_cell_characters: int = 1_000_000
    max_links: int = 1_000_000
    max_seconds: float = 120.0


DEFAULT = Limits()


def check_size(path: Path, most: int) -> None:
    """Raises UnreadableError for a file of more than `most` bytes."""
    if path.stat().st_size > most:
        raise UnreadableError(f"The file has more than {most:,} bytes.")


def check_items(items: int, limits: Limits) -> None:
    if items > limits.max_items_held:
        raise UnreadableError(f"The document has more than {limits.max_items_held:,} elements or values.")


class Budget:
    """What has been read so far, held against the limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.rows = 0
        self.cells = 0
        self.seconds = 0.0

    def spend(self, rows: int, cells: int) -> None:
        """Raises UnreadableError as soon as all that was read is too much."""
        self.rows += rows
        self.cells += cells
        if self.rows > self.limits.max_rows:
            raise UnreadableError(f"The table has more than {self.limits.max_rows:,} rows.")
        if self.cells > self.limits.max_cells:
            raise UnreadableError(f"The table has more than {self.limits.max_cells:,} cells.")

    def check_width(self, columns: int) -> None:
        if columns > self.limits.max_columns:
            raise UnreadableError(f"The table has more than {self.limits.max_columns:,} columns.")

    def check_text(self, characters: int) -> None:
        if characters > self.limits.max_cell_characters:
            raise UnreadableError(f"A cell holds more than {self.limits.max_cell_characters:,} characters.")

    def timed(self, steps: Iterator[T]) -> Iterator[T]:
        """The same steps; the time that they take (not that of whoever uses them) is limited."""
        while True:
            began = time.monotonic()
            try:
                step = next(steps)
            except StopIteration:
                return
            finally:
                self.seconds += time.monotonic() - began
            if self.seconds > self.limits.max_seconds:
                raise UnreadableError(f"Reading took longer than {self.limits.max_seconds:g} seconds.")
            yield step
