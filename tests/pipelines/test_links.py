"""Addresses come out of their wrappers, and no e-mail address comes out with them."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.normalise.links import first_address, ready_address, unwrap, unwrap_within

PDF = "https://www.ice.gov/doclib/287gMOA/Place_TFM_MOA_06052025.pdf"
DATA = "05%7C02%7CJo.Doe%40agency.example%7C511abcb1%7C0%7C0%7CUnknown%7CTWFpbGZsb3d8%3D%3D%7C0&reserved=0"
SAFELINK = f"https://gcc02.safelinks.protection.outlook.com/?url={quote(PDF, safe='')}&data={DATA}"


@pytest.mark.parametrize(
    "wrapped",
    [
        PDF,
        SAFELINK,
        SAFELINK.replace("&", "&amp;"),
        SAFELINK.replace("/?url", "/ap/t-59584e83/?url"),
        f"https://gcc02.safelinks.protection.outlook.com/?url={quote(SAFELINK, safe='')}&data={DATA}",
        SAFELINK.replace("%", "%25"),
        f"https://gcc02.safelinks.protection.outlook.com/?data={DATA}&url={PDF}",
        f"https://web.archive.org/web/20210113002027/{PDF}",
        f"http://web.archive.org/web/20210113002027id_/{PDF}",
        f"https://web.archive.org/web/20210113002027if_/{SAFELINK}",
        f"https://web.archive.org/web/20210113002027/{PDF.replace('https://', '')}",
        f"chrome-extension://efaidnbmnnnibpcajpcglclefindmkaj/{PDF}",
        f"chrome-extension://efaidnbmnnnibpcajpcglclefindmkaj/{PDF.replace('//', '/')}",
        PDF.replace("https://", "https:/"),
        PDF.replace("https://", "HTTPS://WWW.").replace("WWW.www", "WWW"),
        "http://" + PDF,
        "https://" + PDF.replace("https://", "https//"),
        PDF.replace("https://", ""),
        f"  {PDF} \u00a0",
        f"{PDF}%20",
        f"<{PDF}>",
        PDF.replace("TFM", "T\u200bFM"),
        PDF.replace("_TFM", "%5FTFM"),
        f"https://urldefense.com/v3/__{PDF}__;!!BClRuOV5cvtbuNI!abc$",
        "https://urldefense.proofpoint.com/v2/url?u="
        + PDF.replace("_", "%5F").replace(":", "-3A").replace("/", "_").replace("%", "-")
        + "&d=DwMFAg&c=x",
        f"https://www.google.com/url?q={quote(PDF, safe='')}&sa=D",
    ],
)
def test_every_wrapper_comes_off(wrapped: str) -> None:
    assert unwrap(wrapped) == (PDF, "")


def test_blanks_in_a_name_have_one_spelling() -> None:
    encoded = "https://www.ice.gov/doclib/287gMOA/287gJEM_%20place.pdf"
    safelink = f"https://gcc02.safelinks.protection.outlook.com/?url={quote(encoded, safe='')}&data={DATA}"
    for spelt in (encoded, encoded.replace("%20", " "), safelink):
        assert unwrap(spelt) == (encoded, "")


def test_what_belongs_to_an_address_stays() -> None:
    for address in (
        "https://agency.example/file?id=7&page=2#annex",
        "http://agency.example:8080/a/",
        "https://agency.example/a%2Fb%25.pdf",
        "https://agency.example/A_(signed),v1.pdf",
    ):
        assert unwrap(address) == (address, "")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("mailto:jo@agency.example", "mailto"),
        ("file:///C:/Users/jo/MOA.pdf", "file"),
        ("javascript:alert(1)", "javascript"),
        ("..\\..\\MOA.pdf", "no web address"),
        ("https://gcc02.safelinks.protection.outlook.com/?data=" + DATA, "mail wrapper"),
        ("https://agency.example/jo@agency.example/moa.pdf", "e-mail"),
        ("https://agency.example/jo%2540agency.example/moa.pdf", "e-mail"),
        ("http://[broken", "Invalid"),
        ("https://host name/x", "no host"),
        ("https://agency.example:99999/", "Port"),
    ],
)
def test_what_leads_to_no_document(address: str, reason: str) -> None:
    found, why = unwrap(address)
    assert found == ""
    assert reason in why


def test_an_email_address_is_taken_out_of_what_remains() -> None:
    assert unwrap(f"{PDF}?by=jo%40agency.example") == (PDF, "an e-mail address")
    assert unwrap(f"{PDF}#jo@agency.example") == (PDF, "an e-mail address")
    assert unwrap(PDF.replace("https://", "https://jo@")) == (PDF, "a user name")


def test_addresses_inside_a_text() -> None:
    assert unwrap_within(f"see {SAFELINK} and call") == f"see {PDF} and call"
    assert unwrap_within("ask mailto:jo@agency.example now") == "ask  now"
    assert unwrap_within("County: Smith") == "County: Smith"


def test_the_first_address_of_a_text() -> None:
    assert first_address(f"{PDF}\nhttps://other.example/b.pdf") == PDF
    assert first_address(f"MOA: {PDF}; addendum") == f"{PDF}; addendum"
    assert first_address("https://www.ice.gov/a b.pdf ") == "https://www.ice.gov/a b.pdf"
    assert first_address("link pending") == ""


PIECES = """
    https:// http:// https:/ %40 @ jo@agency.example jo%2540x.example &amp; ?url= &data= # mailto: %20 % [ é
    https://gcc02.safelinks.protection.outlook.com/ https://web.archive.org/web/2021/ chrome-extension://x/
    www. a.example/b
"""
pieces = st.sampled_from((PDF, SAFELINK, DATA, " ", "\u202e", *PIECES.split()))


@given(st.lists(pieces | st.text(max_size=4), max_size=7).map("".join))
def test_whatever_comes_in_no_email_address_comes_out(address: str) -> None:
    found, _ = unwrap(address)
    assert found == "" or re.match(r"https?://[^/@]+/", found)
    plain = unquote(unquote(unquote(found)))
    assert not re.search(r"[^\s@/|,;=&?<>]@[^\s@/|,;=&?<>]", plain)
    assert unwrap(found)[0] == found or found == ""
    if ":/" in address:
        assert "@" not in unquote(unquote(unquote(unwrap_within(f"see {address}"))))


@given(st.lists(pieces, max_size=6).map("".join))
def test_what_is_ready_at_a_glance_is_what_unwrapping_gives(address: str) -> None:
    if ready := ready_address(address):
        assert unwrap(address)[0] == ready
