"""Deployment settings: the only reader of the environment."""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dedup.article import MAX_ARTICLE_BYTES
from dedup.errors import DedupError

DAY_SECONDS: Final = 86_400
MIN_SECRET_LETTERS: Final = 16

_ANSWERS: Final = {
    "1": True, "0": False, "true": True, "false": False, "yes": True, "no": False, "on": True, "off": False,
}  # fmt: skip
_PASSWORD: Final = re.compile(r"(//[^:@/?#]*):.*@")
_PASSWORD_OPTION: Final = re.compile(r"([?&]password=)[^&#]*")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(DedupError):
    """A setting that cannot be used; the message names the variable, its value and what would be right."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a deployment may choose. Each field is the environment variable DEDUP_<FIELD> unless said otherwise.

    `redis_url` (REDIS_URL): the server to use; "" starts or finds the embedded one in `data_dir`.
    `broker_url`: where Celery's queues live; "" is the same server.
    `prefix`: what every key begins with.
    `window_days`, `retention_days`, `storyline_days`: how long articles are clustered, can be read, and
    how long a storyline waits for its next story; fractions of a day are fine.
    `inbox_max`: articles waiting at which a push fails. `max_article_bytes`: the largest payload accepted.
    `report_timezone`: IANA zone of the periods of reports. `cluster_seconds`: from run to run.
    `claim_seconds`: how long a batch may lie with a worker before another one takes it over.
    `keep_text`: whether articles' texts are kept, for `dedup explain` to show what they share.
    `source_priority`: sources whose articles represent families before others (comma-separated, the first one first).
    `feeds_allow`: networks a feed may be fetched from although they are not public (comma-separated CIDR).
    `feeds_poll_seconds`: pause between polls of a feed that asks for no longer one.
    `feeds_host_seconds`: least pause between two requests to one host.
    `web`: whether `dedup up` serves HTTP, too. `web_host`, `web_port`: where it listens; beyond loopback only with a
    read token. `web_hosts`: host names it answers to besides those of loopback and its own (comma-separated).
    `web_token`: what a push must show; `web_read_token`: what a look-up must show, "" for none on loopback.
    `web_max_bytes`: the largest body accepted.
    `web_miniflux_secret`, `web_freshrss_token`: what the hooks of these readers are known by; "" closes the hook.
    `readers`: the secrets of accounts of feed readers (name=secret, separated by spaces), never shown.
    `readers_file`: a file with more of them, one a line, that nobody else may read; "." for none.
    `parent_fd`: set by `dedup up` for its workers: they end when this pipe closes.
    """

    redis_url: str = ""
    broker_url: str = ""
    prefix: str = "dedup:"
    data_dir: Path = Path()
    window_days: float = 14.0
    retention_days: float = 30.0
    storyline_days: float = 400.0
    inbox_max: int = 1_000_000
    max_article_bytes: int = MAX_ARTICLE_BYTES
    report_timezone: str = "UTC"
    cluster_seconds: float = 3.0
    claim_seconds: float = 15.0
    keep_text: bool = True
    source_priority: tuple[str, ...] = ()
    feeds_allow: tuple[Network, ...] = ()
    feeds_poll_seconds: float = 900.0
    feeds_host_seconds: float = 1.0
    web: bool = True
    web_host: str = "127.0.0.1"
    web_port: int = 8040
    web_hosts: tuple[str, ...] = ()
    web_token: str = field(default="", repr=False)
    web_read_token: str = field(default="", repr=False)
    web_max_bytes: int = 32 * 1024 * 1024
    web_miniflux_secret: str = field(default="", repr=False)
    web_freshrss_token: str = field(default="", repr=False)
    readers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    readers_file: Path = Path()
    parent_fd: int = -1

    @property
    def window_seconds(self) -> float:
        return self.window_days * DAY_SECONDS

    @property
    def retention_seconds(self) -> float:
        return self.retention_days * DAY_SECONDS

    @property
    def storyline_seconds(self) -> float:
        return self.storyline_days * DAY_SECONDS


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of an environment (the process's own by default). Raises `SettingsError`."""
    given = os.environ if environ is None else environ
    values: dict[str, object] = {"data_dir": default_data_dir(given)}
    for one in fields(Settings):
        variable = "REDIS_URL" if one.name == "redis_url" else f"DEDUP_{one.name.upper()}"
        if text := given.get(variable, "").strip():
            values[one.name] = _read(variable, text, _READERS.get(one.name, str))
    return _checked(Settings(**values))  # type: ignore[arg-type]


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """`story-dedup` where the user keeps data, by the XDG base directory specification."""
    base = Path(environ.get("XDG_DATA_HOME", ""))
    if not base.is_absolute():
        base = Path(environ.get("HOME") or Path.home()) / ".local" / "share"
    return base / "story-dedup"


def inherited() -> dict[str, str]:
    """The environment as processes that are started here inherit it."""
    return dict(os.environ)


def celery_url(redis_url: str) -> str:
    """A redis-py URL in the form Celery's broker takes: a unix socket is spelt otherwise there."""
    parts = urlsplit(redis_url)
    if parts.scheme == "rediss":
        return parts._replace(query="").geturl()
    if parts.scheme != "unix":
        return redis_url
    query = dict(parse_qsl(parts.query))
    options = {"virtual_host": query.get("db", "0")}
    password = parts.password or query.get("password", "")
    credentials = f"{quote(parts.username or '', safe='')}:{quote(password, safe='')}@" if password else ""
    return f"redis+socket://{credentials}{parts.path}?{urlencode(options)}"


def celery_ssl(redis_url: str) -> dict[str, object] | None:
    """What Celery's broker needs to know of TLS for a rediss:// URL; None for others.

    The certificate is checked unless the URL says ssl_cert_reqs=none, as redis-py has it.
    """
    parts = urlsplit(redis_url)
    if parts.scheme != "rediss":
        return None
    query = dict(parse_qsl(parts.query))
    checks = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
    files: dict[str, object] = {
        name: query[name] for name in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile") if name in query
    }
    return {"ssl_cert_reqs": checks.get(query.get("ssl_cert_reqs", ""), ssl.CERT_REQUIRED), **files}


def redacted(url: str) -> str:
    """A URL fit for a message: without its password, also where it is malformed."""
    return _PASSWORD_OPTION.sub(r"\1***", _PASSWORD.sub(r"\1:***@", url))


def _read(variable: str, text: str, reader: Callable[[str], object]) -> object:
    try:
        return reader(text)
    except ValueError as error:
        shown = "***" if reader in {_secret, _secrets} else redacted(text)
        raise SettingsError(f"{variable}={shown!r}: {error}") from error


def _positive(number: Callable[[str], float]) -> Callable[[str], object]:
    def read(text: str) -> object:
        value = number(text)
        if not 0 < value < float("inf"):
            raise ValueError("must be a number above 0")
        return value

    return read


def _yes_or_no(text: str) -> bool:
    answer = _ANSWERS.get(text.lower())
    if answer is None:
        raise ValueError(f"must be one of {', '.join(_ANSWERS)}")
    return answer


def _secret(text: str) -> str:
    if len(text) < MIN_SECRET_LETTERS or not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError(
            f"must be {MIN_SECRET_LETTERS} or more ASCII characters without a space, as `openssl rand -hex 24` makes"
        )
    return text


def _listening_port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise ValueError("must be a port from 0 (any free one) to 65535")
    return port


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _secrets(text: str) -> tuple[tuple[str, str], ...]:
    named = [part.partition("=") for part in text.split()]
    if not all(name and secret for name, _, secret in named):
        raise ValueError("must be name=secret for each account, separated by spaces; one with spaces goes into a file")
    return tuple((name, secret) for name, _, secret in named)


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def _zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError("no such time zone; give an IANA name like Europe/Istanbul") from error


def _redis_url(text: str) -> str:
    if not text.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("must begin with redis://, rediss:// or unix://")
    if not _is_url(text):
        raise ValueError(
            "no address of a server: check host and port, and write special characters of a password as %XX"
        )
    return text


def _is_url(text: str) -> bool:
    try:
        return (urlsplit(text).port or 0) >= 0
    except ValueError:
        return False


_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "redis_url": _redis_url,
    "data_dir": lambda text: Path(text).expanduser(),
    "window_days": _positive(float),
    "retention_days": _positive(float),
    "storyline_days": _positive(float),
    "cluster_seconds": _positive(float),
    "claim_seconds": _positive(float),
    "keep_text": _yes_or_no,
    "source_priority": _names,
    "inbox_max": _positive(int),
    "max_article_bytes": _positive(int),
    "web": _yes_or_no,
    "web_port": _listening_port,
    "web_hosts": _names,
    "web_token": _secret,
    "web_read_token": _secret,
    "web_max_bytes": _positive(int),
    "web_miniflux_secret": _secret,
    "web_freshrss_token": _secret,
    "parent_fd": int,
    "report_timezone": _zone,
    "feeds_allow": _networks,
    "feeds_poll_seconds": _positive(float),
    "feeds_host_seconds": _positive(float),
    "readers": _secrets,
    "readers_file": lambda text: Path(text).expanduser(),
}


def _checked(settings: Settings) -> Settings:
    if settings.retention_days < settings.window_days:
        raise SettingsError(
            f"DEDUP_RETENTION_DAYS={settings.retention_days:g} is less than "
            f"DEDUP_WINDOW_DAYS={settings.window_days:g}: what is clustered must still be there"
        )
    return settings
