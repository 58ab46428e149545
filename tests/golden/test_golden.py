"""Reshaping the code changes nothing that anybody gets: digests over made lists, and over the real ones where they are.

How to write them anew, and when that is right, is in record.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden import record


def test_made_lists_in_order(home: Path, tmp_path: Path) -> None:
    record.replayed([record.made_manifest(tmp_path)])
    assert record.digests("made") == record.golden("made")


def test_made_lists_shuffled(home: Path, tmp_path: Path) -> None:
    record.replayed([record.shuffled(record.made_manifest(tmp_path), 3)])
    assert record.digests("made") == record.golden("made")


def test_names_that_scripts_rely_on(home: Path, tmp_path: Path) -> None:
    record.replayed([record.made_manifest(tmp_path)])
    assert record.surface() == record.golden("surface")


@pytest.mark.corpus
@pytest.mark.long
@pytest.mark.parametrize("seed", [None, 7])
def test_real_lists(home: Path, tmp_path: Path, corpus: Path, seed: int | None) -> None:
    manifest = record.corpus_manifest(tmp_path)
    record.replayed([manifest if seed is None else record.shuffled(manifest, seed)])
    assert record.digests("corpus") == record.golden("corpus")
