from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.errors import AmbiguousError, PublisherError, RefusedError
from scraper.lists import PARTICIPATING, PENDING
from scraper.spiders.links import Link, choose_links, judge_links

PAGE = "https://www.ice.gov/identify-and-arrest/287g"
DOCLIB = "https://www.ice.gov/doclib/about/offices/ero/287g/"
NUMBER = "https://www.ice.gov/file-download/download/public/"
LISTS = (PARTICIPATING, PENDING)


def button(href: str, text: str) -> str:
    return f'<p><a class="usa-button" href="{href}" target="_blank">{text}</a></p>'


def urls(html: str) -> tuple[str | None, str | None]:
    chosen = choose_links(html, PAGE, LISTS)
    first, second = (chosen[published.name] for published in LISTS)
    return first.url if first else None, second.url if second else None


BOTH = (DOCLIB + "participatingAgencies04082025pm.xlsx", DOCLIB + "pendingAgencies04082025pm.xlsx")
P_TEXT, Q_TEXT = "View 287(g) Participating Agencies", "View 287(g) Pending Agencies"


@pytest.mark.parametrize(
    "hrefs",
    [
        BOTH,
        tuple(url.removeprefix("https://www.ice.gov") for url in BOTH),
        tuple(url.removeprefix("https:") for url in BOTH),
        tuple(f"  {url}#top\n" for url in BOTH),
        tuple(f"{url}?utm_source=gov&amp;utm_medium=email" for url in BOTH),
        tuple(f"..{url.removeprefix('https://www.ice.gov')}" for url in BOTH),
    ],
)
def test_addresses_in_every_form_lead_to_the_same_two_files(hrefs: tuple[str, str]) -> None:
    assert urls(button(hrefs[0], P_TEXT) + button(hrefs[1], Q_TEXT)) == BOTH


def test_numbered_addresses_are_told_apart_by_their_text() -> None:
    html = button(NUMBER + "141001", P_TEXT) + button(NUMBER + "141002", Q_TEXT)
    assert urls(html) == (NUMBER + "141001", NUMBER + "141002")


def test_one_list_in_each_form() -> None:
    html = button(NUMBER + "141001", P_TEXT) + button(BOTH[1], Q_TEXT)
    assert urls(html) == (NUMBER + "141001", BOTH[1])


def test_mute_texts_are_told_apart_by_their_file_names() -> None:
    assert urls(button(BOTH[0], "Download") + button(BOTH[1], "Download")) == BOTH


@pytest.mark.parametrize("text", ["Download", "click here", "Excel (60 KB)", "", "<img src='x.png'>"])
def test_when_text_and_address_are_mute_the_heading_speaks(text: str) -> None:
    html = (
        "<h2>287(g) <em>Participating</em> Agencies</h2>" + button("/file-download/download/public/123", text)
        + "<h2>287(g) Pending Agencies</h2>" + button("/file-download/download/public/124", text)
    )  # fmt: skip
    assert urls(html) == (NUMBER + "123", NUMBER + "124")


def test_a_heading_does_not_make_a_list_of_every_document_below_it() -> None:
    html = (
        "<h2>287(g) Participating Agencies</h2>"
        + button(NUMBER + "7", "Fact sheet")
        + button("/doclib/moa.pdf", "Download")
        + button(NUMBER + "8", "Download")
    )
    assert urls(html) == (NUMBER + "8", None)


def test_a_heading_speaks_for_a_link_with_other_words_when_it_is_all_there_is() -> None:
    html = "<h2>287(g) Participating Agencies</h2>" + button(NUMBER + "8", "All law enforcement agencies")
    assert urls(html) == (NUMBER + "8", None)


@pytest.mark.parametrize(
    "markup",
    [
        '<A HREF="{url}" TARGET=_blank>View 287(g) Participating Agencies</A>',
        "<a href='{url}'><span>View</span> 287(g) <b>Parti</b>cipating<br>Agencies</a>",
        "<a href={url}>View 287(g)&nbsp;Participating&nbsp;Agencies</a>",
        '<a href="{url}">View 287(g) participating\n   agency list</a>',
        '<a title="287(g) Participating Agencies" href="{url}">Open</a>',
        '<a href="{url}"><img alt="Participating agencies" src="x.svg"></a>',
        '<div><p><a href="{url}">View 287(g) Participating Agencies',
    ],
)
def test_markup_of_every_kind(markup: str) -> None:
    assert urls(markup.format(url=NUMBER + "9")) == (NUMBER + "9", None)


@pytest.mark.parametrize(
    "name",
    [
        "participatingAgencies04082025.xlsx",
        "participatingAgencies04082025amB.xlsx",
        "ParticipatingAgency040825.xlsx",
        "participatingAgencies_20250408.xlsx",
        "participating-agencies.xlsx",
        "Participating%20Agencies.xlsx",
        "participatingAgencies.csv",
        "ParticipatingEntities.xlsx",
    ],
)
def test_file_names_of_every_kind(name: str) -> None:
    assert urls(button(DOCLIB + name, "Download the list")) == (DOCLIB + name, None)


def test_a_list_that_is_not_on_the_page_is_none() -> None:
    assert urls(button(BOTH[0], P_TEXT)) == (BOTH[0], None)
    assert urls("") == urls("<p>Nothing here</p>") == (None, None)


def test_other_documents_are_ignored() -> None:
    others = (
        button(DOCLIB + "participatingAgenciesFaq.pdf", "FAQ for participating agencies")
        + button(DOCLIB + "participatingAgenciesMap.png", "Map of participating agencies")
        + button(DOCLIB + "moaPendingAgencies.docx", "MOA for pending agencies")
        + button("mailto:x@ice.gov", "Participating agencies desk")
        + button("#participating", "Participating agencies")
        + '<nav><a href="/partners/participating-agencies">Participating agencies</a></nav>'
    )
    assert urls(others + button(BOTH[0], P_TEXT)) == (BOTH[0], None)
    assert urls(others) == (None, None)


def test_the_same_link_twice_is_one_link() -> None:
    html = button(BOTH[0], P_TEXT) + button("http://WWW.ICE.GOV:80" + BOTH[0][19:] + "#x", P_TEXT)
    assert urls(html) == (BOTH[0], None)


def test_the_declared_format_is_preferred() -> None:
    html = button(DOCLIB + "participatingAgencies.csv", P_TEXT) + button(BOTH[0], P_TEXT)
    assert urls(html) == (BOTH[0], None)


def test_two_files_for_one_list_are_refused_by_name() -> None:
    older = DOCLIB + "participatingAgencies04072025.xlsx"
    html = button(BOTH[0], P_TEXT) + button(older, "Download") + button(BOTH[1], Q_TEXT)
    with pytest.raises(AmbiguousError) as refusal:
        choose_links(html, PAGE, LISTS)
    assert BOTH[0] in str(refusal.value)
    assert older in str(refusal.value)
    judged = judge_links(html, PAGE, LISTS)
    assert isinstance(judged["participating"], AmbiguousError)
    assert judged["pending"] == Link(BOTH[1], Q_TEXT, "text")


@pytest.mark.parametrize("same", [NUMBER + "5", BOTH[0], BOTH[1]])
def test_one_file_for_both_lists_is_refused_for_both(same: str) -> None:
    html = button(same, P_TEXT) + button(same, Q_TEXT)
    with pytest.raises(AmbiguousError, match="same file"):
        choose_links(html, PAGE, LISTS)
    assert all(isinstance(told, AmbiguousError) for told in judge_links(html, PAGE, LISTS).values())


def test_a_link_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(AmbiguousError, match="two things at once"):
        choose_links(button(BOTH[1], P_TEXT), PAGE, LISTS)


def test_a_base_element_counts() -> None:
    html = '<head><base href="https://files.example.org/x/"></head>' + button("list.xlsx", P_TEXT)
    assert urls(html) == ("https://files.example.org/x/list.xlsx", None)


@pytest.mark.parametrize(
    "link",
    [
        '<a href="javascript:get(1)">View 287(g) Participating Agencies</a>',
        '<a href="#" onclick="get(1)">View 287(g) Participating Agencies</a>',
        '<button onclick="get(1)">View 287(g) Participating Agencies</button>',
        '<a href="file:///etc/passwd">View 287(g) Participating Agencies</a>',
    ],
)
def test_a_link_without_a_web_address_is_not_absent(link: str) -> None:
    with pytest.raises(RefusedError, match="has no web address of its own"):
        choose_links(link, PAGE, LISTS)


def test_ten_thousand_links_are_no_trouble() -> None:
    crowd = "".join(f'<li><a href="/news/{number}">News {number}</a></li>' for number in range(10_000))
    assert urls(crowd + button(BOTH[0], P_TEXT)) == (BOTH[0], None)


def test_deep_nesting_is_no_trouble() -> None:
    html = "<div>" * 50_000 + button(BOTH[0], P_TEXT)
    judge_links(html, PAGE, LISTS)


ATOMS = st.sampled_from(
    [
        *(
            "<a href='",
            "'>",
            "</a>",
            "<h2>",
            "</h2>",
            "<base href='",
            "Participating Agencies",
            "pending agencies",
        ),
        *("/public/12", "//", "http://[", "http://h:99999/x.xlsx", ".xlsx", "javascript:", "\x00", "\ud800"),
        *(
            "<!--",
            "-->",
            "<script>",
            "<svg>",
            "<![CDATA[",
            "<?xml version='1.0' encoding='x'?>",
            "%",
            "\\",
            "&#0;",
        ),
    ]
)


@given(st.lists(ATOMS | st.text(max_size=8), max_size=30).map("".join))
def test_no_page_makes_it_crash(html: str) -> None:
    for link in judge_links(html, PAGE, LISTS).values():
        assert link is None or isinstance(link, Link | PublisherError)
        if isinstance(link, Link):
            assert link.url.startswith(("http://", "https://"))
