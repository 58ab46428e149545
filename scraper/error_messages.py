"""What went wrong outdoors, as one of our errors with a sentence a person understands."""

from __future__ import annotations

import os
import re
import ssl

import aiohttp
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotSupported,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.http import Response

from scraper.errors import (
    CountersignError,
    ForbiddenAddressError,
    RefusedError,
    TooLargeError,
    UnreachableError,
    words_of,
)

_LATER = "Try again later."
_MESSAGE = re.compile(r"message=(['\"])(.*?)(?:\\n|\1)", re.DOTALL)  # as aiohttp shows its errors
_Kinds = type[Exception] | tuple[type[Exception], ...]
_SENTENCES: tuple[tuple[_Kinds, type[CountersignError], str], ...] = (
    (IgnoreRequest, RefusedError, "The publisher's robots.txt forbids {url}. It was not asked."),
    (
        DownloadTimeoutError,
        UnreachableError,
        "{url} did not answer in full within {seconds:g} seconds. {later}",
    ),
    (
        CannotResolveHostError,
        UnreachableError,
        "{url}: its host name cannot be found. Is this machine connected?",
    ),
    (DownloadCancelledError, TooLargeError, "{url} is larger than it may be, so it was not taken. ({why})"),
    (
        (ResponseDataLossError, DownloadFailedError),
        UnreachableError,
        "{url} broke off before the answer was whole ({why}). {later}",
    ),
    (
        (NotSupported, UnsupportedURLSchemeError),
        ForbiddenAddressError,
        "{url} is not an address on the web, so it was not followed.",
    ),
    (ValueError, RefusedError, "{url} leads to an address that cannot be read ({why})."),
)


def refusal_of_exception(error: BaseException, url: str, seconds: float) -> CountersignError:
    """Why no answer came from `url`, where an answer may take `seconds`."""
    if isinstance(error, CountersignError):
        return error
    if isinstance(error, DownloadConnectionRefusedError):
        return _no_connection(error, url)
    if isinstance(error, IgnoreRequest) and "robots.txt" not in str(error):
        return RefusedError(f"{url} leads from one redirect to the next without end. See it in a browser.")
    for kind, refusal, sentence in _SENTENCES:
        if isinstance(error, kind):
            return refusal(sentence.format(url=url, seconds=seconds, why=_why(error), later=_LATER))
    return CountersignError(f"{url}: {type(error).__name__}: {words_of(error)}")


def refusal_of_answer(response: Response, *, conditional: bool) -> CountersignError | None:
    """Why an answer is not what was asked for, judged by its status alone; None when it may be."""
    url, status = response.url, response.status
    if status == 200:
        if response.body:
            return None
        return RefusedError(f"{url} answered with nothing at all (status 200, 0 bytes). {_LATER}")
    if status == 304:
        if conditional:
            return None
        return RefusedError(f"{url} answered “not modified” (304) although we asked for all of it. {_LATER}")
    if status == 206:
        return RefusedError(f"{url} sent only a part (206) although we asked for all of it. {_LATER}")
    if 300 <= status < 400:
        return _strange_redirect(response)
    if status in (404, 410):
        return RefusedError(f"{url} is not there ({status}). The publisher may be exchanging it. {_LATER}")
    if status in (401, 403, 407, 429, 451):
        return RefusedError(
            f"{url} refused us ({status}). Set COUNTERSIGN_CONTACT, so that the publisher knows who asks, "
            "and look less often."
        )
    if status >= 500:
        return RefusedError(f"{url} has trouble of its own ({status}). {_LATER}")
    return RefusedError(f"{url} answered with status {status}, which is no file and no page.")


def _strange_redirect(response: Response) -> CountersignError:
    to = (response.headers.get("Location") or b"").decode("latin-1")
    if not to:
        return RefusedError(f"{response.url} redirects ({response.status}) without saying where to.")
    return ForbiddenAddressError(
        f"{response.url} redirects to {to[:120]}, which is not an address on the web, so it was not followed."
    )


def _no_connection(error: BaseException, url: str) -> UnreachableError:
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientConnectorCertificateError | ssl.CertificateError):
        return UnreachableError(
            f"{url}: its certificate cannot be trusted ({_why(error)}). If your network inspects traffic, "
            "install its certificate; otherwise somebody may be in between."
        )
    if isinstance(cause, aiohttp.ClientSSLError | ssl.SSLError):
        return UnreachableError(f"{url}: no secure connection could be made ({_why(error)}). {_LATER}")
    return UnreachableError(f"{url}: no connection ({_why(error)}). {_LATER}")


def _why(error: BaseException) -> str:
    """The cause in the system's or the library's own words: on one line, without bytes of the answer."""
    cause = error.__cause__
    cause = getattr(cause, "certificate_error", None) or getattr(cause, "os_error", None) or cause
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message
    if isinstance(cause, ssl.SSLError):
        return (cause.reason or "TLS failed").replace("_", " ").lower()
    if isinstance(cause, OSError) and cause.errno and cause.errno > 0:
        return os.strerror(cause.errno).lower()
    named = _MESSAGE.search(str(error))
    return words_of(named[2] if named else error)[:120].rstrip(" .:'\"")
