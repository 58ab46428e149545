"""A bounded run over every target, and every crash that was ever found (`crashes/`), as a test."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import SEEDS, members, packed, seeds_of
from tests.fuzz.targets import TARGETS

CRASHES = Path(__file__).parent / "crashes"
EXAMPLES = {"read-pdf": 3, "read-xlsx": 400, "read-ods": 120}
# What breaks readers more often than chance does.
PIECES = (
    b"\0", b"\xff", b"<", b">", b"&", b"&#0;", b"&#x110000;", b'"', b"'", b"]]>", b"<!--", b"<![CDATA[", b"\r\n",
    b"-1", b"1e999", b"NaN", b"99999999999999999999", b"../", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"A" * 300,
    b"{", b"}", b"[", b"]", b"\\u0000", b"\\ud800", b"%00", b"%", b"@", b"://", b"\xc2\xa0", b'r="0"', b't="s"',
    b"<c/>", b"<row/>", b"<mergeCell ref='A1:XFD1048576'/>", b"_x0000_", b"0/0/0", b"\xe2\x80\xae", b" of ",
)  # fmt: skip


@st.composite
def changed(draw: st.DrawFn, original: bytes) -> bytes:
    """A document with a few places cut out, doubled, exchanged or put in."""
    data = original
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 40)))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=8), st.just(data[at:end] * 2)))
        data = data[:at] + piece + data[draw(st.sampled_from((at, end))) :]
    return data


@st.composite
def changed_inside(draw: st.DrawFn, original: bytes) -> bytes:
    """A whole zip, with one member changed or taken away."""
    parts = members(original)
    name = draw(st.sampled_from(sorted(parts)))
    if draw(st.integers(0, 9)) == 0:
        del parts[name]
    else:
        parts[name] = draw(changed(parts[name]))
    return packed(parts)


def documents(name: str) -> st.SearchStrategy[bytes]:
    seeds = seeds_of(name)
    some = st.sampled_from(seeds)
    ways = [some.flatmap(changed), st.binary(max_size=200)]
    if seeds[0].startswith(b"PK"):
        ways = [some.flatmap(changed_inside), *ways]
    if seeds[0].isascii() or name not in SEEDS:
        ways.append(st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass")))
    return st.one_of(ways)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_no_bytes_break_it(name: str) -> None:
    @settings(
        max_examples=EXAMPLES.get(name, 300),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(documents(name))
    def run(data: bytes) -> None:
        TARGETS[name](data)

    for original in SEEDS.get(name, ()):
        TARGETS[name](original)
    run()


def crashes() -> list[Path]:
    return sorted(path for path in CRASHES.glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", crashes(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_broke_it_once_breaks_it_no_more(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())
