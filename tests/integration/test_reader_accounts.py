"""Accounts of feed readers as a source, against readers on loopback: what is new goes in once, whatever goes wrong."""

from __future__ import annotations

import dataclasses
import gzip
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.reader_site import AUTH, KEY, LONG, PASSWORD, USER, Flavour, reading
from tests.integration.reader_world import KINDS, NEW, NORMAL, NOW, World, killing, world_of
from tests.integration.recount import recount
from tests.integration.world import drain, text
from worker import feeds
from worker.feeds import FeedError, FetchLimits, RefusedError, Secrets
from worker.service import polling
from worker.service.polling import Poller
from worker.service.subscribing import UnknownFeedError, subscribe_to_account, unsubscribe
from worker.store.feeds import FeedRecord
from worker.store.store import Store

DAY = 86_400.0


@pytest.fixture(params=KINDS, ids="-".join)
def world(request: pytest.FixtureRequest, store: Store) -> Iterator[World]:
    flavour: Flavour = request.param[0]
    with reading(flavour) as site:
        yield world_of(site, store, request.param[1])


@pytest.fixture(params=KINDS[:2], ids="-".join)
def either(request: pytest.FixtureRequest, store: Store) -> Iterator[World]:
    """Each interface once."""
    with reading(request.param[0]) as site:
        yield world_of(site, store, request.param[1])


def test_what_is_new_becomes_articles_once(world: World) -> None:
    names = [world.add(1, title="On one"), world.add(2, feed=53)]
    world.subscribe()
    told = world.poll()
    assert (told.pushed, told.rejected, told.error) == (2, 0, "")
    assert world.waiting() == names
    first, second = world.payloads()
    link = f"https://news.example/{world.base + 1}"
    assert (first["url"], first["title"], first["source"]) == (link, "On one", "The Gazette")
    assert (first["html"], second["source"]) == (f"<p>{text(1)}</p>", "The Post & Mail")
    drain(world.store)
    entry = world.store.articles.get(names[0])
    assert entry is not None
    assert entry.published_at == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - 9_999))
    assert world.poll().pushed == 0
    later = world.add(3)
    assert world.poll().pushed == 1
    assert world.waiting() == [later]
    record = world.record()
    assert (record.articles, record.failures, record.error) == (3, 0, "")
    assert NORMAL - 5 < (record.next_at or 0) - time.time() < 1.1 * NORMAL
    recount(world.store, settled=False)


def test_an_account_is_polled_when_it_is_due(world: World) -> None:
    world.add(1)
    world.subscribe()
    assert world.poller().run() == 1
    assert world.poller().run() == 0
    assert len(world.waiting()) == 1


def test_ids_of_two_accounts_never_meet(store: Store) -> None:
    with reading("miniflux") as one, reading("miniflux") as other:
        first = world_of(one, store, "miniflux")
        second = dataclasses.replace(world_of(other, store, "miniflux"), account=feeds.account_of(
            "miniflux", other.root, "", "work"))  # fmt: skip
        taken = dataclasses.replace(second, account=dataclasses.replace(second.account, name="miniflux"))
        first.subscribe()
        with pytest.raises(FeedError, match="has this name: say --name for another"):
            taken.subscribe()
        second.subscribe()
        assert first.add(1, "<p>one</p>") == "miniflux:1"
        assert second.add(1, "<p>another</p>") == "work:1"
        assert (first.poll().pushed, second.poll().pushed) == (1, 1)
        assert first.waiting() == ["miniflux:1", "work:1"]


def test_requests_are_as_the_documents_have_them(store: Store) -> None:
    with reading("freshrss") as site:
        world = world_of(site, store, "freshrss")
        world.add(1)
        world.subscribe()
        site.asked.clear()
        world.poll()
        assert [(one.method, one.path.removeprefix("/api/greader.php")) for one in site.asked] == [
            ("POST", "/accounts/ClientLogin"),
            ("GET", "/reader/api/0/stream/items/ids"),
            ("GET", "/reader/api/0/subscription/list"),
            ("GET", "/reader/api/0/token"),
            ("POST", "/reader/api/0/stream/items/contents"),
        ]
        login, ids, _, token, contents = site.asked
        assert login.form == [("Email", USER), ("Passwd", PASSWORD)]
        assert "authorization" not in login.headers
        assert ids.headers["authorization"] == token.headers["authorization"] == f"GoogleLogin auth={AUTH}"
        assert ids.query.pop("ot")
        assert ids.query == {
            "output": ["json"], "s": ["user/-/state/com.google/reading-list"], "n": ["1000"], "r": ["d"],
        }  # fmt: skip
        assert contents.form[:-1] == [("output", "json"), ("i", f"{LONG}{NEW + 1:016x}")]
        assert contents.form[-1] == ("T", f"{AUTH.partition('/')[2]:Z<57}")
        assert not any(PASSWORD in one.path or "Passwd" in one.query or "T" in one.query for one in site.asked)
    with reading("miniflux") as site:
        world = world_of(site, store, "miniflux")
        world.subscribe()
        world.poll()
        me, entries = site.asked
        assert (me.method, me.path, entries.method, entries.path) == ("GET", "/v1/me", "GET", "/v1/entries")
        assert me.headers["x-auth-token"] == entries.headers["x-auth-token"] == KEY
        assert entries.query.pop("changed_after")
        assert entries.query == {
            "after_entry_id": ["0"], "order": ["id"], "direction": ["asc"], "limit": ["100"], "offset": ["0"],
        }  # fmt: skip


def test_long_lists_are_read_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.feeds.greader._LISTED", 4)
    monkeypatch.setattr("worker.feeds.greader.GIVEN", 3)
    monkeypatch.setattr("worker.feeds.miniflux.GIVEN", 3)
    names = [world.add(number) for number in range(1, 12)]
    world.subscribe()
    assert world.poll().pushed == 11
    assert world.waiting() == names
    world.site.asked.clear()
    names += [world.add(number) for number in range(12, 14)]
    assert world.poll().pushed == 2
    assert world.waiting() == names
    assert len(world.site.asked) <= 7


def test_an_article_with_an_old_date_is_found(world: World) -> None:
    for number in range(1, 5):
        world.add(number)
    world.subscribe()
    world.poll()
    old = world.add(5, published=NOW - 100_000)
    assert world.poll().pushed == 1
    assert world.waiting()[-1] == old


def test_an_article_that_has_changed_is_a_revision_where_the_reader_tells(either: World) -> None:
    name = either.add(1)
    either.subscribe()
    either.poll()
    number = either.base + 1
    either.site.entries[number].html = f"<p>{text('other')}</p>"
    either.site.touch(number)
    assert either.poll().pushed == (1 if either.account.kind == "miniflux" else 0)
    either.site.read(number)
    assert either.poll().pushed == 0
    drain(either.store)
    entry = either.store.articles.get(name)
    assert entry is not None
    assert entry.revision == (1 if either.account.kind == "miniflux" else 0)


def test_what_does_not_fit_into_one_poll_follows_soon(either: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.feeds.greader.GIVEN", 2)
    monkeypatch.setattr("worker.feeds.miniflux.GIVEN", 2)
    monkeypatch.setattr(polling, "READER_SECONDS", 0.0)
    names = [either.add(number) for number in range(1, 6)]
    either.subscribe()
    assert either.poll().pushed == 2
    assert (either.record().next_at or 0) - time.time() < polling.GOES_ON_SECONDS + 1
    assert [either.poll().pushed for _ in range(3)] == [2, 1, 0]
    assert either.waiting() == names
    for _ in range(2):  # Miniflux's last minute is read once more
        either.poll()
    assert (either.record().next_at or 0) - time.time() > NORMAL - 5


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"status": 500}, "500 Internal Server Error"),
        ({"cut": 40}, "without sending complete message body"),
        ({"seconds": 1.2}, "no complete answer within 0.5 seconds"),
        ({"body": b'{"itemRefs": [{"id": "12'}, "no JSON that can be read"),
        ({"body": b"<html>Log in</html>"}, "no JSON that can be read"),
        ({"body": b"[]"}, "no JSON object"),
        ({"body": b'{"error_message": "x"}'}, "JSON without an array"),
        ({"status": 302, "headers": (("Location", "http://10.0.0.1/"),)}, "redirected to http://10.0.0.1/, where this"),
    ],
)
def test_an_answer_that_is_none_is_told_and_asked_for_later(world: World, fault: dict[str, Any], reason: str) -> None:
    name = world.add(1)
    world.subscribe()
    path = "/v1/entries" if world.account.kind == "miniflux" else "/stream/items/ids"
    world.site.fail(path, **fault)
    told = world.poll(limits=FetchLimits(max_bytes=400_000, timeout_seconds=0.5))
    assert reason in told.error
    assert world.waiting() == []
    record = world.record()
    assert (record.failures, record.succeeded_at, record.cursor) == (1, None, "")
    assert NORMAL - 5 < (record.next_at or 0) - time.time() < 1.1 * NORMAL
    assert world.poll().error == ""
    assert world.waiting() == [name]
    assert world.record().failures == 0


def test_what_came_before_half_an_answer_counts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.feeds.greader.GIVEN", 2)
    monkeypatch.setattr("worker.feeds.miniflux.GIVEN", 2)
    names = [world.add(number) for number in range(1, 6)]
    world.subscribe()
    path = "/v1/entries" if world.account.kind == "miniflux" else "/stream/items/contents"
    world.site.fail(path, meanwhile=lambda: world.site.fail(path, cut=30))
    told = world.poll()
    assert "without sending complete message body" in told.error
    assert told.pushed == 2
    assert world.waiting() == names[:2]
    assert world.poll().pushed == 3
    assert world.waiting() == names


def test_a_refused_secret_is_told_with_what_to_do_and_asked_a_day_later(world: World) -> None:
    world.add(1)
    world.subscribe()
    world.site.password = world.site.key = "another"
    world.site.asked.clear()
    told = world.poll()
    name = world.account.name
    assert told.error.startswith("the server answered 401 Unauthorized: put the right ")
    assert f"{name}=... into DEDUP_READERS" in told.error
    assert f"then `dedup feeds poll {name}`" in told.error
    assert len(world.site.asked) == 1
    assert DAY - 5 < (world.record().next_at or 0) - time.time() < 1.1 * DAY
    assert world.poller().run() == 0
    assert len(world.site.asked) == 1
    world.site.password, world.site.key = PASSWORD, KEY
    assert world.poll().error == ""
    assert (world.record().next_at or 0) - time.time() < 1.1 * NORMAL


def test_an_account_whose_secret_is_wrong_is_not_added(world: World) -> None:
    world.site.password = world.site.key = "another"
    with pytest.raises(RefusedError, match="401 Unauthorized: put the right"):
        world.subscribe()
    with pytest.raises(UnknownFeedError):
        world.record()


@pytest.mark.parametrize("status", [429, 503])
def test_a_reader_that_asks_for_patience_is_left_alone(world: World, status: int) -> None:
    world.add(1)
    world.subscribe()
    path = "/v1/entries" if world.account.kind == "miniflux" else "/stream/items/ids"
    world.site.fail(path, status=status, headers=(("Retry-After", "3000"),))
    told = world.poll()
    assert str(status) in told.error
    assert 3_000 - 5 < (world.record().next_at or 0) - time.time() < 1.1 * 3_000
    world.site.asked.clear()
    assert world.poll().put_off
    assert world.site.asked == []


def test_without_a_secret_nothing_is_asked(world: World) -> None:
    world.subscribe()
    world.site.asked.clear()
    told = world.poll(secrets=Secrets())
    assert told.error == (
        f"no secret for it: put the right {world.account.name}=... into DEDUP_READERS, "
        "or as a line into the file of DEDUP_READERS_FILE"
    )
    assert world.site.asked == []


def test_a_secret_is_read_from_a_file_that_nobody_else_may_read(either: World, tmp_path: Path) -> None:
    file = tmp_path / "readers"
    secret = KEY if either.account.kind == "miniflux" else PASSWORD
    file.write_text(f"# accounts\nother=1\n{either.account.name} = {secret}\n", encoding="utf-8")
    file.chmod(0o640)
    either.subscribe()
    either.site.asked.clear()
    assert f"can be read by others: chmod 600 {file}" in either.poll(secrets=Secrets((), file)).error
    assert either.site.asked == []
    file.chmod(0o600)
    assert either.poll(secrets=Secrets((), file)).error == ""
    assert "No such file" in either.poll(secrets=Secrets((), tmp_path / "none")).error


def test_no_secret_is_kept_or_told(either: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    either.add(1)
    either.subscribe()
    either.poll()
    either.site.password = either.site.key = "another"
    told = either.poll()
    kept = "\n".join(repr(either.store.connection.dump(key)) for key in either.store.connection.keys("*"))
    for secret in (KEY, PASSWORD, PASSWORD.replace(" ", "+"), AUTH):
        assert secret not in kept
        assert secret not in repr(told)
        assert secret not in caplog.text
        assert secret not in repr(either.poller())


def test_a_password_goes_over_plain_http_only_to_a_network_that_is_allowed(either: World) -> None:
    refused = Poller(either.store, NORMAL, 0.001, [], secrets=either.poller().secrets)
    with pytest.raises(FeedError, match=r"refused: 127\.0\.0\.1 is a loopback address"):
        subscribe_to_account(refused, either.account)
    public = dataclasses.replace(either.account, url="http://93.184.216.34")
    with pytest.raises(FeedError, match="a public address, to which a password is sent over https only"):
        subscribe_to_account(either.poller(), public)


def test_one_article_too_large_to_be_read_keeps_no_other_back(either: World) -> None:
    names = [either.add(1), either.add(2, "<p>" + "x" * 500_000 + "</p>"), either.add(3)]
    either.subscribe()
    told = either.poll()
    assert (told.pushed, told.error) == (2, "")
    assert either.waiting() == [names[0], names[2]]
    assert either.poll().pushed == 0


def test_an_article_that_is_gone_between_two_requests_is_not_waited_for(store: Store) -> None:
    with reading("miniflux") as site:
        world = world_of(site, store, "greader")
        world.add(1)
        world.subscribe()

        def remove() -> None:
            site.entries[1].is_removed = True

        site.fail("/stream/items/contents", meanwhile=remove)
        assert (world.poll().pushed, world.poll().error) == (0, "")


def test_an_article_that_cannot_be_accepted_is_rejected_once(either: World) -> None:
    bad, good = either.add(1, " ", title=" "), either.add(2)
    either.site.entries[either.base + 1].title = ""
    either.site.entries[either.base + 1].html = ""
    either.subscribe()
    told = either.poll()
    assert (told.pushed, told.rejected) == (1, 1)
    assert [one.article_id for one in either.store.rejected.latest(9)] == [bad]
    assert either.poll().rejected == 0
    assert list(either.store.readers.entries(either.account.name)) == [good]


def test_a_full_inbox_keeps_the_rest_for_later(either: World) -> None:
    names = [either.add(number) for number in range(1, 4)]
    either.subscribe()
    small = dataclasses.replace(either.store, inbox=dataclasses.replace(either.store.inbox, max_waiting=2))
    told = dataclasses.replace(either, store=small).poll()
    assert (told.pushed, told.error) == (2, "the inbox is full: the rest of its articles follow")
    drain(either.store)
    assert either.poll().pushed == 1
    assert either.waiting() == names[2:]


def test_an_account_that_is_removed_leaves_nothing(either: World) -> None:
    either.add(1)
    either.subscribe()
    either.poll()
    assert unsubscribe(either.store.feeds, either.account.name).reader == either.account.kind
    left = [key.decode() for key in either.store.connection.keys("*")]
    assert [key for key in left if ":feed" in key and "host" not in key] == []
    assert [key for key in left if ":reader:" in key] == []


def test_a_poll_of_an_account_that_is_removed_meanwhile_writes_nothing_of_it(either: World) -> None:
    either.add(1)
    either.subscribe()
    path = "/v1/entries" if either.account.kind == "miniflux" else "/stream/items/contents"
    either.site.fail(path, meanwhile=lambda: unsubscribe(either.store.feeds, either.account.name))
    assert "ended" in either.poll().error
    assert [key for key in either.store.connection.keys("*") if b":reader:" in key] == []
    assert either.waiting() == []


def test_a_feed_may_have_the_url_of_an_account(either: World) -> None:
    either.subscribe()
    kept = either.store.feeds
    url = either.record().url
    assert kept.find(url) is None
    assert kept.add(FeedRecord("0123456789ab", url, url))
    unsubscribe(kept, either.account.name)
    assert kept.find(url) == "0123456789ab"


def test_packed_answers_are_read(either: World) -> None:
    either.add(1)
    either.subscribe()
    path = "/v1/entries" if either.account.kind == "miniflux" else "/stream/items/ids"
    body = {"entries": [], "total": 0} if either.account.kind == "miniflux" else {"itemRefs": []}
    either.site.fail(path, body=gzip.compress(json.dumps(body).encode()))
    assert "no JSON" in either.poll().error


def test_an_old_entry_that_its_user_reads_at_last_is_no_news(store: Store) -> None:
    with reading("miniflux") as site:
        world = world_of(site, store, "miniflux")
        old = world.add(1, published=NOW - int(40 * DAY))
        site.entries[1].created = NOW - 40 * DAY
        world.subscribe()
        assert world.poll().pushed == 0
        site.read(1)
        new = world.add(2)
        assert world.poll().pushed == 1
        assert world.waiting() == [new]
        assert old not in store.readers.entries("miniflux")


def test_a_poll_that_brought_nothing_writes_no_memory(either: World) -> None:
    either.add(1)
    either.subscribe()
    either.poll()
    key = either.store.keys.feed_seen(either.record().feed_id)
    either.store.connection.expire(key, 1_000)
    either.poll()
    assert either.store.connection.ttl(key) > 0
    either.add(2)
    either.poll()
    assert either.store.connection.ttl(key) == -1


def test_a_slow_reader_is_asked_no_more_after_a_while(either: World, monkeypatch: pytest.MonkeyPatch) -> None:
    either.add(1)
    either.subscribe()
    monkeypatch.setattr(polling, "ASK_SECONDS", -1.0)
    either.site.asked.clear()
    assert either.poll().error == "the reader is slow: what is left follows another time"
    assert either.site.asked == []


@pytest.mark.parametrize(
    ("kind", "url", "address"),
    [
        ("freshrss", "https://a.example/", "https://a.example/api/greader.php"),
        ("freshrss", "https://a.example/i/api/", "https://a.example/i/api/greader.php"),
        ("freshrss", "https://a.example/api/greader.php", "https://a.example/api/greader.php"),
        ("miniflux", "https://a.example/v1/", "https://a.example"),
        ("greader", "https://a.example/base/", "https://a.example/base"),
    ],
)
def test_the_address_of_a_reader_is_taken_as_it_is_shown_to_its_user(
    kind: feeds.ReaderKind, url: str, address: str
) -> None:
    assert feeds.account_of(kind, url, USER).url == address
    with pytest.raises(FeedError, match="has no \\? in it"):
        feeds.account_of(kind, f"{url}?x=1", USER)


def test_a_poll_that_is_killed_loses_nothing_and_counts_nothing_twice(either: World, server_url: str) -> None:
    names = {either.add(number) for number in range(1, 251)}
    either.subscribe()
    path = "/v1/entries" if either.account.kind == "miniflux" else "/stream/items/contents"
    with killing(either, server_url, path) as kill:
        either.site.fail(path)  # the first page as it is: killed with the second
        kill("poll")
        assert 0 < len(either.waiting()) < len(names)
        kill("poll")
    assert either.record().unfinished > 0
    either.poll()
    drain(either.store)
    assert set(either.store.readers.entries(either.account.name)) == names
    assert either.store.articles.count()[0] == len(names)
    assert all(entry and entry.revision == 0 for entry in map(either.store.articles.get, names))
    assert either.poll().pushed == 0
    recount(either.store, settled=False)
