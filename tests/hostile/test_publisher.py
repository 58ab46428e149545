"""Everything a publisher, or somebody in between, can do to the real spiders over real HTTP.

Each case must end in time, in one of our errors with a sentence, and with nothing in the archive that the
list was not.
"""

from __future__ import annotations

import gzip
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from time import monotonic

import brotli  # type: ignore[import-untyped]
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from demo import rudeness
from demo.publisher import Publisher
from demo.rudeness import HTML, Rudeness, answering, redirecting
from scraper.errors import (
    AmbiguousError,
    CountersignError,
    ForbiddenAddressError,
    PublisherError,
    RefusedError,
    TooLargeError,
    UnreachableError,
)
from scraper.public import is_public
from tests.publisher import AT, WORKBOOK, Looker

LIMIT = 100_000
SECONDS = 6


@pytest.fixture(params=["new", "known"])
def impatient(looker: Looker, request: pytest.FixtureRequest) -> Looker:
    """With little patience. Lists that are known are first asked without Scrapy whether they are as they were."""
    looker.set(timeout_seconds=1)
    looker.lists = [replace(published, max_bytes=LIMIT) for published in looker.lists]
    if request.param == "known":
        looker.captures()
    return looker


def gone_wrong(looker: Looker) -> CountersignError:
    """The error of a look at which "participating" failed, in time and with nothing kept of it."""
    began = monotonic()
    error = looker.error()
    assert monotonic() - began < SECONDS
    assert isinstance(error, PublisherError), repr(error)
    assert error.exit_code == 4
    kept = [looker.archive.read(path.name.removesuffix(".gz")) for path in looker.archive.folder.glob("*/*")]
    assert set(kept) <= {WORKBOOK + b"1", WORKBOOK + b"2"}
    return error


SEEN = ("fetched", "not modified")
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
    ("gzip bomb", rudeness.gzip_bomb(50), TooLargeError, "unpacks to more than 100,000 bytes"),
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
    paths = {"page": publisher.page_url, "participating": publisher.url + _path(publisher)}
    publisher.be_rude(where, redirecting(paths[where]))
    error = gone_wrong(impatient)
    assert isinstance(error, RefusedError)
    assert "from one redirect to the next without end" in str(error)


def _path(publisher: Publisher) -> str:
    return "/doclib/about/offices/ero/287g/participatingAgencies05122025am.xlsx"


PRIVATE = [
    "http://localhost:{port}/x",
    "http://[::1]:{port}/x",
    "http://127.1:{port}/x",
    "http://2130706433:{port}/x",
    "http://0x7f000001:{port}/x",
    "http://0177.0.0.1:{port}/x",
    "http://[::ffff:127.0.0.1]:{port}/x",
    "http://[::ffff:7f00:1]:{port}/x",
    "http://[64:ff9b::7f00:1]:{port}/x",
    "http://127.0.0.2:{port}/x",
    "http://0.0.0.0:{port}/x",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/",
    "http://192.168.1.1/",
    "http://172.16.0.1/",
    "http://100.64.0.1/",
    "http://[fe80::1]/",
    "http://[fd00::1]/",
]


@pytest.mark.parametrize("to", PRIVATE)
def test_a_redirect_to_a_private_address_is_not_followed(
    impatient: Looker, publisher: Publisher, to: str
) -> None:
    """The first hop is declared by the list, the second is not."""
    port = publisher.url.rpartition(":")[2]
    publisher.be_rude("participating", redirecting(to.format(port=port)))
    error = gone_wrong(impatient)
    assert isinstance(error, ForbiddenAddressError), repr(error)
    assert "which is not a public address" in str(error) or "not an address on the web" in str(error)
    assert not any(asked.path == "/x" for asked in publisher.asked)


@pytest.mark.parametrize("to", PRIVATE[:6])
def test_a_link_to_a_private_address_is_not_followed(
    impatient: Looker, publisher: Publisher, to: str
) -> None:
    url = to.format(port=publisher.url.rpartition(":")[2]) + "/participatingAgencies.xlsx"
    publisher.say(html=f'<a href="{url}">View 287(g) Participating Agencies</a>')
    assert isinstance(gone_wrong(impatient), ForbiddenAddressError)


def test_a_page_on_a_private_address_needs_a_declaration(impatient: Looker, publisher: Publisher) -> None:
    impatient.lists = [replace(published, private_addresses=False) for published in publisher.lists()]
    error = gone_wrong(impatient)
    assert isinstance(error, ForbiddenAddressError)
    assert "declare it with private_addresses = true" in str(error)
    assert publisher.asked == []


def test_a_declaration_may_name_more_hosts(impatient: Looker, publisher: Publisher) -> None:
    elsewhere = f"http://localhost:{publisher.url.rpartition(':')[2]}{_path(publisher)}"
    publisher.say(html=f'<a href="{elsewhere}">View 287(g) Participating Agencies</a>')
    impatient.lists = [
        replace(published, options={"hosts": "files.example.org localhost"})
        for published in publisher.lists()
    ]
    assert impatient.captures()["participating"].final_url == elsewhere


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2607:f8b0::1", True),
        ("64:ff9b::808:808", True),
        ("2002:808:808::1", True),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
        ("::ffff:10.0.0.1", False),
        ("::127.0.0.1", False),
        ("fec0::1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("192.0.2.1", False),
        ("198.18.0.1", False),
    ],
)
def test_what_counts_as_public(address: str, *, public: bool) -> None:
    assert is_public(ip_address(address)) is public


def test_a_connection_refused(impatient: Looker, publisher: Publisher) -> None:
    with Publisher() as gone:
        closed = gone.url
    publisher.be_rude("participating", redirecting(closed))
    error = gone_wrong(impatient)
    assert isinstance(error, UnreachableError)
    assert "no connection" in str(error)


def test_a_host_that_does_not_exist(impatient: Looker, publisher: Publisher) -> None:
    publisher.be_rude("participating", redirecting("http://no-such-host.invalid/x"))
    error = gone_wrong(impatient)
    assert isinstance(error, UnreachableError)
    assert "its host name cannot be found" in str(error)


@pytest.fixture
def tls_publisher(tmp_path: Path) -> Iterator[Publisher]:
    """A publisher whose certificate nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    (tmp_path / "key").write_bytes(key.private_bytes(form, serialization.PrivateFormat.PKCS8, plain))
    (tmp_path / "certificate").write_bytes(certificate.public_bytes(form))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    with Publisher(tls=context) as playing:
        yield playing


def test_a_certificate_that_nobody_vouches_for(impatient: Looker, tls_publisher: Publisher) -> None:
    impatient.lists = tls_publisher.lists()
    error = gone_wrong(impatient)
    assert isinstance(error, UnreachableError)
    assert "certificate cannot be trusted" in str(error)
    assert tls_publisher.asked == []


def test_no_tls_where_tls_was_promised(impatient: Looker, publisher: Publisher) -> None:
    page = publisher.page_url.replace("http:", "https:")
    impatient.lists = [replace(published, page=page) for published in publisher.lists()]
    error = gone_wrong(impatient)
    assert isinstance(error, UnreachableError)
    assert "no secure connection" in str(error)


@pytest.mark.parametrize("charset", ["utf-16", "utf-7", "no-such-charset", "ascii", "cp037"])
def test_a_lie_about_the_charset_changes_nothing(
    impatient: Looker, publisher: Publisher, charset: str
) -> None:
    told = {"Content-Type": f"text/html; charset={charset}"}
    publisher.be_rude("page", answering(200, publisher.page(), told))
    assert impatient.captures()["participating"].outcome in SEEN


@pytest.mark.parametrize("told", ["text/html", "application/json", "image/png", "", "x" * 500])
def test_a_lie_about_the_content_type_changes_nothing(
    impatient: Looker, publisher: Publisher, told: str
) -> None:
    publisher.be_rude("participating", answering(200, WORKBOOK + b"1", {"Content-Type": told}))
    assert impatient.captures()["participating"].bytes == len(WORKBOOK) + 1


def test_ten_thousand_links(impatient: Looker, publisher: Publisher) -> None:
    crowd = "".join(f'<a href="/{n}">{n}</a>' for n in range(10_000))
    publisher.say(html=crowd + f'<a href="{_path(publisher)}">View 287(g) Participating Agencies</a>')
    assert impatient.captures()["participating"].outcome in SEEN


def test_both_links_the_same(impatient: Looker, publisher: Publisher) -> None:
    link = f'<a href="{_path(publisher)}">View 287(g) {{}} Agencies</a>'
    publisher.say(html=link.format("Participating") + link.format("Pending"))
    results = impatient.look()
    assert all(isinstance(error, AmbiguousError) for error in results.values())
    assert [asked.path for asked in publisher.asked] == ["/robots.txt", "/identify-and-arrest/287g"]


def test_gzip_that_is_whole_is_undone(impatient: Looker, publisher: Publisher) -> None:
    packed = gzip.compress(WORKBOOK[:500]) + gzip.compress(WORKBOOK[500:] + b"1")
    publisher.be_rude("participating", answering(200, packed, {"Content-Encoding": "gzip"}))
    found = impatient.captures()["participating"]
    assert impatient.archive.read(found.sha256 or "") == WORKBOOK + b"1"


def test_a_last_modified_of_the_future_is_never_echoed(impatient: Looker, publisher: Publisher) -> None:
    """Otherwise the server would answer 304 until that day."""
    publisher.show("pending", WORKBOOK + b"2", "pendingAgencies.xlsx", AT.replace(year=2999), "number")
    impatient.captures()
    publisher.show("pending", WORKBOOK + b"1", "pendingAgencies.xlsx", AT.replace(year=2999), "number")
    found = impatient.captures()["pending"]
    assert found.outcome in SEEN
    (asked,) = [asked for asked in publisher.asked if asked.path.endswith("141003")]
    assert "if-modified-since" not in asked.headers


def test_an_etag_that_never_changes_hides_no_change(impatient: Looker, publisher: Publisher) -> None:
    impatient.captures()
    new = {"ETag": '"always"', "Last-Modified": "Tue, 13 May 2025 08:00:00 GMT"}
    publisher.show(
        "participating", WORKBOOK + b"2", "participatingAgencies05122025am.xlsx", AT.replace(day=13)
    )
    publisher.be_rude("participating", answering(304, b"", new), times=1)
    found = impatient.captures()["participating"]
    assert found.outcome in SEEN
    assert found.sha256 != impatient.captures()["pending"].sha256 or found.bytes


def test_robots_txt_that_is_endless_or_broken_stops_nothing(impatient: Looker, publisher: Publisher) -> None:
    for how in (rudeness.endless_body("text/plain"), rudeness.reset_in_headers(), answering(500, b"no")):
        publisher.be_rude("robots", how)
        assert impatient.captures()["pending"].sha256


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\x\\\\list.xlsx"', "list.xlsx"),
        ("attachment; filename*=UTF-8''p%C3%A9nding.xlsx", "pénding.xlsx"),
        ("attachment; filename*=no-such-charset''x.xlsx", "x.xlsx"),
        ('attachment; filename="a\x1b[31mb\u202e.xlsx"', "a[31mb.xlsx"),
        ("attachment", "participatingAgencies05122025am.xlsx"),
        ('attachment; filename="' + "x" * 500 + '"', "x" * 200),
    ],
)
def test_a_published_name_is_never_a_path_or_a_trick(
    impatient: Looker, publisher: Publisher, header: str, name: str
) -> None:
    body = WORKBOOK + b"1"
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nContent-Disposition: {header}\r\n\r\n"
    raw = head.encode("utf-8") + body
    publisher.be_rude("participating", Rudeness(lambda talk, _f, _e: _write(talk, raw)))
    assert impatient.captures()["participating"].published_name == name


def _write(talk: rudeness.Talk, raw: bytes) -> None:
    talk.wfile.write(raw)


@pytest.mark.parametrize(
    "name", ["reset in the body", "slow body", "gzip bomb", "403", "a block page", "206"]
)
def test_the_last_good_state_stays_and_the_next_look_is_fine(
    impatient: Looker, publisher: Publisher, name: str
) -> None:
    before = impatient.captures()["participating"]
    publisher.be_rude("participating", next(how for case, how, *_ in FILE_CASES if case == name))
    assert isinstance(impatient.look()["participating"], CountersignError)
    publisher.be_kind()
    after = impatient.captures()["participating"]
    assert (after.outcome, after.sha256) == ("not modified", before.sha256)
    assert not [problem for problem in impatient.archive.verify() if problem.damage]
