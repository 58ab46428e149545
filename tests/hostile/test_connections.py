"""Where a connection may lead, and whom it finds there: private addresses, closed doors, false certificates."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from demo.publisher import Publisher
from demo.rudeness import redirecting
from scraper.errors import (
    ForbiddenAddressError,
    UnreachableError,
)
from scraper.http import is_public
from tests.hostile.conftest import PATH, gone_wrong
from tests.publisher import Looker

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


def test_another_port_of_a_private_host_is_another_origin(impatient: Looker, publisher: Publisher) -> None:
    with Publisher() as other:
        for path in ("", "/robots.txt"):
            publisher.be_rude("participating", redirecting(other.url + path))
            error = gone_wrong(impatient)
            assert isinstance(error, ForbiddenAddressError), repr(error)
            assert "which is not a public address" in str(error)
        publisher.be_kind()
        publisher.say(html=f'<a href="{other.url}{PATH}">View 287(g) Participating Agencies</a>')
        assert isinstance(gone_wrong(impatient), ForbiddenAddressError)
        assert other.asked == []
        port = other.url.rpartition(":")[2]
        impatient.lists = [
            replace(published, options={"hosts": f"127.0.0.1:{port}"}) for published in publisher.lists()
        ]
        impatient.look()
        assert [asked.path for asked in other.asked] == ["/robots.txt", PATH]


def test_a_page_on_a_private_address_needs_a_declaration(impatient: Looker, publisher: Publisher) -> None:
    impatient.lists = [replace(published, private_addresses=False) for published in publisher.lists()]
    error = gone_wrong(impatient)
    assert isinstance(error, ForbiddenAddressError)
    assert "declare it with private_addresses = true" in str(error)
    assert publisher.asked == []


def test_a_declaration_may_name_more_hosts(impatient: Looker, publisher: Publisher) -> None:
    elsewhere = f"http://localhost:{publisher.url.rpartition(':')[2]}{PATH}"
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
    impatient.lists = [replace(item, options={"hosts": "127.0.0.1"}) for item in impatient.lists]
    error = gone_wrong(impatient)
    assert isinstance(error, UnreachableError)
    assert str(error).endswith(": no connection (connection refused). Try again later.")


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
