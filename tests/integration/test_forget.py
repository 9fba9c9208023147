"""Of a forgotten article nothing is left, in no key and on no disk, and what is left stands as if it had aged away."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import redis

from dedup.report import Period
from tests.integration.recount import recount
from tests.integration.world import (
    DAY,
    HOUR,
    PARAMS,
    RETENTION,
    about,
    altered,
    article,
    clusterer,
    drain,
    dump,
    expiry,
    families,
    in_threads,
    ingest,
    linked,
    places,
    push,
    story_of,
    text,
    worker,
)
from worker import embedded
from worker.service.draining import drain as wait_and_drain
from worker.service.forgetting import Forgetting, ForgettingError, Removed, UnknownArticleError
from worker.service.ingest import Worker
from worker.service.reporting import Reporting
from worker.store import streams
from worker.store.records import ArticleRecord
from worker.store.store import Store, open_store

EARLY = 1_760_000_000.0
CLAIM_SECONDS = 15.0
MARKER = "zyxmarker"
"""A word that stands in the article to be forgotten, and nowhere else."""


def forgetting(store: Store, claim_seconds: float = CLAIM_SECONDS) -> Forgetting:
    return Forgetting(store, PARAMS, RETENTION, claim_seconds)


def forget(store: Store, article_id: str) -> Removed:
    return forgetting(store).run(article_id, server_time(store))


def server_time(store: Store) -> float:
    seconds, microseconds = store.connection.time()
    return float(seconds + microseconds / 1e6)


def marked(article_id: str = f"{MARKER}-id", **fields: object) -> dict[str, object]:
    """An article about the flood with the marker in all that is its own."""
    told = about("flood", article_id)
    body = f"{MARKER} {told['text']} {MARKER}"
    own = {
        "text": body, "title": f"Flood {MARKER}", "source": f"{MARKER}.example", "url": f"https://{MARKER}.example/1",
    }  # fmt: skip
    return {**told, **own, **fields}


def everything(store: Store) -> bytes:
    """Every key with all that is in it, as clients read it: strings, hashes, sets, sorted sets, lists and streams."""
    r = store.connection
    readers: dict[bytes, Callable[[bytes], object]] = {
        b"string": r.get,
        b"hash": r.hgetall,
        b"set": r.smembers,
        b"zset": lambda key: r.zrange(key, 0, -1, withscores=True),
        b"list": lambda key: r.lrange(key, 0, -1),
        b"stream": lambda key: (r.xrange(key), r.xinfo_groups(key)),
    }
    told = [repr((key, readers[r.type(key)](key))) for key in r.scan_iter(count=1000)]
    numbers = [int(key.rpartition(b":")[2]) for key in r.scan_iter(f"{store.keys.index}text:*", count=1000)]
    return "\n".join([*told, *store.index.texts(numbers).values()]).encode()


def on_disk(folder: Path) -> list[Path]:
    """The server's files that have the marker in them."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if MARKER.encode() in path.read_bytes()]


def report_now(store: Store, name: str = "2026-01-02T03", kind: Any = "hour") -> None:
    now = server_time(store)
    Reporting(store, "UTC").make(Period(kind, name, now - HOUR, now + HOUR, "UTC"), now)


def read_report(store: Store, name: str = "2026-01-02T03", kind: str = "hour") -> dict[str, Any]:
    told: dict[str, Any] = json.loads(store.connection.get(store.keys.report(kind, name)))
    return told


def changes(store: Store) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(name, change.kind, change.articles) for name, change in store.changes.after("0", 1000)]


# Nothing is left


def test_no_key_no_value_and_no_file_has_a_trace_of_it(store: Store, live_server: embedded.Server) -> None:
    ingest(store, marked(), *(about("flood", f"f{i}") for i in range(3)), about("fire", "g"))
    holder = clusterer(store)
    holder.run(server_time(store))
    report_now(store)
    report_now(store, "2026-01-02", "day")
    ingest(store, marked(text=text("other"), title=f"Fire {MARKER}"), json.dumps(marked(title=5)))
    holder.run(server_time(store))
    report_now(store, "2026-01-02T04")
    ingest(store, marked(text=text("a third"), title=f"Quake {MARKER}"))
    push(store, [marked(text=text("a fourth"))])
    folder = live_server.data_dir
    store.connection.config_set("rdbcompression", "no")
    assert on_disk(folder) != []
    assert MARKER.encode() in everything(store)
    removed = forget(store, f"{MARKER}-id")
    assert (removed.article, removed.waiting, removed.rejected, removed.rewritten) == (True, 1, 1, True)
    assert removed.changes > 0
    assert removed.reports >= 3
    assert MARKER.encode() not in everything(store)
    assert on_disk(folder) == []
    drain(store)
    holder.run(server_time(store))
    assert MARKER.encode() not in everything(store)
    recount(store)
    assert store.articles.count() == (4, 4)


@pytest.mark.parametrize("n_runs", [0, 1, 2])
def test_a_store_stands_as_if_the_article_had_left_by_age(store: Store, n_runs: int) -> None:
    def left_by(leave: Callable[[], object]) -> list[object]:
        store.connection.flushall()
        holder = clusterer(store, window_seconds=40 * DAY)
        ingest(store, about("flood", "x", title="The oldest"), at=EARLY)
        body = str(about("flood", "x")["text"])
        rest = [*(about("flood", f"f{i}") for i in range(3)), about("fire", "g"), article("c", altered(body, 1))]
        ingest(store, *rest, at=EARLY + DAY)
        for i in range(n_runs):
            holder.run(EARLY + DAY + i)
        leave()
        holder.run(EARLY + RETENTION + 2)
        recount(store)
        ids = [str(one["id"]) for one in rest]
        stories = store.stories.get(store.stories.all_ids())
        told = [dataclasses.replace(story, updated_at=0) for story in sorted(stories.values(), key=lambda one: one.id)]
        lines = store.stories.get_storylines({story.storyline for story in told})
        return [places(store, ids), families(store), told, [(one.id, one.headline) for one in lines.values()]]

    forgotten = left_by(lambda: forget(store, "x"))
    aged = left_by(lambda: expiry(store).run(EARLY + RETENTION + 1))
    assert forgotten == aged


def test_an_id_of_which_there_is_no_trace_is_refused_and_nothing_changes(store: Store) -> None:
    ingest(store, about("flood", "a"))
    clusterer(store).run(server_time(store))
    before = dump(store)
    with pytest.raises(UnknownArticleError, match="no trace of an article 'nobody'"):
        forget(store, "nobody")
    assert dump(store) == before


def test_an_article_can_be_forgotten_once_and_pushed_again(store: Store) -> None:
    ingest(store, about("flood", "a"))
    forget(store, "a")
    with pytest.raises(UnknownArticleError):
        forget(store, "a")
    ingest(store, about("flood", "a"))
    clusterer(store).run(server_time(store))
    found = store.articles.get("a")
    assert found is not None
    assert (found.kind, found.revision, found.status) == ("new", 0, "clustered")
    recount(store)


# Families


@pytest.mark.parametrize("gone", ["first", "copy", "near", "long"])
def test_a_family_is_settled_anew_whoever_of_it_goes(store: Store, gone: str) -> None:
    body = text("a")
    ingest(store, article("first", body), article("copy", body), article("near", altered(body, 1)))
    ingest(store, article("long", f"{body} and more of it"))
    holder = clusterer(store)
    holder.run(server_time(store))
    story = story_of(store, "first")
    forget(store, gone)
    assert families(store) == {tuple(sorted({"first", "copy", "near", "long"} - {gone}))}
    recount(store)
    holder.run(server_time(store))
    recount(store)
    assert [story_of(store, name) for name in ("first", "copy", "near", "long") if name != gone] == [story] * 3


def test_a_family_whose_link_goes_falls_apart_and_both_parts_keep_their_story(store: Store) -> None:
    left, middle, right = linked()
    ingest(store, article("middle", middle), article("left", left), article("right", right))
    holder = clusterer(store)
    holder.run(server_time(store))
    forget(store, "middle")
    assert families(store) == {("left",), ("right",)}
    assert store.stories.get([story_of(store, "left")])[story_of(store, "left")].n_articles == 2
    holder.run(server_time(store))
    recount(store)


def test_a_text_that_a_copy_has_too_stays_unless_it_is_kept_as_the_forgotten_article_spelt_it(store: Store) -> None:
    body = text("a")
    ingest(store, article("first", body), article("b", text("b")))
    ingest(store, article("copy", body.upper()), article("copy of b", text("b").upper()))
    forget(store, "first")
    forget(store, "copy of b")
    records = {name: ArticleRecord.unpack(one) for name, one in store.articles.records(["copy", "b"]).items()}
    assert store.index.texts([records["copy"].content]) == {}
    assert store.index.texts([records["b"].content]) == {records["b"].content: text("b")}
    recount(store, settled=False)


def test_an_article_that_no_run_has_seen_yet_can_be_forgotten(store: Store) -> None:
    ingest(store, marked())
    forget(store, f"{MARKER}-id")
    assert MARKER.encode() not in everything(store)
    assert store.articles.count() == (0, 0)
    clusterer(store).run(server_time(store))
    recount(store)


def test_a_text_that_a_later_push_overtook_goes_too(store: Store) -> None:
    push(store, [marked()])
    store.inbox.ensure()
    held = store.inbox.take("slow", 10, 1 << 20, 60)
    store.index.admit(list(_prepared(store, held)))
    push(store, [marked(text=text("later"))])
    drain(store)
    worker(store).work(held)
    assert store.connection.zcard(f"{store.keys.index}waiting") == 1
    forget(store, f"{MARKER}-id")
    assert store.connection.keys(f"{store.keys.index}*") == []


def _prepared(store: Store, entries: Any) -> Iterator[Any]:
    from dedup.article import parse_article
    from dedup.pipeline import prepare

    assert store.connection.ping()
    yield from prepare([parse_article(entry.payload) for entry in entries], PARAMS)


# Stories and storylines


def test_the_story_of_its_founding_article_goes_on_under_its_id_with_another_headline(store: Store) -> None:
    ingest(store, marked(), *(about("flood", f"f{i}") for i in range(2)))
    holder = clusterer(store)
    holder.run(server_time(store))
    story_id = story_of(store, f"{MARKER}-id")
    assert story_of(store, "f0") == story_id
    forget(store, f"{MARKER}-id")
    story = store.stories.get([story_id])[story_id]
    line = store.stories.get_storylines([story.storyline])[story.storyline]
    assert (story.headline, story.n_articles, story.representative) == (about("flood", "f0")["title"], 2, "f0")
    assert (line.headline, line.n_articles) == (story.headline, 2)
    before = dump(store, "dedup:private:lease", "dedup:private:fence")
    assert holder.run(server_time(store)) is not None
    assert store.stories.get([story_id])[story_id] == story
    assert before.keys() == dump(store, "dedup:private:lease", "dedup:private:fence").keys()
    recount(store)


def test_a_story_that_has_left_the_window_is_told_anew_too(store: Store) -> None:
    ingest(store, marked(), about("flood", "f0"), at=EARLY)
    holder = clusterer(store, window_seconds=DAY)
    holder.run(EARLY + 1)
    holder.run(EARLY + 2 * DAY)
    story_id = story_of(store, "f0")
    forget(store, f"{MARKER}-id")
    story = store.stories.get([story_id])[story_id]
    assert (story.status, story.headline, story.n_articles) == ("ended", about("flood", "f0")["title"], 1)
    holder.run(EARLY + 2 * DAY + 1)
    recount(store)


def test_a_story_goes_with_its_last_article_and_is_told_to_have_ended(store: Store) -> None:
    ingest(store, marked(), about("fire", "g"))
    holder = clusterer(store)
    holder.run(server_time(store))
    story_id, line = places(store, [f"{MARKER}-id"])[0][1:]
    forget(store, f"{MARKER}-id")
    assert store.stories.get([story_id]) == {}
    assert store.stories.all_ids() == [story_of(store, "g")]
    found = store.stories.get_storylines([line])[line]
    assert (found.headline, found.n_stories, found.n_articles) == ("", 0, 0)
    last = store.changes.after("0", 100)[-1][1]
    assert (last.kind, last.story, last.articles, last.n_articles) == ("ended", story_id, (), 0)
    holder.run(server_time(store))
    assert [kind for _, kind, _ in changes(store)].count("ended") == 1
    recount(store)


def test_a_clusterer_that_held_it_in_its_window_writes_nothing_of_it_back(store: Store) -> None:
    ingest(store, marked(), *(about("flood", f"f{i}") for i in range(2)), about("fire", "g"))
    holder = clusterer(store)
    holder.run(server_time(store))
    forget(store, f"{MARKER}-id")
    for i in range(3):
        ingest(store, about("flood", f"later{i}"))
        holder.run(server_time(store))
        assert MARKER.encode() not in everything(store)
    recount(store)


def test_a_run_that_was_begun_before_is_not_committed_after(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest(store, marked(), about("flood", "f0"))
    holder = clusterer(store)
    signing = store.lease.__class__.guard

    def forget_first(*args: Any) -> None:
        monkeypatch.undo()
        forget(store, f"{MARKER}-id")
        signing(*args)

    monkeypatch.setattr(store.lease.__class__, "guard", forget_first)
    assert holder.run(server_time(store)) is None
    assert MARKER.encode() not in everything(store)
    assert holder.run(server_time(store)) is not None
    assert MARKER.encode() not in everything(store)
    recount(store)


# Pushes


def test_what_waits_in_the_inbox_goes_whatever_its_id_was_made_of(store: Store) -> None:
    url = f"https://{MARKER}.example/story"
    push(store, [{"url": f"{url}?utm_source=x", "title": "A"}, {"id": url, "title": "B"}, {"url": url, "title": 7}])
    push(store, [about("flood", "stays"), "no JSON", '{"id": "\\u0073tays too", "title": "C"}'])
    assert forget(store, url).waiting == 3
    assert MARKER.encode() not in everything(store)
    drain(store)
    assert store.articles.get("stays") is not None
    assert forget(store, "stays too").waiting == 0
    assert store.articles.get("stays too") is None
    assert store.rejected.size() == 1


@pytest.mark.parametrize("step", ["look_up", "admit"])
@pytest.mark.parametrize("was_known", [False, True])
def test_a_push_in_a_workers_hands_comes_to_nothing(store: Store, was_known: bool, step: str) -> None:
    """A worker has taken it and looked it up; it finds when it writes that the article was forgotten meanwhile."""
    if was_known:
        ingest(store, marked(text=text("before")))
    push(store, [marked(), about("flood", "f0"), marked(text=text("once more"))])
    store.inbox.ensure()
    held = store.inbox.take("slow", 10, 1 << 20, 60)
    working = _Interrupted(worker(store), step, lambda: Thread(target=forget, args=(store, f"{MARKER}-id")))
    working.work(held)
    assert store.articles.get(f"{MARKER}-id") is None
    assert store.articles.get("f0") is not None
    assert (store.inbox.n_waiting(), store.connection.xpending(store.keys.inbox, "drain")["pending"]) == (0, 0)
    assert MARKER.encode() not in everything(store)
    recount(store, settled=False)


class _Interrupted:
    """A worker after whose look-up or admission something else begins; both are through at the end."""

    def __init__(self, working: Worker, step: str, begin: Callable[[], Thread]) -> None:
        self.working, self.step, self.begin = working, step, begin

    def work(self, entries: Any) -> None:
        index = type(self.working.store.index)
        step = getattr(index, self.step)
        others: list[Thread] = []

        def take_late(*given: Any, **named: Any) -> Any:
            taken = step(*given, **named)
            if not others:
                others.append(self.begin())
                others[0].start()
                inbox, gone = self.working.store.inbox, time.monotonic() + 10
                while len(inbox.present(entries)) == len(entries) and time.monotonic() < gone:
                    time.sleep(0.005)
            return taken

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(index, self.step, take_late)
            self.working.work(entries)
        others[0].join()


def test_what_a_dead_worker_holds_goes_after_its_time(store: Store) -> None:
    push(store, [marked()])
    store.inbox.ensure()
    assert len(store.inbox.take("dead", 10, 1 << 20, 60)) == 1
    begun = time.monotonic()
    forgetting(store, claim_seconds=0.3).run(f"{MARKER}-id", server_time(store))
    assert 0.2 < time.monotonic() - begun < 10
    assert store.connection.xpending(store.keys.inbox, "drain")["pending"] == 0
    assert MARKER.encode() not in everything(store)
    assert drain(store, "other", claim_seconds=0) == 0


def test_articles_are_forgotten_while_workers_take_others_in(store: Store, server_url: str) -> None:
    body = text("shared")
    ingest(store, *(article(f"x{i}", altered(body, i)) for i in range(5)), article("x5", body))
    push(store, [article(f"y{i}", altered(body, i) if i % 3 else text(i)) for i in range(150)])

    def work(mine: Store, number: int) -> None:
        if number:
            drain(mine, f"worker-{number}", 16)
        else:
            for i in range(6):
                forget(mine, f"x{i}")

    in_threads(server_url, 3, work)
    drain(store, claim_seconds=0)
    clusterer(store).run(server_time(store))
    assert store.articles.count()[0] == 150
    recount(store)


def test_a_drain_that_waits_for_the_next_article_gets_it(store: Store, server_url: str) -> None:
    """The inbox is made anew under a reader that waits at its end."""
    ingest(store, marked())

    def work(mine: Store, number: int) -> None:
        if number:
            assert wait_and_drain(mine, PARAMS, "waiting", CLAIM_SECONDS, 1 << 20, RETENTION) == 1
        else:
            time.sleep(0.2)
            forget(mine, f"{MARKER}-id")
            push(mine, [about("fire", "g")])

    in_threads(server_url, 2, work)
    assert store.articles.get("g") is not None
    recount(store, settled=False)


# Changes


def test_changes_keep_their_ids_and_all_they_tell_of_others(store: Store) -> None:
    ingest(store, *(about("flood", f"f{i}") for i in range(3)), about("fire", "g"))
    holder = clusterer(store)
    holder.run(server_time(store))
    ingest(store, about("fire", "g1"), about("flood", "f3"))
    holder.run(server_time(store))
    r, key = store.connection, store.keys.changes
    r.xgroup_create(key, "mine", id="0")
    [(_, [(first, _)])] = r.xreadgroup("mine", "me", {key: ">"}, count=1)
    before, about_it = changes(store), r.xinfo_stream(key)
    forget(store, "f0")
    after = changes(store)
    assert after == [(name, kind, tuple(one for one in ids if one != "f0")) for name, kind, ids in before]
    assert all(change.n_articles == len(change.articles) for _, change in store.changes.after("0", 100))
    assert r.xinfo_stream(key)["last-generated-id"] == about_it["last-generated-id"]
    assert r.xinfo_stream(key)["entries-added"] == about_it["entries-added"]
    assert [one["message_id"] for one in r.xpending_range(key, "mine", "-", "+", 10)] == [first]
    [(_, rest)] = r.xreadgroup("mine", "me", {key: ">"}, count=10)
    assert [name.decode() for name, _ in rest] == [name for name, _, _ in before[1:]]


def test_a_consumer_that_waits_at_the_end_is_told_what_comes_next_and_nothing_twice(store: Store) -> None:
    ingest(store, *(about("flood", f"f{i}") for i in range(3)))
    holder = clusterer(store)
    holder.run(server_time(store))
    last = store.changes.last_id()
    told: list[str] = []

    def follow() -> None:
        told.extend(name for name, _ in store.changes.wait(last, 20, 10))

    waiting = Thread(target=follow)
    waiting.start()
    time.sleep(0.1)
    forget(store, "f0")
    assert told == []
    ingest(store, about("flood", "f4"))
    holder.run(server_time(store))
    waiting.join()
    assert told == [name for name, _, _ in changes(store) if name != last][-1:]
    assert told != []


def test_a_change_that_tells_of_it_alone_goes_and_one_that_tells_of_a_story_that_stays_does_not(store: Store) -> None:
    ingest(store, about("flood", "a"))
    holder = clusterer(store)
    holder.run(server_time(store))
    ingest(store, about("flood", "a", text=f"{about('flood', 'a')['text']} more"), about("flood", "b"))
    holder.run(server_time(store))
    assert {kind for _, kind, ids in changes(store) if ids == ("a",)} == {"born", "revised"}
    forget(store, "a")
    assert [(kind, ids) for _, kind, ids in changes(store)] == [("born", ()), ("grew", ("b",))]


def test_a_revision_that_no_run_has_told_yet_is_not_told(store: Store) -> None:
    ingest(store, marked(), about("flood", "f"))
    holder = clusterer(store)
    holder.run(server_time(store))
    ingest(store, marked(text=text("new")), about("flood", "f", text=text("new too")))
    forget(store, f"{MARKER}-id")
    assert MARKER.encode() not in everything(store)
    holder.run(server_time(store))
    assert [ids for _, kind, ids in changes(store) if kind == "revised"] == [("f",)]


# Reports


def test_a_report_is_rendered_anew_with_the_words_of_others_and_the_same_figures(store: Store) -> None:
    ingest(store, marked(), about("flood", "f0", url="https://f.example/"), about("fire", "g", title="Fire!"))
    clusterer(store).run(server_time(store))
    report_now(store)
    before = read_report(store)
    ttl = store.connection.ttl(store.keys.report("hour", "2026-01-02T03"))
    assert forget(store, f"{MARKER}-id").reports == 2
    after = read_report(store)
    assert after["counts"] == before["counts"]
    assert after["largest"][0]["headline"] == about("flood", "f0")["title"]
    assert (after["largest"][0]["url"], after["largest"][0]["sources"]) == ("https://f.example/", ["gazette.example"])
    assert after["largest"][0]["n_articles"] == 2
    assert after["largest"][1] == before["largest"][1]
    kept = store.reports.get("hour", "latest")
    assert kept is not None
    for form in dataclasses.astuple(kept):
        assert MARKER not in form
        assert "Fire!" in form
    assert ttl - 10 < store.connection.ttl(store.keys.report("hour", "2026-01-02T03")) <= ttl


def test_a_report_that_tells_nothing_of_it_stays_to_the_byte(store: Store) -> None:
    ingest(store, marked(), about("fire", "g", title="Fire!"), about("fire", "g2", title="Fire!"))
    clusterer(store).run(server_time(store))
    report_now(store)
    before = store.reports.get("hour", "latest")
    assert forget(store, "g2").reports == 0
    assert store.reports.get("hour", "latest") == before


def test_an_earlier_title_of_a_revised_article_goes_too(store: Store) -> None:
    ingest(store, marked(title=f"First {MARKER}"), about("flood", "f0"))
    holder = clusterer(store)
    holder.run(server_time(store))
    report_now(store)
    ingest(store, marked(title="Second", text=f"{marked()['text']} more words", url="", source=""))
    holder.run(server_time(store))
    assert MARKER in json.dumps(read_report(store))
    forget(store, f"{MARKER}-id")
    assert MARKER.encode() not in everything(store)
    assert read_report(store)["n_born"] == 1


def test_a_report_that_was_begun_before_is_made_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest(store, marked(), about("flood", "f0"))
    clusterer(store).run(server_time(store))
    build = Reporting._build  # noqa: SLF001 - between building and keeping is where the other has to come in

    def forget_meanwhile(reporting: Reporting, period: Period, now: float) -> Any:
        report = build(reporting, period, now)
        monkeypatch.undo()
        forget(store, f"{MARKER}-id")
        return report

    monkeypatch.setattr(Reporting, "_build", forget_meanwhile)
    report_now(store)
    assert read_report(store)["largest"][0]["n_articles"] == 1
    assert MARKER.encode() not in everything(store)


def test_a_report_that_nobody_can_read_is_taken_away(store: Store) -> None:
    ingest(store, about("flood", "a"))
    key = store.keys.report("hour", "2026-01-02T03")
    for suffix in ("", ":markdown", ":html"):
        store.connection.set(key + suffix, '{"of": "another version"}')
    assert forget(store, "a").reports == 1
    assert store.connection.keys(f"{key}*") == []


# Interrupted


class _Killed(BaseException):
    """What ends a process at once."""


def dying(url: str, n_commands: int) -> Any:
    """A connection over which only so many commands go."""
    left = iter(range(n_commands))

    class Dying(redis.Redis):
        def execute_command(self, *args: Any, **options: Any) -> Any:
            if next(left, None) is None:
                raise _Killed
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    return Dying.from_url(url)


@pytest.mark.fault
def test_one_that_was_killed_at_any_command_is_ended_by_the_next(store: Store, server_url: str) -> None:
    interrupted = 0
    for n_commands in range(1, 200):
        store.connection.flushall()
        ingest(store, marked(), about("flood", "f0"), json.dumps(marked(title=5)))
        clusterer(store).run(server_time(store))
        report_now(store)
        push(store, [marked(text=text("waits"))])
        connection = dying(server_url, n_commands)
        try:
            forgetting(open_store(connection, "dedup:")).run(f"{MARKER}-id", server_time(store))
        except _Killed:
            interrupted += 1
        else:
            break
        finally:
            connection.close()
        forget(store, f"{MARKER}-id")
        assert MARKER.encode() not in everything(store), n_commands
        assert store.connection.exists(store.keys.private("forgetting")) == 0
        clusterer(store).run(server_time(store))
        recount(store)
    assert interrupted > 30
    assert MARKER.encode() not in everything(store)


def test_one_that_waits_for_the_file_is_ended_by_the_next_and_names_nothing_meanwhile(
    store: Store, server_url: str
) -> None:
    class NoRewrite(redis.Redis):
        def bgrewriteaof(self, **options: Any) -> Any:
            raise _Killed(options)

    ingest(store, marked())
    connection = NoRewrite.from_url(server_url)
    with pytest.raises(_Killed):
        forget(open_store(connection, "dedup:"), f"{MARKER}-id")
    connection.close()
    assert MARKER.encode() not in everything(store)
    assert store.connection.exists(store.keys.private("forgetting")) == 1
    assert forget(store, f"{MARKER}-id") == Removed(
        article=False, waiting=0, rejected=0, changes=0, reports=0, rewritten=True
    )  # fmt: skip


def test_an_inbox_too_long_to_be_made_anew_is_left_for_another_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(store, [marked(), about("fire", "g")])
    monkeypatch.setattr(streams, "MOST_BYTES", 0)
    with pytest.raises(ForgettingError, match="more waits in the inbox than can be moved"):
        forget(store, f"{MARKER}-id")
    assert MARKER.encode() not in everything(store)
    assert MARKER.encode() in store.connection.dump(store.keys.inbox)
    monkeypatch.undo()
    assert forget(store, f"{MARKER}-id").rewritten
    assert MARKER.encode() not in store.connection.dump(store.keys.inbox)
    drain(store)
    assert store.articles.get("g") is not None


def test_several_are_forgotten_at_once(store: Store, server_url: str) -> None:
    body = text("shared")
    ingest(store, *(article(f"x{i}", altered(body, i)) for i in range(4)), article("y", body))
    holder = clusterer(store)
    holder.run(server_time(store))
    report_now(store)
    in_threads(server_url, 4, lambda mine, number: forget(mine, f"x{number}"))
    assert families(store) == {("y",)}
    assert [(kind, ids) for _, kind, ids in changes(store)] == [("born", ("y",))]
    holder.run(server_time(store))
    recount(store)


def test_one_that_was_interrupted_is_ended_although_the_article_was_pushed_again_in_other_words(
    store: Store, server_url: str
) -> None:
    ingest(store, marked(), about("flood", "f0"))
    clusterer(store).run(server_time(store))
    report_now(store)
    for n_commands in range(1, 200):
        connection = dying(server_url, n_commands)
        with suppress(_Killed):
            forgetting(open_store(connection, "dedup:")).run(f"{MARKER}-id", server_time(store))
        connection.close()
        if store.articles.get(f"{MARKER}-id") is None:
            break
    assert MARKER in json.dumps(read_report(store))
    ingest(store, article(f"{MARKER}-id", text("other words")))
    forget(store, f"{MARKER}-id")
    assert MARKER.encode() not in everything(store)
    clusterer(store).run(server_time(store))
    recount(store)
