from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scraper.errors import UsageError
from scraper.lists import PARTICIPATING
from scraper.settings import Settings, get_settings, scrapy_settings


@pytest.fixture(autouse=True)
def no_database_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the tests run on another one."""
    monkeypatch.delenv("COUNTERSIGN_DATABASE_URL", raising=False)


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


def test_an_empty_variable_is_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = get_settings()
    for name in Settings.model_fields.keys() - {"home"}:
        monkeypatch.setenv(f"COUNTERSIGN_{name.upper()}", "")
    assert get_settings() == plain
    # Nor does it hide one that is written otherwise and says something.
    monkeypatch.setenv("countersign_contact", "desk@example.org")
    assert get_settings().contact == "desk@example.org"


@pytest.mark.parametrize("name", ["COUNTERSIGN_RETRIES", "countersign_retries", "Countersign_Retries"])
def test_the_case_of_a_name_does_not_matter(home: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "5")
    assert get_settings().retries == 5


def test_only_names_with_our_prefix_are_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RETRIES", "COUNTERSIGNRETRIES", "MY_COUNTERSIGN_RETRIES", "COUNTERSIGN_RETRY"):
        monkeypatch.setenv(name, "hunter2")
    assert get_settings().retries == 2


def test_every_kind_of_value_is_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "HOME": "~/watched",
        "LISTS": "~/lists.toml",
        "TOKEN": "hunter2",
        "WEBHOOK_SECRET": "sixteen letters!",
        "WEBHOOK_URL": "https://desk.example.org/hook",
        "WEBHOOK_PRIVATE": "true",
        "TIMEOUT_SECONDS": "1.5",
        "PAGE_BYTES": "1000",
        "DIGEST_DAY": "off",
        "NOTIFY_LISTS": "participating, pending",
        "NOTIFY_STATES": "fl TX",
        "NOTIFY_KINDS": "added,removed",
        "DATABASE_URL": "postgresql://desk@db.example.org/lists",
        "ARCHIVE_URL": "s3://evidence/countersign",
    }
    for name, value in told.items():
        monkeypatch.setenv(f"COUNTERSIGN_{name}", value)
    settings = get_settings()
    assert settings.home == Path.home() / "watched"
    assert settings.lists == Path.home() / "lists.toml"
    assert settings.token is not None
    assert settings.token.get_secret_value() == "hunter2"
    assert settings.webhook_secret is not None
    assert settings.webhook_secret.get_secret_value() == "sixteen letters!"
    assert settings.webhook_url == "https://desk.example.org/hook"
    assert settings.webhook_private is True
    assert settings.timeout_seconds == 1.5
    assert settings.page_bytes == 1000
    assert settings.digest_day == "off"
    assert settings.notify_lists == ("participating", "pending")
    assert settings.notify_states == ("FL", "TX")
    assert settings.notify_kinds == ("added", "removed")
    assert settings.database_url == "postgresql+psycopg://desk@db.example.org/lists"
    assert settings.archive_url == "s3://evidence/countersign"


def test_what_is_given_goes_before_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_RETRIES", "5")
    monkeypatch.setenv("COUNTERSIGN_CONTACT", "desk@example.org")
    settings = Settings(home=home / "other", retries=1)
    assert (settings.retries, settings.contact) == (1, "desk@example.org")
    assert settings.database_url == f"sqlite:///{home}/other/countersign.sqlite"


def test_settings_do_not_change(home: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        get_settings().retries = 3  # type: ignore[misc]


def test_every_wrong_value_is_named_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_RETRIES", "11")
    monkeypatch.setenv("COUNTERSIGN_WEBHOOK_URL", "https://desk.example.org/hook")
    monkeypatch.setenv("COUNTERSIGN_WEBHOOK_PRIVATE", "perhaps")
    monkeypatch.setenv("COUNTERSIGN_DIGEST_DAY", "monday")
    with pytest.raises(UsageError) as wrong:
        get_settings()
    assert str(wrong.value).split("; ") == [
        "COUNTERSIGN_DIGEST_DAY should be 'mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun' or 'off'",
        "COUNTERSIGN_WEBHOOK_URL needs COUNTERSIGN_WEBHOOK_SECRET, by which the receiver knows who sent it",
        "COUNTERSIGN_WEBHOOK_PRIVATE should be a valid boolean, unable to interpret input",
        "COUNTERSIGN_RETRIES should be less than or equal to 10",
    ]


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
