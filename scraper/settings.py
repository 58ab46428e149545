"""The only reader of the environment, and Scrapy's settings for one list.

Every setting is an environment variable COUNTERSIGN_<NAME>; an empty one counts as not set.
"""

from __future__ import annotations

import os
import re
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from scraper.errors import UsageError
from scraper.lists import PublishedList

PREFIX = "COUNTERSIGN_"
HOSTS_AT_ONCE = 16  # that are asked by one crawler
_SECRET_LENGTH = 16
_BETWEEN_ADDRESSES = re.compile(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")


class Settings(BaseModel):
    """`database_url` is always filled: SQLite in `home` when nothing else is set."""

    # pydantic-settings would do the same, for a tenth of the time and the memory of a look that finds nothing.
    model_config = ConfigDict(frozen=True, extra="ignore", validate_default=True)

    home: Path = Path("var")
    database_url: str = ""
    archive_url: str | None = None
    contact: str | None = None
    lists: Path | None = None
    builtin: bool = True
    notify: tuple[str, ...] = ()
    token: SecretStr | None = None
    notify_lists: tuple[str, ...] = ()
    notify_states: tuple[str, ...] = ()
    notify_kinds: tuple[str, ...] = ()
    digest_day: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "off"] = "mon"
    webhook_secret: SecretStr | None = None
    webhook_url: str | None = None
    webhook_private: bool = False
    ping_url: str | None = None
    public_url: str | None = None
    site: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    cors: bool = True
    timeout_seconds: float = Field(default=90, gt=0, le=3600)
    retries: int = Field(default=2, ge=0, le=10)
    backoff_seconds: float = Field(default=3, ge=0, le=300)
    page_bytes: int = Field(default=10_000_000, gt=0)
    documents_per_round: int = Field(default=200, ge=0, le=10_000)

    @field_validator("home", "lists", "site")
    @classmethod
    def _home_of_the_user(cls, value: Path | None) -> Path | None:
        return value.expanduser() if value else None

    @field_validator("archive_url")
    @classmethod
    def _bucket(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+(/[\w.-]+)*/?", value, re.ASCII):
            # It has no place for a password, but somebody may have tried.
            raise ValueError("must be s3://bucket/prefix; endpoint and credentials are AWS_ variables")
        return value

    @field_validator("contact")
    @classmethod
    def _fits_a_header(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[\x20-\x7e]{3,200}", value):
            raise ValueError("must be an e-mail address or a web address in plain ASCII")
        return value

    @field_validator("notify", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Addresses stand apart by commas or blanks; a comma inside an address is part of it."""
        if not isinstance(value, str):
            return value
        return tuple(part for part in _BETWEEN_ADDRESSES.split(value.strip(" ,")) if part)

    @field_validator("notify")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for number, address in enumerate(value, 1):
            if "://" not in address:
                # The address itself may hold a password, so it is not repeated.
                raise ValueError(f"address number {number} is not an Apprise URL (service://...)")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(str(ip_network(part)) for part in value)
        except ValueError as wrong:
            raise ValueError(f"must be addresses or networks (127.0.0.1, 10.0.0.0/8): {wrong}") from None

    @field_validator("notify_lists", "notify_states", "notify_kinds", "trusted_proxies", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("notify_states")
    @classmethod
    def _states(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not re.fullmatch(r"[A-Za-z]{2}", state) for state in value):
            raise ValueError("must be two letters for each state (FL, TX)")
        return tuple(state.upper() for state in value)

    @field_validator("notify_kinds")
    @classmethod
    def _kinds(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = ("added", "removed", "returned", "renamed", "amended")
        if any(kind not in known for kind in value):
            raise ValueError(f"must be of: {', '.join(known)}")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < _SECRET_LENGTH:
            raise ValueError(f"must have {_SECRET_LENGTH} characters or more")
        return value

    @field_validator("ping_url", "webhook_url", "public_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://[^/\s]+", value):
            raise ValueError("must be a web address (https://...)")
        return value

    @field_validator("webhook_url")
    @classmethod
    def _signed(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value and not info.data.get("webhook_secret"):
            raise ValueError(f"needs {PREFIX}WEBHOOK_SECRET, by which the receiver knows who sent it")
        return value

    @model_validator(mode="before")
    @classmethod
    def _told(cls, values: dict[str, Any]) -> dict[str, Any]:
        """What is not given is told by the environment, and the database is at home unless it is told."""
        names = {f"{PREFIX}{name}".upper(): name for name in cls.model_fields}
        given = {key.upper(): value for key, value in os.environ.items() if value}
        told = {name: given[key] for key, name in names.items() if key in given}
        values = {**told, **values}
        if not values.get("database_url"):
            home = Path(values.get("home") or cls.model_fields["home"].default).expanduser()
            values = {**values, "database_url": f"sqlite:///{home.absolute() / 'countersign.sqlite'}"}
        return values

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if not value.startswith(
            ("sqlite://", "sqlite+pysqlite://", "postgresql://", "postgresql+psycopg://")
        ):
            raise ValueError("must begin with sqlite:/// or postgresql+psycopg://")
        return re.sub(r"^postgresql://", "postgresql+psycopg://", value)

    @property
    def user_agent(self) -> str:
        return f"countersign/{version()}" + (f" (+{self.contact})" if self.contact else "")


def get_settings() -> Settings:
    """The settings as the environment has them now. Raises UsageError naming every wrong one."""
    try:
        return Settings()
    except ValidationError as wrong:
        raise UsageError(
            "; ".join(
                f"{PREFIX}{str(error['loc'][0]).upper()} {_said(error['msg'])}" for error in wrong.errors()
            )
        ) from None


@cache
def version() -> str:
    try:
        return installed_version("countersign")
    except PackageNotFoundError:
        return "0"


def _said(message: str) -> str:
    """Pydantic's sentence, continuing ours; the value is left out, because it may be a secret."""
    said = message.removeprefix("Value error, ").removeprefix("Input ")
    return said[:1].lower() + said[1:]


def scrapy_settings(settings: Settings, *lists: PublishedList) -> dict[str, Any]:
    """Scrapy's settings for a look at lists. What is particular to one of them goes with its requests."""
    slots: dict[str, dict[str, float]] = {}
    for published in lists:
        for host in filter(None, (urlsplit(url).hostname for url in _addresses(published))):
            slot = slots.setdefault(host, {"delay": 0.0})
            slot["delay"] = max(slot["delay"], published.delay_seconds)
    return {
        **_POLITE,
        **_QUIET,
        "USER_AGENT": settings.user_agent,
        "DEFAULT_REQUEST_HEADERS": headers_of(settings),
        # For the hosts that redirects and links lead to.
        "DOWNLOAD_DELAY": max((published.delay_seconds for published in lists), default=0.0),
        "DOWNLOAD_SLOTS": slots,
        "DOWNLOAD_TIMEOUT": settings.timeout_seconds,
        "DOWNLOAD_MAXSIZE": settings.page_bytes,
        "RETRY_TIMES": settings.retries,
        "BACKOFF_SECONDS": settings.backoff_seconds,
        "PRIVATE_ORIGINS": [origin for published in lists for origin in private_origins(published)],
    }


def private_origins(published: PublishedList) -> list[str]:
    """The origins (host:port) that may have a private address: those the list's own declaration names. A further
    host that it names without a port may be asked at any."""
    if not published.private_addresses:
        return []
    return [*map(origin, _addresses(published)), *published.options.get("hosts", "").split()]


def origin(url: str) -> str:
    """Host and port of a web address."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _addresses(published: PublishedList) -> list[str]:
    return [*filter(None, (published.page, published.file, *published.files))]


def headers_of(settings: Settings) -> dict[str, str]:
    headers = {
        "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
        "Accept-Language": "en-US,en;q=0.8",
        "Accept-Encoding": "gzip",
    }
    return headers | ({"From": settings.contact} if settings.contact else {})


_POLITE: dict[str, Any] = {
    "DOWNLOAD_HANDLERS": {
        **dict.fromkeys(("http", "https"), "scraper.downloads.GuardedHandler"),
        **dict.fromkeys(("data", "file", "ftp", "s3")),
    },
    "DOWNLOADER_MIDDLEWARES": {
        "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
        "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
        "scraper.downloads.Backoff": 550,
        "scraper.downloads.Unpacking": 590,
        "scraper.downloads.Counting": 950,
    },
    "ITEM_PIPELINES": {"scraper.crawl.KeepBodies": 100},
    # A redirect back to where it began would be dropped without a word; REDIRECT_MAX_TIMES ends it instead.
    "DUPEFILTER_CLASS": "scrapy.dupefilters.BaseDupeFilter",
    "ROBOTSTXT_OBEY": True,
    "CONCURRENT_REQUESTS": 2,
    # Scrapy starts that many workers for every answer, its default being a hundred.
    "CONCURRENT_ITEMS": 2,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
    "COOKIES_ENABLED": False,
    "REFERRER_POLICY": "same-origin",
    "METAREFRESH_ENABLED": False,
    "REDIRECT_MAX_TIMES": 5,
    # What a proxy resolves could not be checked (scraper.downloads).
    "HTTPPROXY_ENABLED": False,
    # Scrapy's own unpacking takes half a gzip stream for a whole one.
    "COMPRESSION_ENABLED": False,
    "DOWNLOAD_VERIFY_CERTIFICATES": True,
    "DOWNLOAD_WARNSIZE": 0,
    # Every status comes to the spider, which says what is wrong with it.
    "HTTPERROR_ALLOW_ALL": True,
    "RETRY_HTTP_CODES": [408, 429, 500, 502, 503, 504],
    "RETRY_EXCEPTIONS": [
        "scrapy.exceptions.CannotResolveHostError",
        "scrapy.exceptions.DownloadConnectionRefusedError",
        "scrapy.exceptions.DownloadFailedError",
        "scrapy.exceptions.DownloadTimeoutError",
        "scrapy.exceptions.ResponseDataLossError",
    ],
    "RETRY_GIVE_UP_LOG_LEVEL": "INFO",
}

# No console, no remote control, no statistics to a mailbox, no handler on the root logger: what Scrapy has
# to say goes to the standard library's logging, where countersign.py decides what is shown.
_QUIET: dict[str, Any] = {
    "TWISTED_REACTOR_ENABLED": False,
    "TELNETCONSOLE_ENABLED": False,
    "REMOTE_CONTROL_ENABLED": False,
    "EXTENSIONS_BASE": {},
    "LOG_ENABLED": False,
    "LOG_INSTALL_ROOT_HANDLER": False,
    "LOG_VERSIONS": [],
    "STATS_DUMP": False,
    "WARN_ON_GENERATOR_RETURN_VALUE": False,
}
