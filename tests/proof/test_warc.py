from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator
from warcio.checker import Checker

from changelog.evidence.warc import write_warc
from demo.made import Week
from tests.pipelines.conftest import History, files_of


@pytest.mark.parametrize("name", ["captures.warc", "captures.warc.gz"])
def test_captures_come_out_as_records_that_other_tools_read(
    history: History, published: list[Week], tmp_path: Path, name: str
) -> None:
    history.feed(files_of(published))
    place = tmp_path / name
    captured = [entry for entry in history.installation.archive.entries() if entry["kind"] == "capture"]
    assert write_warc(history.installation.archive, place) == len(captured)
    told: list[dict[str, object]] = []
    bodies = set()
    with place.open("rb") as file:
        for record in ArchiveIterator(file):
            if record.rec_type == "resource":
                bodies.add(hashlib.sha256(record.content_stream().read()).hexdigest())
            elif record.rec_type == "metadata":
                told.append(json.loads(record.content_stream().read()))
    assert told == captured
    assert bodies == {entry["sha256"] for entry in captured}


def test_another_tool_finds_every_digest_right(
    history: History, published: list[Week], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from argparse import Namespace

    history.feed(files_of(published)[:4])
    place = tmp_path / "captures.warc.gz"
    write_warc(history.installation.archive, place)
    checker = Checker(Namespace(inputs=[str(place)], verbose=True))
    checker.process_all()
    assert checker.exit_value == 0
    assert "fail" not in capsys.readouterr().out


def test_a_body_seen_again_is_a_revisit_and_the_bytes_are_the_same_each_time(
    history: History, published: list[Week], tmp_path: Path
) -> None:
    from dataclasses import replace
    from datetime import timedelta

    file = files_of(published)[0]
    later = replace(file.capture, captured_at=file.capture.captured_at + timedelta(days=1))
    sha256 = history.installation.archive.put(file.body)
    for capture in (file.capture, later):
        history.installation.archive.keep(replace(capture, sha256=sha256), history.installation.now())
    for name in ("a.warc", "b.warc"):
        write_warc(history.installation.archive, tmp_path / name, ["participating"])
    whole = (tmp_path / "a.warc").read_bytes()
    assert whole.replace(b"a.warc", b"b.warc") == (tmp_path / "b.warc").read_bytes()
    assert whole.count(b"WARC-Type: revisit") == 1
