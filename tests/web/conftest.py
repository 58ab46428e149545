"""Pages for the tests: made lists of several weeks, one list that is held, and a token."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from demo.made import weeks
from pipelines.installation import Installation, open_installation
from scraper.lists import BUILT_IN
from scraper.settings import Settings, get_settings
from tests.pipelines.conftest import History, files_of, sheet
from tests.pipelines.test_held import signed_lines
from web.app import create_app

TOKEN = "a token for the tests"  # noqa: S105
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
Client = Callable[..., TestClient]


def settings_of(home: Path) -> Settings:
    return get_settings().model_copy(
        update={"home": home, "database_url": f"sqlite:///{home}/countersign.sqlite"}
    )


@pytest.fixture(scope="session")
def told_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight made publications of both lists, and a ninth of the signed one that nobody can believe."""
    place = tmp_path_factory.mktemp("told") / "home"
    place.mkdir()
    history = History(place)
    published = weeks()
    strange = sheet(signed_lines(60), published[-1].published_at + timedelta(days=2))
    history.feed([*files_of(published), strange])
    assert len(history.held()) == 1
    history.installation.engine.dispose()
    return place


@pytest.fixture
def installation(told_home: Path, tmp_path: Path) -> Iterator[Installation]:
    """A copy of the told home, to be acted on."""
    place = tmp_path / "copy"
    shutil.copytree(told_home, place)
    opened = replace(open_installation(settings_of(place), BUILT_IN), now=lambda: NOW)
    yield opened
    opened.engine.dispose()


@pytest.fixture(scope="session")
def read_house(told_home: Path) -> Iterator[Installation]:
    """The told home itself, only to be read."""
    opened = replace(open_installation(settings_of(told_home), BUILT_IN), now=lambda: NOW)
    yield opened
    opened.engine.dispose()


@pytest.fixture(scope="session")
def reader(read_house: Installation) -> Iterator[TestClient]:
    """Somebody who reads, and is not signed in."""
    with client_of(create_app(read_house, TOKEN)) as client:
        yield client


def client_of(app: FastAPI) -> TestClient:
    return TestClient(app, base_url="http://localhost", follow_redirects=False)


@pytest.fixture
def client(installation: Installation) -> Iterator[TestClient]:
    """Somebody in a browser of their own, not signed in yet."""
    with client_of(create_app(installation, TOKEN)) as client:
        client.headers["Sec-Fetch-Site"] = "same-origin"
        yield client


@pytest.fixture
def signed_in(client: TestClient) -> TestClient:
    answer = client.post("/sign-in", data={"token": TOKEN, "name": "Rosa Reader"})
    assert answer.status_code == 303
    return client


@pytest.fixture
def bearer() -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}"}
