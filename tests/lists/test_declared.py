"""What a file of lists may say, and how it is told that it is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scraper.cadence import parse
from scraper.errors import ListError
from scraper.list_file import Lines, declared_lists, examine, sound_lists
from scraper.lists import Cadence, LinkRule

DOCS = Path(__file__).parents[2] / "docs" / "lists"
RIGHT = """\
# Two lists of our own.
[lists.towns]
page = "https://example.org/towns"
link = { text = "list of towns", never = "draft" }
key = ["state", "agency"]
documents = true
signed_window_days = 10
baseline = 2025-03-01

[lists.towns.columns]
"Town   NAME" = "agency"
State = "state"
"Since" = "signed"

[lists.towns.cadence]
crons = [
    "0 9 * * mon-fri",
    "@weekly",
    "every 6 hours",
]
time_zone = "America/Denver"

[lists.towns.plausible]
rows = [10, 20]
lost_share = 0.2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "lists.toml"


def problems(file: Path, text: str) -> list[str]:
    file.write_text(text, encoding="utf-8")
    return [str(problem) for problem in examine(file).problems]


def test_a_list_has_everything_it_says(file: Path) -> None:
    assert problems(file, RIGHT) == []
    [towns] = declared_lists(file, builtin=False)
    assert towns.columns == {"town name": "agency", "state": "state", "since": "signed"}
    assert towns.link == LinkRule("list of towns", r"(?!)", "draft")
    assert towns.cadence == Cadence(("0 9 * * mon-fri", "@weekly", "every 6 hours"), "America/Denver")
    assert (towns.key, towns.required, towns.time_zone) == (("state", "agency"),) * 2 + ("America/Denver",)
    assert (towns.plausible.rows, towns.plausible.lost_share, towns.documents) == ((10, 20), 0.2, True)
    assert (towns.signed_window.days, str(towns.baseline), towns.format) == (10, "2025-03-01", "xlsx")


def test_a_list_of_the_users_takes_a_built_in_ones_place(file: Path) -> None:
    file.write_text(RIGHT.replace("lists.towns", "lists.pending"), encoding="utf-8")
    lists = {item.name: item for item in declared_lists(file)}
    assert lists.keys() == {"participating", "pending"}
    assert lists["pending"].page == "https://example.org/towns"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("documents = true", "document = true", "line 6: towns: there is no “document”; did you mean “doc"),
        ("crons = [", "cron = [", "line 16: towns: there is no “cron”; did you mean “crons”?"),
        ("lost_share = 0.2", "lost_shares = 1", "line 25: towns: there is no “lost_shares”; did you"),
        ("America/Denver", "America/Denvr", "line 21: towns: “cadence.time_zone” is not a time zone"),
        ("0 9 * * mon-fri", "0 9 * * mon-fry", "line 16: towns: “cadence.crons.0” is no cadence"),
        ("[10, 20]", "[20, 10]", "line 24: towns: “plausible.rows” is [fewest, most]; 20 to 10 is no range"),
        ("[10, 20]", '["a", 20]', "line 24: towns: “plausible.rows.0” should be a valid integer"),
        ("lost_share = 0.2", "lost_share = 20", "line 25: towns: “plausible.lost_share” should be less than"),
        ('"list of towns"', '"list of (towns"', "line 4: towns: “link.text” is no regular expression"),
        ("https://example.org", "ftp://example.org", "line 3: towns: “page” must be a web address"),
        ("https://example.org", "http://127.0.0.1", "say private_addresses = true if you mean it"),
        ('"agency"\n', '"town"\n', "line 10: towns: no column is the “agency”"),
        ('["state", "agency"]', '["state", "agncy"]', "line 5: towns: “key” names 'agncy', which no col"),
        ('page = "https://example.org/towns"', "", "it needs one of “page”"),
        ("documents = true", 'file = "https://a.org/b"', "line 6: towns: it needs one of “page”"),
        ("documents = true", 'other = "pendin"', "no list is called 'pendin'; did you mean 'pending'?"),
        ("documents = true", 'format = "xslx"', "line 6: towns: “format” should be"),
        ("documents = true", 'format = "xslx"', "did you mean 'xlsx'?"),
        ("documents = true", 'options = { shet = "A" }', "line 6: towns: xlsx has no option “shet”; did"),
        ("documents = true", 'next_page = "more"', "line 6: towns: “next_page” is for format"),
        ('"signed"', '"singed"', "“singed” becomes a field of the list's own; did you mean “signed”?"),
        ("[lists.towns.plausible]", "[lists.towns.plausibel]", "line 23: towns: there is no “plausibel”"),
        ("[lists.towns]", "[list.towns]", "line 2: there is no “list” here; every list is a table"),
        ("[lists.towns]\n", "[lists.Towns]\n", "line 2: 'Towns' cannot be a list's name"),
        ("key = [", "key = [[", "it is not TOML: Unclosed array"),
        ('[lists.towns]\n', '[lists.towns]\npage = "https://b.org"\n', "it is not TOML: Cannot overwrite"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(file: Path, before: str, after: str, said: str) -> None:
    assert before in RIGHT
    found = problems(file, RIGHT.replace(before, after, 1))
    assert any(said in problem for problem in found), found


def test_a_wrong_file_is_refused_with_every_fault(file: Path) -> None:
    file.write_text(RIGHT.replace("documents", "document").replace("Denver", "Denvr"), encoding="utf-8")
    with pytest.raises(ListError) as refused:
        declared_lists(file)
    assert [line.partition(": ")[0] for line in str(refused.value).splitlines()] == [
        f"{file}, line 6",
        f"{file}, line 21",
    ]
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("made", [b"\xff\xfe\x00", b"", b"[lists]\n"])
def test_what_is_no_declaration_is_told(file: Path, made: bytes) -> None:
    file.write_bytes(made)
    with pytest.raises(ListError):
        declared_lists(file)


def test_what_is_not_there_is_told(file: Path) -> None:
    with pytest.raises(ListError, match="cannot be read: No such file"):
        declared_lists(file)


def test_every_cadence_that_is_let_in_can_be_kept(file: Path) -> None:
    """The check of the declaration and the clock's own reader agree."""
    assert problems(file, RIGHT) == []
    for expression in declared_lists(file, builtin=False)[0].cadence.crons:
        parse(expression)


@pytest.mark.parametrize("said", ["builtin = false\n", ""])
def test_the_built_in_lists_can_be_switched_off(file: Path, said: str) -> None:
    file.write_text(said + RIGHT, encoding="utf-8")
    assert [item.name for item in declared_lists(file, builtin=bool(said))] == ["towns"]
    assert [item.name for item in sound_lists(file, builtin=bool(said))[0]] == ["towns"]
    assert declared_lists(None, builtin=False) == ()


def test_lines_are_found_in_tables_arrays_and_inline_tables() -> None:
    lines = Lines(
        'a = 1\n\n[b."c d"]\nx = [\n 1,\n]\ny = { z = 2 }\ntext = """\n[not.a.table]\n"""\n[[e]]\nf.g = 1\n'
    )
    wanted = {("a",): 1, ("b", "c d"): 3, ("b", "c d", "x", 0): 4, ("b", "c d", "y", "z"): 7,
              ("b", "c d", "text"): 8, ("e",): 11, ("e", "f", "g"): 12, ("nowhere",): None}  # fmt: skip
    assert {path: lines.of(path) for path in wanted} == wanted


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_every_declaration_that_the_docs_print_is_right(file: Path, page: str) -> None:
    for block in re.findall(r"```toml\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL):
        assert problems(file, block) == [], page
