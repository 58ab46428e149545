"""The report: its figures, its forms, and that nothing of a list gets out of its text."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from changelog.card import card, card_svg
from changelog.cells import harmless, markdown
from changelog.report_pages import as_html, as_markdown, content_policy
from changelog.reports import conversion_sentences, default_period, growth, report, week_of
from changelog.wording import headline, period
from countersign import run
from demo.agencies import Agency
from demo.workbooks import Line
from pipelines.history.figures import totals_between
from pipelines.installation import Installation
from scraper.errors import UsageError
from scraper.lists import PARTICIPATING, PENDING
from tests.pipelines.conftest import History, sheet

BUSY = (date(2025, 9, 29), date(2025, 10, 6))
PROMISED = {
    "list", "since", "until", "published_at", "total_agreements", "total_agencies", "total_states",
    "by_support_type", "by_state", "added", "removed", "returned", "renamed", "amended", "net", "new_agencies",
    "newly_signed", "baseline", "pending", "changes",
}  # fmt: skip
NASTY = '<script>alert(1)</script>|`*_[x](javascript:1) & Sheriff\'s "Office"'


@pytest.fixture
def busy(told: Installation) -> dict[str, Any]:
    return reported(told, *BUSY)


def reported(
    installation: Installation, since: date, until: date, baseline: date | None = None
) -> dict[str, Any]:
    with installation.engine.connect() as connection:
        return report(connection, installation.lists, "participating", since, until, baseline)


def test_the_promise_is_kept(busy: dict[str, Any]) -> None:
    assert set(busy) >= PROMISED
    assert set(busy["pending"]) >= PROMISED - {"changes", "pending"}
    assert set(busy["baseline"]) >= {"date", "total_agreements", "total_agencies", "percent"}
    json.dumps(busy)


def test_the_batch_of_55(busy: dict[str, Any]) -> None:
    assert (busy["added"], busy["total_agreements"], busy["net"]) == (55, 210, 55)
    assert busy["amended"] == 1
    assert sum(busy["added_by_state"].values()) == sum(busy["added_by_support_type"].values()) == 55
    added = [change for change in busy["changes"] if change["kind"] == "added"]
    new = {change["agency_id"] for change in added if change["new_agency"]}
    assert busy["new_agencies"] == len(new) <= busy["new_agency_agreements"] < 55
    assert busy["newly_signed"] == sum(change["newly_signed"] for change in added)
    assert busy["from_pending"] == sum(change["pending_since"] is not None for change in added) > 0
    assert busy["published_at"] == "2025-10-02T11:04:30Z"
    assert [p["agreements"] for p in busy["publications"]] == [210, 210]


def test_what_came_and_went_is_told_both_ways(told: Installation) -> None:
    both = reported(told, date(2025, 10, 6), date(2025, 10, 20))
    assert (both["added"], both["removed"], both["returned"], both["net"]) == (7, 1, 1, 7)
    assert both["lost_and_regained"] == 1
    said = " ".join(headline(both, PARTICIPATING))
    assert "1 left the list, 1 came back; the net change is +7." in said
    assert "1 lost and regained: counted above, without effect on the total." in said


def test_net_is_always_what_the_changes_add_up_to(told: Installation) -> None:
    whole = reported(told, date(2025, 9, 1), date(2025, 11, 1))
    assert whole["net"] == whole["added"] + whole["returned"] - whole["removed"] == 222 - 134


def test_a_declared_baseline_before_the_first_list_is_the_first_list(
    busy: dict[str, Any], told: Installation
) -> None:
    assert busy["baseline"]["date"] == "2025-09-10"
    assert (busy["baseline"]["total_agreements"], busy["baseline"]["percent"]) == (134, 56.7)
    asked = reported(told, *BUSY, baseline=date(2025, 9, 24))
    assert (asked["baseline"]["total_agreements"], asked["baseline"]["percent"]) == (155, 35.5)
    assert reported(told, *BUSY, baseline=date(2020, 1, 1))["baseline"] is None


def test_a_quiet_week_says_so(told: Installation) -> None:
    quiet = reported(told, date(2025, 11, 3), date(2025, 11, 10))
    assert (quiet["added"], quiet["net"], quiet["total_agreements"], quiet["publications"]) == (0, 0, 222, [])
    assert "No list was published in the week of 3 November 2025" in " ".join(headline(quiet, PARTICIPATING))


def test_what_became_of_applications_is_told_in_sentences() -> None:
    one = {"converted": 1, "median_days": 3.5, "left": 1, "waiting": 0}
    assert conversion_sentences(one) == [
        "1 application became an agreement in this period, at the median 3.5 days after the list of applications "
        "first had them.",
        "1 application left the list without one; 0 waited at its end.",
    ]
    none = {"converted": 0, "median_days": None, "left": 0, "waiting": 1_200}
    assert conversion_sentences(none)[0] == "0 applications became agreements in this period."
    assert conversion_sentences(none)[1].endswith("1,200 waited at its end.")
    assert conversion_sentences(None) == []


def test_a_report_adds_up_applications_as_its_changes_do(told: Installation) -> None:
    """Without a list of applications, or of that list itself, there is nothing to tell."""
    found = reported(told, date(2025, 9, 1), date(2025, 12, 1))
    became = found["conversions"]
    assert became["converted"] == found["from_pending"] > 0
    assert became["waiting"] >= len(became["oldest"]) > 0
    assert all(one["days"] >= 0 for one in became["oldest"])
    assert [one["days"] for one in became["oldest"]] == sorted(
        (one["days"] for one in became["oldest"]), reverse=True
    )
    with told.engine.connect() as connection:
        alone = report(connection, told.lists, "pending", date(2025, 9, 1), date(2025, 12, 1))
    assert alone["conversions"] is None


def test_periods_that_cannot_be(told: Installation) -> None:
    with pytest.raises(UsageError, match="recorded before"):
        reported(told, date(2024, 1, 1), date(2024, 1, 8))
    with pytest.raises(UsageError, match="ends after it begins"):
        reported(told, date(2025, 10, 8), date(2025, 10, 8))


def test_the_default_is_the_week_of_the_newest_list(told: Installation) -> None:
    with told.engine.connect() as connection:
        assert default_period(connection, PARTICIPATING) == (date(2025, 10, 20), date(2025, 10, 27))


@pytest.mark.parametrize(
    ("since", "until", "week", "said"),
    [
        (date(2025, 5, 12), date(2025, 5, 19), "2025-W20", "the week of 12 May 2025"),
        (date(2024, 12, 30), date(2025, 1, 6), "2025-W01", "the week of 30 December 2024"),
        (date(2025, 5, 13), date(2025, 5, 20), None, "13 May 2025 to 19 May 2025"),
        (date(2025, 5, 12), date(2025, 5, 13), None, "12 May 2025"),
    ],
)
def test_periods_have_names(since: date, until: date, week: str | None, said: str) -> None:
    assert week_of(since, until) == week
    assert period({"since": str(since), "until": str(until), "week": week}) == said


def test_growth_from_nothing_is_no_number() -> None:
    assert growth(0, 5) is None
    assert growth(135, 571) == 323.0


def test_markdown_says_every_addition_and_the_evidence(busy: dict[str, Any], told: Installation) -> None:
    text = as_markdown(busy, told.lists)
    added = [change for change in busy["changes"] if change["kind"] == "added"]
    assert all(f"| {markdown(change['agency'])} |" in text for change in added)
    assert busy["sha256"] in text
    assert "## Added: 55" in text
    assert "| **all** |" in text


class Page(HTMLParser):
    """Every tag with its attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def html_of(installation: Installation, told: dict[str, Any]) -> str:
    with installation.engine.connect() as connection:
        series = totals_between(connection, "participating", until=datetime(2025, 10, 6, tzinfo=UTC))
    return as_html(told, installation.lists, series)


def test_html_is_one_file_with_a_policy_that_its_style_fits(busy: dict[str, Any], told: Installation) -> None:
    html = html_of(told, busy)
    page = Page(html)
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "img", "iframe", "object")]
    assert not [
        a for _, attrs in page.tags for a in attrs if a in ("src", "href", "style") or a.startswith("on")
    ]
    assert not re.findall(r"url\(|@import", html)
    [policy] = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == content_policy()
    assert "unsafe" not in str(policy)
    assert ("html", {"lang": "en"}) in page.tags


def test_every_chart_in_the_page_has_words(busy: dict[str, Any], told: Installation) -> None:
    page = Page(html_of(told, busy))
    charts = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert len(charts) == 4
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for attrs in charts:
        assert attrs["role"] == "img"
        assert set(str(attrs["aria-labelledby"]).split()) <= set(ids)


def test_texts_of_the_lists_stay_text(tmp_path: Path) -> None:
    history = History(tmp_path)
    first = [
        Line(Agency("TEXAS", f"{name} Police Department", "Municipality", ""), "TFM", date(2025, 5, 1))
        for name in NAMES
    ]
    nasty = Line(Agency("TEXAS", NASTY, "Municipality", ""), "TFM", date(2025, 5, 12))
    history.feed(
        [
            sheet(first, datetime(2025, 5, 1, tzinfo=UTC)),
            sheet([*first, nasty], datetime(2025, 5, 13, tzinfo=UTC)),
        ]
    )
    told = reported(history.installation, date(2025, 5, 12), date(2025, 5, 19))
    assert told["added"] == 1
    html = as_html(told, history.installation.lists, [])
    assert "<script>" not in html
    assert "alert(1)" in Page(html).text
    text = as_markdown(told, history.installation.lists)
    [agency] = [change["agency"] for change in told["changes"]]
    assert markdown(agency) in text
    assert not re.search(r"(?<!\\)<script", text)
    etree.fromstring(card_svg(told | {"published_name": NASTY}, PARTICIPATING).encode())
    history.installation.engine.dispose()


NAMES = [f"{first}{last}" for first in ("Oak", "Elm", "Cedar", "Maple", "Stone", "Iron") for last in (
    "ville", "ton", " Springs", " Hollow", "field", " Harbor", " Junction", "burg", "wood", " Heights")]  # fmt: skip


def test_the_card_is_a_picture_of_its_size(busy: dict[str, Any], told: Installation) -> None:
    with told.engine.connect() as connection:
        picture = card(busy, PARTICIPATING, totals_between(connection, "participating"))
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")) == (1200, 630)
    words = "".join(etree.fromstring(card_svg(busy, PARTICIPATING).encode()).itertext())
    assert "210 agreements" in words
    assert "+55 added in the week of 29 September 2025" in words


def test_the_pending_list_has_a_report_of_its_own(told: Installation) -> None:
    with told.engine.connect() as connection:
        alone = report(connection, told.lists, "pending", *BUSY)
    assert alone["pending"] is None
    assert "applications" in " ".join(headline(alone, PENDING))
    assert "newly applied" not in " ".join(headline(alone, PENDING))
    assert "## 287" not in as_markdown(alone, told.lists)


@pytest.fixture
def at_home(told: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_HOME", str(told.settings.home))
    monkeypatch.delenv("COUNTERSIGN_DATABASE_URL", raising=False)


@pytest.mark.usefixtures("at_home")
class TestCommand:
    def test_json_is_the_report(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["report", "--list", "participating", "--week", "2025-W40", "--format", "json"]) == 0
        assert json.loads(capsys.readouterr().out)["added"] == 55

    def test_days_are_the_same_as_their_week(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["report", "--since", "2025-09-29", "--until", "2025-10-06"]) == 0
        by_days = capsys.readouterr().out
        assert run(["report", "--week", "2025-W40"]) == 0
        assert capsys.readouterr().out == by_days

    @pytest.mark.parametrize("shape", ["md", "html", "json", "png"])
    def test_a_file_of_each_form(self, tmp_path: Path, shape: str) -> None:
        path = tmp_path / f"report.{shape}"
        assert run(["report", "--week", "2025-W40", "--output", str(path)]) == 0
        first = path.read_bytes()
        assert run(["report", "--week", "2025-W40", "--output", str(path)]) == 0
        assert path.read_bytes() == first

    @pytest.mark.parametrize(
        "options",
        [
            ["--week", "2025-W60"], ["--week", "x"], ["--since", "yesterday"], ["--until", "2025-10-06"],
            ["--week", "2025-W40", "--since", "2025-01-01"], ["--list", "nobody"], ["--format", "docx"],
            ["--format", "png"], ["--since", "2025-10-06", "--until", "2025-10-01"],
        ],
    )  # fmt: skip
    def test_wrong_usage_is_said(self, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["report", *options]) == 2
        assert capsys.readouterr().err.startswith("countersign: ")

    def test_a_claim(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert (
            run(["claim", "55 agreements in the last week", "--as-of", "2025-10-02", "--format", "json"]) == 0
        )
        told = json.loads(capsys.readouterr().out)
        assert {"text", "as_of", "figures", "summary"} <= set(told)
        assert set(told["figures"][0]) >= {"phrase", "kind", "value", "holds", "nearest", "answer"}
        assert (
            run(["claim", "55 agreements in the last week", "--as-of", "2025-10-02", "--format", "table"])
            == 0
        )
        assert "holds for 55 as agreements added in the week of 29 September 2025" in " ".join(
            capsys.readouterr().out.split()
        )


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
def test_formulas_are_made_harmless(text: str) -> None:
    assert harmless(text) == f"'{text}"


def test_markdown_keeps_a_text_on_its_line() -> None:
    assert markdown("<b>|`*_[x]") == "\\<b\\>\\|\\`\\*\\_\\[x\\]"
    assert markdown("one\n# two") == "one \\# two"


@pytest.mark.parametrize("text", ["", "Adams County", "1+1", "'=1"])
def test_other_cells_stay(text: str) -> None:
    assert harmless(text) == text
