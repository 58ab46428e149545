"""What every test may ask for: the corpus of real lists, and an empty home."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["tests.publisher"]

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"


@pytest.fixture
def corpus() -> Path:
    if not (CORPUS / "manifest.csv").is_file():
        pytest.skip(f"the corpus of real lists is not at {CORPUS}")
    return CORPUS


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty COUNTERSIGN_HOME; every other setting of this machine is out of sight."""
    for name in ("DATABASE_URL", "CONTACT", "LISTS", "NOTIFY", "TOKEN", "PING_URL"):
        monkeypatch.delenv(f"COUNTERSIGN_{name}", raising=False)
    place = tmp_path / "home"
    monkeypatch.setenv("COUNTERSIGN_HOME", str(place))
    return place
