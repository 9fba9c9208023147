"""What a deployment may choose, and what it is told when it chooses what cannot be."""

from __future__ import annotations

import ipaddress
import ssl
from pathlib import Path

import pytest

from dedup.errors import DedupError
from worker.settings import Settings, SettingsError, celery_ssl, celery_url, load, redacted

HOME = {"HOME": "/home/someone"}


def refusal(**environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load({**HOME, **environ})
    return str(caught.value)


def test_an_empty_environment_gives_the_defaults_and_a_data_directory_of_the_user() -> None:
    assert load(HOME) == Settings(data_dir=Path("/home/someone/.local/share/story-dedup"))


def test_the_window_is_kept_as_long_as_it_is_clustered() -> None:
    defaults = load(HOME)
    assert defaults.window_seconds == 14 * 86_400
    assert defaults.retention_seconds == 30 * 86_400
    assert defaults.storyline_seconds == 400 * 86_400


def test_each_setting_is_read_from_the_variable_of_its_name() -> None:
    given = {
        "REDIS_URL": " redis://:secret@store:6379/1 ",
        "DEDUP_BROKER_URL": "redis://broker:6379/0",
        "DEDUP_PREFIX": "news:",
        "DEDUP_DATA_DIR": "/var/lib/story-dedup",
        "DEDUP_WINDOW_DAYS": "0.5",
        "DEDUP_RETENTION_DAYS": "1.5",
        "DEDUP_STORYLINE_DAYS": "90",
        "DEDUP_INBOX_MAX": "1000",
        "DEDUP_MAX_ARTICLE_BYTES": "65536",
        "DEDUP_REPORT_TIMEZONE": "Europe/Istanbul",
        "DEDUP_CLUSTER_SECONDS": "0.2",
        "DEDUP_CLAIM_SECONDS": "2.5",
        "DEDUP_KEEP_TEXT": "0",
        "DEDUP_SOURCE_PRIORITY": "Reuters, AP ,",
        "DEDUP_FEEDS_ALLOW": "10.0.0.0/8, fd00::/8 ,192.168.1.7",
        "DEDUP_FEEDS_POLL_SECONDS": "600",
        "DEDUP_FEEDS_HOST_SECONDS": "0.5",
        "DEDUP_WEB": "no",
        "DEDUP_WEB_HOST": "::",
        "DEDUP_WEB_PORT": "8080",
        "DEDUP_WEB_HOSTS": "news.example, dedup.internal",
        "DEDUP_WEB_TOKEN": "a-token-of-some-length",
        "DEDUP_WEB_READ_TOKEN": "another-of-some-length",
        "DEDUP_WEB_MAX_BYTES": "1000000",
        "DEDUP_WEB_MINIFLUX_SECRET": "a-secret-of-some-length",
        "DEDUP_WEB_FRESHRSS_TOKEN": "a-third-of-some-length",
        "DEDUP_READERS": " miniflux=a=b  work=c ",
        "DEDUP_READERS_FILE": "/run/secrets/readers",
        "DEDUP_PARENT_FD": "7",
        "DEDUP_SOMETHING_ELSE": "ignored",
    }
    assert load(given) == Settings(
        redis_url="redis://:secret@store:6379/1",
        broker_url="redis://broker:6379/0",
        prefix="news:",
        data_dir=Path("/var/lib/story-dedup"),
        window_days=0.5,
        retention_days=1.5,
        storyline_days=90.0,
        inbox_max=1000,
        max_article_bytes=65_536,
        report_timezone="Europe/Istanbul",
        cluster_seconds=0.2,
        claim_seconds=2.5,
        keep_text=False,
        source_priority=("Reuters", "AP"),
        feeds_allow=tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "fd00::/8", "192.168.1.7/32"))),
        feeds_poll_seconds=600.0,
        feeds_host_seconds=0.5,
        web=False,
        web_host="::",
        web_port=8080,
        web_hosts=("news.example", "dedup.internal"),
        web_token="a-token-of-some-length",
        web_read_token="another-of-some-length",
        web_max_bytes=1_000_000,
        web_miniflux_secret="a-secret-of-some-length",
        web_freshrss_token="a-third-of-some-length",
        readers=(("miniflux", "a=b"), ("work", "c")),
        readers_file=Path("/run/secrets/readers"),
        parent_fd=7,
    )


def test_without_an_argument_the_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEDUP_PREFIX", "here:")
    assert load().prefix == "here:"


def test_an_empty_variable_is_as_if_absent() -> None:
    assert load({**HOME, "REDIS_URL": "", "DEDUP_WINDOW_DAYS": " ", "DEDUP_FEEDS_ALLOW": ""}) == load(HOME)


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"XDG_DATA_HOME": "/data", "HOME": "/home/someone"}, "/data/story-dedup"),
        ({"XDG_DATA_HOME": "relative", "HOME": "/home/someone"}, "/home/someone/.local/share/story-dedup"),
        ({"XDG_DATA_HOME": "", "HOME": "/home/someone"}, "/home/someone/.local/share/story-dedup"),
        ({"DEDUP_DATA_DIR": "/srv/dedup", "XDG_DATA_HOME": "/data"}, "/srv/dedup"),
    ],
)
def test_data_lie_where_the_user_keeps_data_unless_told_otherwise(environ: dict[str, str], place: str) -> None:
    assert load(environ).data_dir == Path(place)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DEDUP_WINDOW_DAYS", "0"),
        ("DEDUP_WINDOW_DAYS", "-1"),
        ("DEDUP_WINDOW_DAYS", "two weeks"),
        ("DEDUP_RETENTION_DAYS", "nan"),
        ("DEDUP_STORYLINE_DAYS", "inf"),
        ("DEDUP_CLUSTER_SECONDS", "0"),
        ("DEDUP_CLAIM_SECONDS", "-0.1"),
        ("DEDUP_INBOX_MAX", "1.5"),
        ("DEDUP_INBOX_MAX", "0"),
        ("DEDUP_MAX_ARTICLE_BYTES", "8 MiB"),
        ("DEDUP_KEEP_TEXT", "maybe"),
        ("DEDUP_WEB_PORT", "65536"),
        ("DEDUP_WEB_MAX_BYTES", "32 MiB"),
        ("DEDUP_PARENT_FD", "stdin"),
        ("DEDUP_REPORT_TIMEZONE", "Atlantis/Capital"),
        ("DEDUP_REPORT_TIMEZONE", "../../etc/passwd"),
        ("DEDUP_REPORT_TIMEZONE", "Europe"),
        ("DEDUP_FEEDS_ALLOW", "10.0.0.0/8,intranet"),
        ("DEDUP_FEEDS_ALLOW", "10.0.0.0/33"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "http://localhost:6379"),
        ("REDIS_URL", "redis://[::1"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_with_its_variable_and_value(variable: str, value: str) -> None:
    assert refusal(**{variable: value}).startswith(f"{variable}={value!r}: ")


def test_a_refusal_is_an_error_of_this_project_and_says_what_would_be_right() -> None:
    assert issubclass(SettingsError, DedupError)
    assert "redis://, rediss:// or unix://" in refusal(REDIS_URL="localhost")
    assert "IANA" in refusal(DEDUP_REPORT_TIMEZONE="Nowhere")
    assert "must be one of 1, 0, true, false" in refusal(DEDUP_KEEP_TEXT="2")


@pytest.mark.parametrize(
    ("value", "kept"),
    [("1", True), ("TRUE", True), ("yes", True), ("on", True), ("0", False), ("false", False), ("No", False),
     (" off ", False)],
)  # fmt: skip
def test_texts_are_kept_or_not_by_any_usual_word_for_it(value: str, kept: bool) -> None:
    assert load({**HOME, "DEDUP_KEEP_TEXT": value}).keep_text is kept
    assert "above 0" in refusal(DEDUP_WINDOW_DAYS="0")


def test_a_refusal_does_not_repeat_a_password() -> None:
    assert "hunter2" not in refusal(REDIS_URL="http://:hunter2@store:6379")


@pytest.mark.parametrize(
    "variable",
    ["DEDUP_WEB_TOKEN", "DEDUP_WEB_READ_TOKEN", "DEDUP_WEB_MINIFLUX_SECRET", "DEDUP_WEB_FRESHRSS_TOKEN"],
)
@pytest.mark.parametrize("secret", ["hunter2", "hunter2 and some more words", "hünter2hünter2hünter2"])
def test_a_secret_that_is_none_is_refused_and_not_repeated(variable: str, secret: str) -> None:
    message = refusal(**{variable: secret})
    assert message.startswith(f"{variable}='***': ")
    assert "nter2" not in message


def test_settings_do_not_show_their_secrets() -> None:
    assert "a-token-of-some-length" not in repr(load({**HOME, "DEDUP_WEB_TOKEN": "a-token-of-some-length"}))


def test_articles_are_never_dropped_before_they_leave_the_window() -> None:
    message = refusal(DEDUP_WINDOW_DAYS="14", DEDUP_RETENTION_DAYS="13.5")
    assert "DEDUP_RETENTION_DAYS=13.5" in message
    assert "DEDUP_WINDOW_DAYS=14" in message
    assert load({**HOME, "DEDUP_WINDOW_DAYS": "14", "DEDUP_RETENTION_DAYS": "14"}).retention_days == 14
    assert "DEDUP_RETENTION_DAYS=30" in refusal(DEDUP_WINDOW_DAYS="31")


@pytest.mark.parametrize(
    ("redis_url", "broker_url"),
    [
        ("redis://store:6379/0", "redis://store:6379/0"),
        ("redis://user:p%40ss@store:6379/2", "redis://user:p%40ss@store:6379/2"),
        ("rediss://:secret@store:6380/1?ssl_cert_reqs=none", "rediss://:secret@store:6380/1"),
        ("unix:///run/dedup/redis.sock", "redis+socket:///run/dedup/redis.sock?virtual_host=0"),
        ("unix:///run/redis.sock?db=3", "redis+socket:///run/redis.sock?virtual_host=3"),
        ("unix://:se:cret@/run/redis.sock", "redis+socket://:se%3Acret@/run/redis.sock?virtual_host=0"),
        ("unix:///run/redis.sock?password=secret", "redis+socket://:secret@/run/redis.sock?virtual_host=0"),
    ],
)
def test_a_url_is_spelt_for_the_broker_with_its_database_and_password(redis_url: str, broker_url: str) -> None:
    assert celery_url(redis_url) == broker_url


def test_a_certificate_is_checked_unless_the_url_says_otherwise() -> None:
    assert celery_ssl("redis://store") is None
    assert celery_ssl("unix:///run/redis.sock") is None
    assert celery_ssl("rediss://store") == {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    assert celery_ssl("rediss://store?ssl_cert_reqs=typo") == {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    assert celery_ssl("rediss://store?ssl_cert_reqs=none") == {"ssl_cert_reqs": ssl.CERT_NONE}
    assert celery_ssl("rediss://store?ssl_ca_certs=/etc/ca.pem&ssl_cert_reqs=optional") == {
        "ssl_cert_reqs": ssl.CERT_OPTIONAL,
        "ssl_ca_certs": "/etc/ca.pem",
    }


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://store:6379/0", "redis://store:6379/0"),
        ("redis://:hunter2@store:6379/0", "redis://:***@store:6379/0"),
        ("rediss://user:hunter2@store", "rediss://user:***@store"),
        ("unix:///run/redis.sock?db=0&password=hunter2", "unix:///run/redis.sock?db=0&password=***"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert redacted(url) == shown


@pytest.mark.parametrize("given", ["hunter2", "=hunter2", "miniflux=", "miniflux=hunter2 and more"])
def test_a_secret_is_shown_in_no_message_and_no_value(given: str) -> None:
    told = refusal(DEDUP_READERS=given)
    assert told.startswith("DEDUP_READERS='***': must be name=secret for each account")
    assert "hunter2" not in told
    assert "hunter2" not in repr(load({**HOME, "DEDUP_READERS": "miniflux=hunter2"}))
