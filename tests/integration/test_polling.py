"""Polling against a real site on loopback: what is new goes into the inbox once, and no host is asked too much."""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from ipaddress import ip_network
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.integration.feed_site import Answer, Site, rss, serving
from tests.integration.recount import recount
from tests.integration.world import drain, text
from worker.feeds import FeedError, FetchLimits, Opml, Outline, feed_id, read_opml
from worker.service.polling import Polled, Poller
from worker.service.subscribing import (
    UnknownFeedError,
    subscribe_to_list,
    subscribe_to_url,
    subscribed,
    unsubscribe,
)
from worker.store.feed_memory import remembered
from worker.store.feeds import FeedRecord
from worker.store.inbox import Inbox
from worker.store.store import Store

ROOT = Path(__file__).parents[2]
NORMAL = 900.0
DAY = 86_400.0
ONE = rss(("one", text("one")))

ATOM = f"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Atom News</title><id>x</id>
<entry><id>tag:1</id><title>In Atom</title><content type="html">{text("atom")}</content></entry></feed>""".encode()
RDF = f"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel><title>RDF News</title></channel>
<item rdf:about="https://news.example/rdf"><title>In RDF</title><link>https://news.example/rdf</link>
<description>{text("rdf")}</description></item></rdf:RDF>""".encode()
RSS_091 = f"""<rss version="0.91"><channel><title>Old News</title><item><title>In 0.91</title>
<link>https://news.example/091</link><description>{text("091")}</description></item></channel></rss>""".encode()
FULL = f"""<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Full</title>
<item><guid>full</guid><title>In full</title><description>Lead only</description>
<content:encoded><![CDATA[<p>{text("full")}</p>]]></content:encoded></item></channel></rss>""".encode()
JSON_FEED = json.dumps({
    "version": "https://jsonfeed.org/version/1.1", "title": "JSON News",
    "items": [{"id": "j1", "title": "In JSON", "content_html": f"<p>{text('json')}</p>"}],
}).encode()  # fmt: skip
BOMB = b"""<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<rss version="2.0"><channel><title>&b;</title></channel></rss>"""


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as one:
        yield one


@pytest.fixture
def poller(store: Store) -> Poller:
    return poller_of(store)


def poller_of(store: Store, host_seconds: float = 0.001, **options: Any) -> Poller:
    limits = FetchLimits(max_bytes=200_000, timeout_seconds=5)
    return Poller(store, NORMAL, host_seconds, [ip_network("127.0.0.1/32")], **{"limits": limits} | options)


def add(poller: Poller, *urls: str) -> None:
    assert len(subscribe_to_list(poller.store.feeds, Opml(tuple(Outline(u, "", "") for u in urls), ())).added) == len(
        urls
    )


def record(poller: Poller, url: str) -> FeedRecord:
    return subscribed(poller.store.feeds, url)


def poll(poller: Poller, url: str) -> Polled:
    [told] = poller.poll_now([record(poller, url).feed_id])
    return told


def waiting(store: Store) -> list[str]:
    """The ids in the inbox, in order."""
    return [json.loads(payload)["id"] for _, payload in store.inbox.scan()]


def ids(url: str, *guids: str) -> list[str]:
    return [f"feed:{feed_id(url)}:{guid}" for guid in guids]


def test_feeds_of_every_format_become_articles(store: Store, poller: Poller, site: Site) -> None:
    bodies = {"/rss": ONE, "/atom": ATOM, "/rdf": RDF, "/091": RSS_091, "/full": FULL, "/json": JSON_FEED}
    urls = {path: site.put(path, body) for path, body in bodies.items()}
    add(poller, *urls.values())
    assert poller.run() == 6
    told = {str(one["title"]): one for _, payload in store.inbox.scan() for one in [json.loads(payload)]}
    names = [str(one["id"]) for one in told.values()]
    assert told["In full"]["html"] == f"<p>{text('full')}</p>"
    drain(store)
    found = {entry.title: entry for name in names if (entry := store.articles.get(name)) is not None}
    assert set(found) == {"On one", "In Atom", "In RDF", "In 0.91", "In full", "In JSON"}
    assert found["In JSON"].source == "JSON News"
    assert [record(poller, url).articles for url in urls.values()] == [1] * 6
    assert [record(poller, url).title for url in urls.values()][1:3] == ["Atom News", "RDF News"]
    recount(store, settled=False)


def test_what_was_pushed_is_not_pushed_again_unless_it_has_changed(store: Store, poller: Poller, site: Site) -> None:
    url = site.put("/feed", rss(("b", "second"), ("a", "first")))
    add(poller, url)
    assert poll(poller, url).pushed == 2
    assert waiting(store) == ids(url, "a", "b")
    assert poll(poller, url).pushed == 0
    site.put("/feed", rss(("c", "third"), ("b", "second, corrected"), ("a", "first")))
    assert poll(poller, url).pushed == 2
    assert waiting(store) == ids(url, "a", "b", "b", "c")
    assert record(poller, url).articles == 4
    drain(store)
    corrected, untouched = (store.articles.get(name) for name in ids(url, "b", "a"))
    assert (corrected and corrected.revision, untouched and untouched.revision) == (1, 0)


def test_of_two_articles_with_one_guid_the_first_counts_each_time(store: Store, poller: Poller, site: Site) -> None:
    url = site.put("/feed", rss(("a", "new text"), ("a", "old text")))
    add(poller, url)
    assert poll(poller, url).pushed == 1
    assert poll(poller, url).pushed == 0
    [(_, payload)] = store.inbox.scan()
    assert json.loads(payload)["html"] == "new text"


def test_an_article_that_cannot_be_accepted_is_rejected_once_and_the_others_go_in(
    store: Store, poller: Poller, site: Site
) -> None:
    body = {"version": "https://jsonfeed.org/version/1", "items": [{"id": "empty"}, {"id": "good", "title": "Good"}]}
    url = site.put("/feed", json.dumps(body).encode())
    add(poller, url)
    assert (told := poll(poller, url)).pushed == 1
    assert told.rejected == 1
    assert poll(poller, url).rejected == 0
    assert [one.article_id for one in store.rejected.latest(9)] == ids(url, "empty")


def test_a_server_that_knows_its_answer_again_is_asked_whether_it_has_changed(poller: Poller, site: Site) -> None:
    modified = "Sun, 22 Nov 2026 10:00:00 GMT"
    url = site.put("/feed", ONE, ETag='"1"', Last_Modified=modified, Cache_Control="max-age=7200")
    add(poller, url)
    assert not poll(poller, url).is_unchanged
    told = poll(poller, url)
    assert (told.is_unchanged, told.pushed, told.error, told.title) == (True, 0, "", "The News")
    assert told.next_at is not None
    assert told.next_at - time.time() > 7_000
    first, second = site.asked
    assert not {"if-none-match", "if-modified-since"} & set(first.headers)
    assert (second.headers["if-none-match"], second.headers["if-modified-since"]) == ('"1"', modified)
    site.put("/feed", rss(("two", "other")), ETag='"2"')
    assert poll(poller, url).pushed == 1


def test_what_one_url_gave_is_not_told_to_another(poller: Poller, site: Site) -> None:
    site.put("/here", ONE, ETag='"1"')
    url = site.put("/feed", status=302, Location="/here")
    add(poller, url)
    poll(poller, url)
    site.put("/there", ONE, ETag='"2"')
    site.put("/feed", status=302, Location="/there")
    poll(poller, url)
    assert [one.path for one in site.asked if "if-none-match" in one.headers] == []
    assert poll(poller, url).is_unchanged


def test_a_feed_is_polled_as_seldom_as_it_asks_for(poller: Poller, site: Site) -> None:
    quick = site.put("/quick", ONE, Cache_Control="max-age=10")
    slow = site.put("/slow", rss(("one", "1"), extra="<ttl>120</ttl>"))
    silent = site.put("/silent", ONE)
    add(poller, quick, slow, silent)
    assert poller.run() == 3
    waits = [(record(poller, url).next_at or 0) - time.time() for url in (quick, slow, silent)]
    assert NORMAL - 5 < waits[0] < 1.1 * NORMAL
    assert 7_200 - 5 < waits[1] < 1.1 * 7_200
    assert NORMAL - 5 < waits[2] < 1.1 * NORMAL
    assert poller.run() == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(status=404), "404 Not Found"),
        (Answer(status=500), "500 Internal Server Error"),
        (Answer(b"<html><title>Log in</title></html>"), "an HTML page, not a feed"),
        (Answer(b""), "empty, not a feed"),
        (Answer(b"x" * 200_001), "larger than 200,000 bytes"),
        (Answer(gzip.compress(b"\0" * 20_000_000), headers={"Content-Encoding": "gzip"}), "larger than 200,000 bytes"),
        (Answer(BOMB), "declares XML entities of its own"),
        (Answer(ONE, cut=100), "without sending complete message body"),
        (Answer(ONE, seconds=1.5), "no complete answer within 0.5 seconds"),
        (Answer(status=302, headers={"Location": "http://10.0.0.1/"}), "10.0.0.1 is a private address (redirected to"),
        (Answer(status=301, headers={"Location": "http://169.254.169.254/latest"}), "a cloud provider's metadata"),
        (Answer(status=302, headers={"Location": "file:///etc/passwd"}), "only http and https"),
        (Answer(status=302, headers={"Location": "/feed"}), "redirected more than 5 times"),
        (Answer(status=304), "304 Not Modified"),
        (Answer(b"<rss version='2.0'><channel>" + b"<item/>" * 10_001 + b"</channel></rss>"), "more than 10,000"),
    ],
)  # fmt: skip
def test_a_feed_that_cannot_be_read_is_told_why_and_asked_later(
    store: Store, site: Site, answer: Answer, reason: str
) -> None:
    poller = poller_of(store, limits=FetchLimits(max_bytes=200_000, timeout_seconds=0.5))
    url = site.url("/feed")
    site.answers["/feed"] = answer
    add(poller, url)
    told = poll(poller, url)
    assert reason in told.error
    kept = record(poller, url)
    assert (kept.error, kept.failures, kept.succeeded_at, kept.disabled) == (told.error, 1, None, "")
    assert (kept.url, kept.unfinished) == (url, 0)
    assert NORMAL - 5 < (kept.next_at or 0) - time.time() < 1.1 * NORMAL
    assert waiting(store) == []


def test_a_feed_that_goes_on_failing_is_asked_ever_later_until_it_is_back(poller: Poller, site: Site) -> None:
    url = site.put("/feed", status=500)
    add(poller, url)
    waits = [(poll(poller, url).next_at or 0) - time.time() for _ in range(9)]
    assert all(later / wait == pytest.approx(2, rel=0.02) for wait, later in pairwise(waits[:7]))
    assert max(waits) < 1.1 * DAY
    assert record(poller, url).failures == 9
    site.put("/feed", ONE)
    assert poll(poller, url).pushed == 1
    kept = record(poller, url)
    assert (kept.failures, kept.error) == (0, "")
    assert (kept.next_at or 0) - time.time() < 1.1 * NORMAL


def test_nobody_is_there(poller: Poller) -> None:
    with serving() as gone:
        url = gone.url("/feed")
    add(poller, url)
    assert "refused" in poll(poller, url).error.lower()


def test_a_server_that_asks_for_patience_gets_it_for_all_its_feeds(poller: Poller, site: Site) -> None:
    busy = site.put("/busy", status=429, Retry_After="7200")
    other = site.put("/other", ONE)
    add(poller, busy, other)
    told = poll(poller, busy)
    assert "429" in told.error
    assert (told.next_at or 0) - time.time() > 7_190
    put_off = poll(poller, other)
    assert put_off.put_off
    assert 3_500 < (put_off.next_at or 0) - time.time() < 3_700
    assert site.paths() == ["/busy"]
    assert record(poller, other).failures == 0


def test_a_feed_that_is_gone_is_polled_no_more_until_it_is_asked_for(poller: Poller, site: Site) -> None:
    url = site.put("/feed", status=410)
    add(poller, url)
    assert poller.run() == 1
    kept = record(poller, url)
    assert kept.disabled == "gone: the server answered 410 Gone"
    assert kept.next_at is None
    assert poller.run() == 0
    site.put("/feed", status=404)
    assert poll(poller, url).disabled
    site.put("/feed", ONE)
    assert poll(poller, url).pushed == 1
    kept = record(poller, url)
    assert (kept.disabled, kept.next_at is not None) == ("", True)


@pytest.mark.parametrize("status", [301, 308])
def test_a_permanent_redirect_moves_the_subscription_and_leaves_the_ids(
    store: Store, poller: Poller, site: Site, status: int
) -> None:
    old, new = site.put("/old", status=status, Location="/new"), site.put("/new", ONE, ETag='"1"')
    add(poller, old)
    assert poll(poller, old).moved_to == new
    assert record(poller, old).url == record(poller, new).url == new
    assert poll(poller, new).is_unchanged
    assert site.paths() == ["/old", "/new", "/new"]
    site.put("/new", rss(("two", "2"), ("one", text("one"))))
    assert poll(poller, new).pushed == 1
    assert waiting(store) == ids(old, "one", "two")
    assert subscribe_to_url(poller, new).known == (new,)
    assert subscribe_to_url(poller, old).known == (old,)
    unsubscribe(store.feeds, old)
    with pytest.raises(UnknownFeedError):
        subscribed(store.feeds, new)


def test_a_redirect_moves_only_as_far_as_it_is_permanent_and_leads_to_a_feed(poller: Poller, site: Site) -> None:
    half = site.put("/half", status=301, Location="/way")
    way = site.put("/way", status=307, Location="/end")
    site.put("/end", ONE)
    passing, lost = site.put("/passing", status=302, Location="/end"), site.put("/lost", status=301, Location="/none")
    add(poller, half, passing, lost)
    assert poll(poller, half).moved_to == way
    assert poll(poller, passing).moved_to == ""
    assert "404" in poll(poller, lost).error
    assert [record(poller, url).url for url in (half, passing, lost)] == [way, passing, lost]


def test_a_feed_that_moved_to_another_subscription_is_polled_no_more(poller: Poller, site: Site) -> None:
    old, new = site.put("/old", status=301, Location="/new"), site.put("/new", ONE)
    add(poller, old, new)
    assert f"moved to {new}, which is subscribed to already" in poll(poller, old).disabled
    assert record(poller, old).next_at is None
    assert record(poller, new).feed_id == feed_id(new)


def test_two_workers_never_fetch_one_feed_or_ask_one_host_at_the_same_time(store: Store, site: Site) -> None:
    urls = [site.url(f"/{n}") for n in range(4)]
    for n in range(4):
        site.answers[f"/{n}"] = Answer(rss((f"a{n}", f"text {n}")), seconds=0.05)
    add(poller_of(store), *urls)
    pollers = [poller_of(store, host_seconds=0.1, busy_seconds=10) for _ in range(3)]
    threads = [threading.Thread(target=one.run) for one in pollers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(site.paths()) == {f"/{n}": 1 for n in range(4)}
    spans = sorted((one.begun, one.ended) for one in site.asked)
    assert all(later[0] - earlier[1] > 0.08 for earlier, later in pairwise(spans))
    assert sorted(waiting(store)) == sorted(name for n in range(4) for name in ids(urls[n], f"a{n}"))


def test_a_feed_that_another_process_polls_is_left_to_it(store: Store, poller: Poller, site: Site) -> None:
    url = site.put("/feed", ONE)
    add(poller, url)
    assert store.feed_turns.take_feed(feed_id(url), "another")
    assert poller.run() == 0
    assert poll(poller, url).put_off
    assert site.asked == []
    store.feed_turns.release_feed(feed_id(url), "a third")
    assert poller.run() == 0
    store.feed_turns.release_feed(feed_id(url), "another")
    assert poller.run() == 1


def test_a_poll_that_a_redirect_leads_to_a_busy_host_is_put_off_and_blames_nobody(store: Store, site: Site) -> None:
    url = site.put("/feed", status=302, Location=f"http://localhost:{site.server_port}/there")
    poller = Poller(store, NORMAL, 0.001, [ip_network("127.0.0.0/8"), ip_network("::1")], busy_seconds=0.2)
    add(poller, url)
    assert store.feed_turns.take_host("localhost", "another") == (0.0, True)
    told = poll(poller, url)
    assert told.put_off
    assert "localhost is asked by another poll" in told.error
    kept = record(poller, url)
    assert (kept.failures, kept.unfinished, kept.error) == (0, 0, "")
    assert (kept.next_at or DAY) - time.time() < 1
    assert site.paths() == ["/feed"]


def test_a_slow_host_does_not_hold_up_the_others(store: Store, site: Site) -> None:
    """The other host is the same site under another name."""
    quick, slow = site.put("/quick", ONE), f"http://localhost:{site.server_port}/slow"
    site.answers["/slow"] = Answer(ONE, seconds=1.0)
    poller = Poller(store, NORMAL, 0.001, [ip_network("127.0.0.0/8"), ip_network("::1")])
    add(poller, slow, quick)
    poller.run()
    ended = {one.path: one.ended for one in site.asked}
    assert ended["/quick"] < ended["/slow"] - 0.5


def test_a_subscription_that_ends_during_its_poll_leaves_nothing(store: Store, poller: Poller, site: Site) -> None:
    url = site.url("/feed")
    site.answers["/feed"] = Answer(ONE, meanwhile=lambda: unsubscribe(store.feeds, url))
    add(poller, url)
    assert poll_by_id(poller, feed_id(url)).error == "the subscription ended or moved meanwhile"
    time.sleep(0.01)
    left = {key.decode() for key in store.connection.keys("dedup:private:feed*")}
    assert left <= {key for key in left if key.startswith("dedup:private:feeds:host:")}


def poll_by_id(poller: Poller, name: str) -> Polled:
    [told] = poller.poll_now([name])
    return told


def test_a_removed_feed_leaves_no_key_and_can_be_added_again(store: Store, poller: Poller, site: Site) -> None:
    url = site.put("/feed", ONE)
    before = set(store.connection.keys("*"))
    add(poller, url)
    poll(poller, url)
    unsubscribe(store.feeds, url)
    time.sleep(0.01)
    assert set(store.connection.keys("*")) - before == {b"dedup:inbox"}
    with pytest.raises(UnknownFeedError, match="no feed"):
        unsubscribe(store.feeds, url)
    add(poller, url)
    assert poll(poller, url).pushed == 1
    drain(store)
    assert store.articles.count()[0] == 1


def test_everything_kept_of_feeds_is_private(store: Store, poller: Poller, site: Site) -> None:
    url = site.put("/feed", rss())
    add(poller, url)
    poll(poller, url)
    assert [key for key in store.connection.keys("*") if not key.startswith(b"dedup:private:")] == []


def test_what_finds_no_room_in_the_inbox_follows_later(store: Store, poller: Poller, site: Site) -> None:
    url = site.put("/feed", rss(*((f"g{n}", f"text {n}") for n in range(5))), ETag='"1"')
    add(poller, url)
    tight = dataclasses.replace(store, inbox=Inbox(store.connection, store.keys, 2))
    told = poll(dataclasses.replace(poller, store=tight), url)
    assert "the inbox is full" in told.error
    assert waiting(store) == ids(url, "g4", "g3")
    assert (record(poller, url).failures, record(poller, url).articles) == (0, 2)
    assert poll(poller, url).pushed == 3
    assert waiting(store) == ids(url, "g4", "g3", "g2", "g1", "g0")
    assert record(poller, url).articles == 5


def test_a_memory_keeps_what_is_listed_now_and_a_bounded_part_of_what_was() -> None:
    before = {f"{n:08}".encode(): b"12345678" for n in range(1_000)}
    now = {b"new name": b"a digest"}
    kept = remembered(before, now)
    assert len(kept) == 256
    assert next(iter(kept)) == b"new name"
    assert remembered(before, before) == before
    assert remembered(kept, {b"new name": b"another "})[b"new name"] == b"another "


POLLING = """
import os, sys
from ipaddress import ip_network
from worker.service.polling import Poller
from worker.store.connection import connect
from worker.store.store import open_store
for _ in sys.stdin:
    child = os.fork()
    if not child:
        Poller(open_store(connect(sys.argv[1]), "dedup:"), 900.0, 0.001, [ip_network("127.0.0.1/32")]).run()
        os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)
"""
"""Polls what is due in a process of its own for each line that it reads, and tells its number."""


@contextmanager
def polls(server_url: str) -> Iterator[Callable[[], int]]:
    """Begins polls in processes that may be killed, whose numbers it gives."""
    command = [sys.executable, "-c", POLLING, server_url]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        given, told = process.stdin, process.stdout
        assert given
        assert told

        def begin() -> int:
            given.write("\n")
            given.flush()
            return int(told.readline())

        yield begin


def test_a_poll_that_is_killed_anywhere_loses_nothing_and_counts_nothing_twice(
    store: Store, poller: Poller, site: Site, server_url: str
) -> None:
    url = site.url("/feed")
    names = [f"g{n}" for n in range(450)]
    site.answers["/feed"] = Answer(rss(*((name, text(name, 30)) for name in names)), seconds=0.05)
    add(poller, url)
    n_found_unfinished = 0
    with polls(server_url) as begin:
        for turn in (0, 2, 4, 1, 3, 5, 7, 9):
            n_waiting, pid = store.inbox.n_waiting(), begin()
            if turn % 2:
                time.sleep(0.05 * turn)
            else:  # between its first push and its commit
                wait_until(partial(has_grown, store, n_waiting))
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
            let_rights_run_out(store)
            kept = record(poller, url)
            if kept.unfinished:
                n_found_unfinished += 1
                assert (kept.next_at or 0) - time.time() > min(60 * 2 ** (kept.unfinished - 1), DAY / 2)
            store.connection.zadd(store.keys.feeds_due, {kept.feed_id: 0})
    assert n_found_unfinished
    poll(poller, url)
    drain(store)
    assert store.articles.count()[0] == len(names)
    assert record(poller, url).articles == len(names)
    assert all(entry and entry.revision == 0 for name in ids(url, *names) for entry in [store.articles.get(name)])
    assert store.inbox.n_waiting() == 0
    recount(store, settled=False)


def has_grown(store: Store, n_waiting: int) -> bool:
    return store.inbox.n_waiting() > n_waiting


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not holds() and time.monotonic() < end:
        time.sleep(0.001)


def let_rights_run_out(store: Store) -> None:
    """What would happen in two minutes."""
    for pattern in ("dedup:private:feed:*:lease", "dedup:private:feeds:host:*"):
        for key in store.connection.keys(pattern):
            store.connection.delete(key)


def test_an_opml_list_behind_a_url_is_subscribed_to_with_its_categories(poller: Poller, site: Site) -> None:
    inner = f'<outline text="World"><outline text="Gazette" xmlUrl="{site.url("/a")}"/></outline>'
    listed = site.put("/list", f'<opml><body>{inner}<outline type="rss" text="Lost"/></body></opml>'.encode())
    done = subscribe_to_url(poller, listed)
    assert [(one.url, one.title, one.category) for one in done.added] == [(site.url("/a"), "Gazette", "World")]
    assert [one.name for one in done.bad] == ["Lost"]
    again = subscribe_to_list(poller.store.feeds, read_opml(site.answers["/list"].body, "x"))
    assert (again.added, again.known) == ((), (site.url("/a"),))
    assert record(poller, site.url("/a")).category == "World"


def test_a_url_is_looked_at_before_it_is_subscribed_to(poller: Poller, site: Site) -> None:
    url = site.put("/feed", ONE)
    assert [one.title for one in subscribe_to_url(poller, f"{url}#top").added] == ["The News"]
    page = site.put(
        "/page", b'<html><head><link rel="alternate" type="application/rss+xml" href="/feed"></head></html>'
    )
    with pytest.raises(FeedError, match="its feed may be at"):
        subscribe_to_url(poller, page)
    with pytest.raises(FeedError, match="refused"):
        subscribe_to_url(poller, "http://10.1.2.3/feed")
    assert len(poller.store.feeds.ids()) == 1
