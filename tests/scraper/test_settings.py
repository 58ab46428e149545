from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scraper.errors import UsageError
from scraper.lists import PARTICIPATING
from scraper.settings import get_settings, scrapy_settings


def test_defaults_keep_everything_in_home(home: Path) -> None:
    settings = get_settings()
    assert settings.home == home
    assert settings.database_url == f"sqlite:///{home}/countersign.sqlite"
    assert settings.contact is None
    assert settings.notify == ()


def test_home_is_var_when_nothing_is_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_HOME", "")
    settings = get_settings()
    assert settings.home == Path("var")
    assert settings.database_url == f"sqlite:///{Path.cwd()}/var/countersign.sqlite"


def test_the_environment_is_read_anew_each_time(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert get_settings().contact is None
    monkeypatch.setenv("COUNTERSIGN_CONTACT", "desk@example.org")
    assert get_settings().contact == "desk@example.org"
    assert get_settings().user_agent.endswith("(+desk@example.org)")


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("mailto://a@example.org", ("mailto://a@example.org",)),
        ("json://localhost, xml://localhost", ("json://localhost", "xml://localhost")),
        ("json://localhost\nxml://localhost ", ("json://localhost", "xml://localhost")),
        ("mailto://u:p@h?to=a@x.org,b@x.org,json://h", ("mailto://u:p@h?to=a@x.org,b@x.org", "json://h")),
    ],
)
def test_notify_is_one_string_of_addresses(
    home: Path, monkeypatch: pytest.MonkeyPatch, text: str, addresses: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COUNTERSIGN_NOTIFY", text)
    assert get_settings().notify == addresses


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("CONTACT", "desk\r\nX-Evil: 1", "COUNTERSIGN_CONTACT must be an e-mail address or a web address"),
        ("NOTIFY", "hunter2", "COUNTERSIGN_NOTIFY address number 1 is not an Apprise URL"),
        ("DATABASE_URL", "mysql://hunter2@h/db", "COUNTERSIGN_DATABASE_URL must begin with sqlite:///"),
        ("PING_URL", "ping hunter2", "COUNTERSIGN_PING_URL must be a web address"),
        ("TIMEOUT_SECONDS", "hunter2", "COUNTERSIGN_TIMEOUT_SECONDS should be a valid number"),
        ("RETRIES", "-1", "COUNTERSIGN_RETRIES should be greater than or equal to 0"),
    ],
)
def test_a_wrong_value_is_named_but_never_repeated(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(f"COUNTERSIGN_{name}", value)
    with pytest.raises(UsageError) as wrong:
        get_settings()
    assert str(wrong.value).startswith(sentence)
    assert "hunter2" not in str(wrong.value)


def test_the_token_does_not_show(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_TOKEN", "hunter2")
    assert "hunter2" not in repr(get_settings())


def test_scrapy_is_polite_and_closed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_CONTACT", "desk@example.org")
    told = scrapy_settings(get_settings(), PARTICIPATING)
    assert told["ROBOTSTXT_OBEY"] is True
    assert told["DOWNLOAD_DELAY"] == PARTICIPATING.delay_seconds
    assert told["DEFAULT_REQUEST_HEADERS"]["From"] == "desk@example.org"
    assert told["TELNETCONSOLE_ENABLED"] is False
    assert told["REMOTE_CONTROL_ENABLED"] is False
    assert told["EXTENSIONS_BASE"] == {}


def test_lists_settings_and_archive_load_without_scrapy() -> None:
    code = "import sys, scraper.lists, scraper.settings, scraper.archive; print('scrapy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
