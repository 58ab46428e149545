"""Every error this project raises on purpose.

    CountersignError              1  a bug, when nothing narrower fits
    +-- UsageError                2  wrong command, option or setting
    |   +-- ListError             2  a list's declaration is wrong or unknown
    |   +-- ClockError            2  this machine's clock is wrong
    +-- PublisherError            4  the publisher could not be reached or refused
    |   +-- UnreachableError      4  no connection, time-out, cut short
    |   +-- RefusedError          4  403, 404, 500, robots.txt, a block page
    |   +-- AmbiguousError        4  more than one candidate for one list
    |   +-- TooLargeError         4  more bytes than the list may have
    |   +-- ForbiddenAddressError 4  a private address or a scheme that is not allowed
    +-- UnreadableError           5  what came is not what the list declares
    +-- StorageError              7  archive or database is damaged or unavailable
        +-- ArchiveError          7  a file of the archive is missing, altered or cannot be written
        +-- DatabaseError         7  the database cannot be reached or is not ours
        +-- OutdatedError         7  the database needs `countersign migrate`

A class's docstring is its message when none is given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence


def words_of(error: object) -> str:
    """What an exception says, on one line, without the objects that Python shows by their place in memory."""
    said = re.sub(r"<[^<>]* at 0x[0-9a-fA-F]+>", "", str(error))
    return " ".join(said.split()) or type(error).__name__


def worst(exit_codes: Sequence[int]) -> int:
    """The worst that happened is what a command says."""
    return next((code for code in (7, 1, 5, 4, 3) if code in exit_codes), max(exit_codes, default=0))


class CountersignError(Exception):
    """Something went wrong inside countersign."""

    exit_code = 1

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class UsageError(CountersignError):
    """The command, an option or a setting is wrong."""

    exit_code = 2


class ListError(UsageError):
    """The declaration of a list is wrong, or no such list is declared."""


class ClockError(UsageError):
    """This machine's clock is wrong. Set it right, and try again."""


class PublisherError(CountersignError):
    """The publisher could not be reached or refused."""

    exit_code = 4


class UnreachableError(PublisherError):
    """The publisher could not be reached."""


class RefusedError(PublisherError):
    """The publisher refused, or answered with a page that is not the list."""


class AmbiguousError(PublisherError):
    """The page offers more than one file for one list."""


class TooLargeError(PublisherError):
    """The publisher sent more bytes than the list may have."""


class ForbiddenAddressError(PublisherError):
    """The address is private or its scheme is not allowed."""


class UnreadableError(CountersignError):
    """What came cannot be read as the list declares."""

    exit_code = 5


class StorageError(CountersignError):
    """The archive or the database is damaged or unavailable."""

    exit_code = 7


class ArchiveError(StorageError):
    """A file of the archive is missing, altered or cannot be written."""


class DatabaseError(StorageError):
    """The database cannot be reached, or is not countersign's."""


class OutdatedError(StorageError):
    """The database is older than this version. Run `countersign migrate`."""
