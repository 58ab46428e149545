"""Nothing new? Learned without Scrapy, which takes longer to load than all the rest of a quiet look.

It finds out one thing: that every list of a page (or at an address) is still the copy that we hold. Whatever else
it hears it does not judge. Its answers go to Scrapy, which goes on from there, and no publisher is asked twice.
benchmarks/looks.py has the figures for which there are two ways (docs/architecture.md says what was weighed).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from protego import Protego

from scraper.answers import (
    Answer,
    Look,
    another_version,
    conditions,
    confirmed,
    kept_headers,
    published_name,
)
from scraper.asking import NotPlainError, Visitor
from scraper.capture import Capture, Validators
from scraper.errors import CountersignError
from scraper.lists import PublishedList
from scraper.pages import refusal_of_page
from scraper.settings import Settings, private_hosts
from scraper.spiders.evidence import page_evidence
from scraper.spiders.links import Link, judge_links
from scraper.unpacking import unpacked

NOTHING: Mapping[str, Any] = MappingProxyType({})
Robots = dict[str, tuple[Answer, Protego]]  # by address: what was said, and what it allows


async def quiet_look(look: Look, settings: Settings, robots: Robots) -> bool:
    """True when nothing is new: then each list has its capture. Else `look.answers` holds what was heard.

    `robots` are the answers of the hosts that were asked before, in the same round.
    """
    first = look.lists[0]
    if first.in_parts or not all(_held(look, published) for published in look.lists):
        return False
    visitor = Visitor(settings, frozenset(private_hosts(first)), first.delay_seconds)
    try:
        captures = await _Asking(look, settings, visitor, robots).captures()
    except (NotPlainError, CountersignError):
        await visitor.wait()
        return False
    finally:
        visitor.hang_up()
    look.results.update({capture.list: capture for capture in captures})
    return True


def _held(look: Look, published: PublishedList) -> bool:
    known = look.validators.get(published.name)
    return bool(known and known.sha256 and (published.file is None or known.url == published.file))


class _Asking:
    def __init__(self, look: Look, settings: Settings, visitor: Visitor, robots: Robots) -> None:
        self._look = look
        self._settings = settings
        self._visitor = visitor
        self._robots = robots

    async def captures(self) -> list[Capture]:
        """Of every list; NotPlainError when any of them is not just as it was."""
        lists = self._look.lists
        if lists[0].file:
            return [await self._unchanged(published, published.file or "") for published in lists]
        url = lists[0].page or ""
        page = await self._answer(url, {}, self._settings.page_bytes)
        if page.status != 200:
            raise NotPlainError(url)
        try:
            html = _body(page, self._settings.page_bytes).decode()
        except UnicodeDecodeError:
            raise NotPlainError(url) from None
        judged = judge_links(html, url, lists)
        leads = {name: link.url for name, link in judged.items() if isinstance(link, Link)}
        if refusal_of_page(html, url) or len(leads) < len(lists):
            raise NotPlainError(url)
        told = page_evidence(html)
        return [await self._unchanged(published, leads[published.name], page, told) for published in lists]

    async def _unchanged(
        self,
        published: PublishedList,
        url: str,
        page: Answer | None = None,
        told: Mapping[str, Any] = NOTHING,
    ) -> Capture:
        known, began = self._look.validators[published.name], self._look.now()
        if known.url != url:
            raise NotPlainError(url)
        asked = {"Accept": "*/*"} | conditions(known, began)
        if page is not None and _origin(page.url) == _origin(url):
            asked["Referer"] = page.url
        answer = await self._answer(url, asked, published.max_bytes)
        headers = kept_headers(answer.header)
        if answer.status == 304 and len(asked) > 1 and not another_version(headers, known):
            headers = confirmed(headers, known)
        elif answer.status != 200 or not _same(answer, known, published.max_bytes):
            raise NotPlainError(url)
        body = _body(answer, published.max_bytes)
        return Capture(
            list=published.name,
            url=url,
            captured_at=self._look.now(),
            outcome="not modified" if answer.status == 304 else "fetched",
            sha256=known.sha256,
            bytes=len(body),
            published_name=published_name(answer.header, url),
            final_url=url,
            status=answer.status,
            headers=headers,
            requested_at=began,
            page=told,
            requests=2 if page else 1,
            received=len(answer.body) + (len(page.body) if page else 0),
        )

    async def _answer(self, url: str, headers: dict[str, str], most: int) -> Answer:
        """What is heard is kept for Scrapy, should it have to go on."""
        await self._must_be_allowed(url)
        answer = await self._visitor.get(url, headers, most)
        self._look.answers[url] = answer
        return answer

    async def _must_be_allowed(self, url: str) -> None:
        """As Scrapy has it: whatever stands at /robots.txt is read, whatever its status."""
        parts = urlsplit(url)
        address = f"{parts.scheme}://{parts.netloc}/robots.txt"
        if address not in self._robots:
            most = self._settings.page_bytes
            answer = await self._visitor.get(address, {}, most)
            if 300 <= answer.status < 400:
                raise NotPlainError(address)
            text = _body(answer, most).decode("utf-8-sig", "ignore")
            self._robots[address] = answer, Protego.parse(text)
        if not self._robots[address][1].can_fetch(url, self._settings.user_agent):
            raise NotPlainError(url)


def _same(answer: Answer, known: Validators, most: int) -> bool:
    return hashlib.sha256(_body(answer, most)).hexdigest() == known.sha256


def _body(answer: Answer, most: int) -> bytes:
    told: Sequence[bytes] = [value for name, value in answer.headers if name.lower() == b"content-encoding"]
    return unpacked(answer.body, b",".join(told), most, answer.url)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
