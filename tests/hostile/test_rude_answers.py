"""Every answer that is none, put to the real spiders over real HTTP.

Each case must end in time, in one of our errors with a sentence, and with nothing in the archive that the
list was not.
"""

from __future__ import annotations

import gzip

import brotli  # type: ignore[import-untyped]
import pytest

from demo import rudeness
from demo.publisher import Publisher
from demo.rudeness import HTML, Rudeness, answering, redirecting
from scraper.errors import (
    CountersignError,
    ForbiddenAddressError,
    PublisherError,
    RefusedError,
    TooLargeError,
    UnreachableError,
)
from tests.hostile.conftest import PATH, gone_wrong, in_vain
from tests.publisher import WORKBOOK, Looker

FILE_CASES: list[tuple[str, Rudeness, type[CountersignError], str]] = [
    ("reset in the headers", rudeness.reset_in_headers(), UnreachableError, "broke off"),
    ("reset in the body", rudeness.reset_in_body(), UnreachableError, "broke off"),
    ("slow headers", rudeness.slow_headers(), UnreachableError, "did not answer in full within 1 seconds"),
    ("slow body", rudeness.slow_body(), UnreachableError, "did not answer in full"),
    ("silence", rudeness.silent(), UnreachableError, "did not answer in full"),
    ("endless body", rudeness.endless_body(), TooLargeError, "is larger than it may be"),
    ("fewer bytes than promised", rudeness.wrong_length(+50), UnreachableError, "broke off"),
    ("more bytes than promised", rudeness.wrong_length(-50), UnreachableError, "broke off"),
    ("a huge promise", rudeness.wrong_length(10**9), TooLargeError, "is larger than it may be"),
    ("truncated gzip", rudeness.truncated_gzip(), UnreachableError, "ends in the middle"),
    ("gzip bomb", rudeness.gzip_bomb(5), TooLargeError, "unpacks to more than 100,000 bytes"),
    (
        "brotli, which was not asked for",
        answering(200, brotli.compress(bytes(10**8)), {"Content-Encoding": "br"}),
        RefusedError,
        "came packed as “br”",
    ),
    (
        "gzip within gzip",
        answering(200, gzip.compress(gzip.compress(b"x" * 9)), {"Content-Encoding": "gzip, gzip"}),
        RefusedError,
        "came packed as “gzip, gzip”",
    ),
    (
        "not gzip at all",
        answering(200, WORKBOOK, {"Content-Encoding": "gzip"}),
        RefusedError,
        "cannot be unpacked",
    ),
    ("not HTTP", Rudeness(lambda talk, _f, _e: _spill(talk)), UnreachableError, "broke off"),
    ("403", answering(403), RefusedError, r"refused us \(403\). Set COUNTERSIGN_CONTACT"),
    ("404", answering(404), RefusedError, r"is not there \(404\)"),
    ("410", answering(410), RefusedError, r"is not there \(410\)"),
    ("429", answering(429), RefusedError, r"refused us \(429\)"),
    ("500", answering(500), RefusedError, r"has trouble of its own \(500\)"),
    ("503", answering(503), RefusedError, r"has trouble of its own \(503\)"),
    ("204", answering(204), RefusedError, "answered with status 204"),
    ("206", answering(206, WORKBOOK[:9]), RefusedError, r"sent only a part \(206\)"),
    ("304 without our asking", Rudeness(lambda t, _f, _e: _bare_304(t), 304), RefusedError, "“not modified”"),
    ("an empty 200", answering(200), RefusedError, "nothing at all"),
    ("a block page", rudeness.block_page(), RefusedError, "web page (“Access Denied”) instead"),
    ("a challenge", rudeness.challenge_page(), RefusedError, "web page (“Just a moment...”) instead"),
    ("maintenance", rudeness.maintenance_page(), RefusedError, "web page (“Site under maintenance”) instead"),
    ("a redirect without end", redirecting(""), RefusedError, "without end|without saying where to"),
    ("a redirect to a file", redirecting("file:///etc/passwd"), ForbiddenAddressError, "redirects to file:"),
    ("a redirect to data", redirecting("data:,x"), ForbiddenAddressError, "redirects to data:"),
    ("a redirect to ftp", redirecting("ftp://h/x"), ForbiddenAddressError, "redirects to ftp:"),
    ("a redirect to nonsense", redirecting("http://[::/x"), RefusedError, "cannot be read"),
    ("a redirect to no port", redirecting("http://h:99999999/"), PublisherError, "http://"),
]


def _spill(talk: rudeness.Talk) -> None:
    talk.wfile.write(b"\x00\x01 this is no HTTP\r\n\r\n")


def _bare_304(talk: rudeness.Talk) -> None:
    talk.wfile.write(b"HTTP/1.1 304 Not Modified\r\n\r\n")


@pytest.mark.parametrize(
    ("how", "kind", "sentence"), [case[1:] for case in FILE_CASES], ids=[case[0] for case in FILE_CASES]
)
def test_a_rude_file(
    impatient: Looker, publisher: Publisher, how: Rudeness, kind: type[CountersignError], sentence: str
) -> None:
    if "not modified" in sentence and impatient.validators:
        pytest.skip("is a good answer to a question with conditions")
    publisher.be_rude("participating", how)
    in_vain(impatient, sentence)
    error = gone_wrong(impatient)
    assert isinstance(error, kind)
    _says(error, sentence, publisher)


PAGE_CASES: list[tuple[str, Rudeness, type[CountersignError], str]] = [
    ("reset in the headers", rudeness.reset_in_headers(), UnreachableError, "broke off"),
    ("silence", rudeness.silent(), UnreachableError, "did not answer in full"),
    ("slow body", rudeness.slow_body(), UnreachableError, "did not answer in full"),
    ("a giant page", answering(200, b"<p>more</p>" * 40_000), TooLargeError, "is larger than it may be"),
    ("an endless page", rudeness.endless_body(HTML), TooLargeError, "is larger than it may be"),
    ("403", answering(403, b"no"), RefusedError, "refused us (403)"),
    ("404", answering(404, b"no"), RefusedError, "is not there (404)"),
    ("500", answering(500, b"no"), RefusedError, "has trouble of its own (500)"),
    ("304 without our asking", Rudeness(lambda t, _f, _e: _bare_304(t), 304), RefusedError, "“not modified”"),
    ("206", answering(206, b"<p>part</p>"), RefusedError, "sent only a part (206)"),
    ("an empty 200", answering(200), RefusedError, "nothing at all"),
    ("a block page", rudeness.block_page(), RefusedError, "blocks us (“Access Denied”)"),
    ("a challenge", rudeness.challenge_page(), RefusedError, "blocks us (“Just a moment...”)"),
    ("maintenance", rudeness.maintenance_page(), RefusedError, "puts us off (“Site under maintenance”)"),
    (
        "somebody else's page",
        answering(200, b"<title>Welcome to nginx!</title><p>It works.</p>"),
        RefusedError,
        "says nothing of its lists",
    ),
    ("a workbook for a page", answering(200, WORKBOOK), RefusedError, "says nothing of its lists"),
    (
        "links made by a script",
        answering(200, b"<div id=app></div><script>link('/x/participatingAgencies.xlsx')</script>"),
        RefusedError,
        "makes its links by a script",
    ),
]


@pytest.mark.parametrize(
    ("how", "kind", "sentence"), [case[1:] for case in PAGE_CASES], ids=[case[0] for case in PAGE_CASES]
)
def test_a_rude_page(
    impatient: Looker, publisher: Publisher, how: Rudeness, kind: type[CountersignError], sentence: str
) -> None:
    """A page that is not the page makes no list absent: both fail."""
    before = {*impatient.archive.folder.glob("*/*")}
    publisher.be_rude("page", how)
    in_vain(impatient, sentence)
    results = impatient.look()
    for error in results.values():
        assert isinstance(error, kind), repr(error)
        _says(error, sentence, publisher)
    assert not {*impatient.archive.folder.glob("*/*")} - before


def _says(error: CountersignError, sentence: str, publisher: Publisher) -> None:
    """The sentence, the address, and no Python."""
    options = sentence.replace("\\", "").split("|")
    assert any(option in str(error) for option in options), str(error)
    assert "http" in str(error)
    assert "Error(" not in str(error)
    assert "<class" not in str(error)


@pytest.mark.parametrize("where", ["page", "participating"])
def test_a_redirect_loop(impatient: Looker, publisher: Publisher, where: str) -> None:
    paths = {"page": publisher.page_url, "participating": publisher.url + PATH}
    publisher.be_rude(where, redirecting(paths[where]))
    error = gone_wrong(impatient)
    assert isinstance(error, RefusedError)
    assert "from one redirect to the next without end" in str(error)


@pytest.mark.parametrize(
    "name", ["reset in the body", "slow body", "gzip bomb", "403", "a block page", "206"]
)
def test_the_last_good_state_stays_and_the_next_look_is_fine(
    impatient: Looker, publisher: Publisher, name: str
) -> None:
    before = impatient.captures()["participating"]
    _, how, _, sentence = next(case for case in FILE_CASES if case[0] == name)
    publisher.be_rude("participating", how)
    in_vain(impatient, sentence)
    assert isinstance(impatient.look()["participating"], CountersignError)
    publisher.be_kind()
    impatient.set(timeout_seconds=30)
    after = impatient.captures()["participating"]
    assert (after.outcome, after.sha256) == ("not modified", before.sha256)
    assert not [problem for problem in impatient.archive.verify() if problem.damage]
