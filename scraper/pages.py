"""Is a web page that came with status 200 the publisher's own?"""

from __future__ import annotations

import re

from scraper.errors import CountersignError, RefusedError
from scraper.spiders.html import parsed, words

_BLOCKED = re.compile(
    r"access (?:to this page has been )?denied|forbidden|attention required|just a moment"
    r"|checking your browser|are you (?:a )?(?:human|robot)|verify you are|captcha|incapsula"
    r"|request (?:unsuccessful|blocked|rejected)|pardon our interruption|security check|unusual traffic"
    r"|enable javascript and cookies",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"maintenance|temporarily (?:unavailable|down|closed)|service unavailable|page not found|bad gateway"
    r"|be (?:right )?back (?:soon|shortly)|internal server error|something went wrong",
    re.IGNORECASE,
)
_TELLING = 3_000


def refusal_of_page(html: str, url: str) -> CountersignError | None:
    """Why a web page is not the publisher's own page, though it came with status 200."""
    title = page_title(html)
    root = parsed(html)
    text = words(root) if root is not None else ""
    headlines = [title, *(words(h1) for h1 in root.iter("h1"))] if root is not None else []
    said = " | ".join([*headlines, text if len(text) < _TELLING else ""])
    if _BLOCKED.search(said):
        return RefusedError(
            f"{url} answered with a page that blocks us (“{title or text[:60]}”), not its own."
        )
    if _AWAY.search(" | ".join(headlines)) or (len(text) < _TELLING / 3 and _AWAY.search(said)):
        return RefusedError(
            f"{url} answered with a page that puts us off (“{title or text[:60]}”). Try again later."
        )
    return None


def page_title(html: str) -> str:
    root = parsed(html)
    title = next(root.iter("title"), None) if root is not None else None
    return " ".join((title.text or "").split())[:80] if title is not None else ""
