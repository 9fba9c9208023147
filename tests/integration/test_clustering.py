"""Runs against a real server: stories that stay, one holder at a time, and nothing changed without news."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from dedup.story import Change
from tests.integration.recount import recount
from tests.integration.world import (
    DAY,
    HOUR,
    RETENTION,
    about,
    altered,
    article,
    assert_same_profiles,
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
    seed_lines,
    story_of,
    text,
)
from worker.service import clustering
from worker.service.clustering import BACKLOG_ARTICLES, LEAST_REST_SECONDS, Clusterer
from worker.service.window import load_window
from worker.store.commit import Unit, commit
from worker.store.connection import Connection
from worker.store.store import Store

LEASE = ("dedup:private:lease", "dedup:private:fence", "dedup:inbox")
ROUND_ONE = ["seed-r1-wire", "seed-r1-broadcast", "seed-r1-regional", "seed-r1-live", "seed-r1-analysis"]
ROUND_TWO = ["seed-r2-wire", "seed-r2-broadcast", "seed-r2-regional", "seed-r2-analysis", "seed-r2-recall"]
EARLY = 1_760_000_000.0

CHILD = """
import os, signal, sys
from tests.integration.world import clusterer
from worker.service import clustering
from worker.store.connection import connect
from worker.store.store import open_store
clustering.commit = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
clusterer(open_store(connect(sys.argv[1]), "dedup:"), "killed").run(float(sys.argv[2]))
"""


def changes(store: Store) -> list[Change]:
    return [change for _, change in store.changes.after("0", 10_000)]


def seeds(store: Store, prefix: str, at: float | None = None) -> None:
    """Ingests the sample articles whose id begins so."""
    ingest(store, *(line for line in seed_lines() if f'"id": "{prefix}' in line), at=at)


def replayed(told: list[Change]) -> dict[str, set[str]]:
    """Who is in which story, by the changes alone: each article where it was told last."""
    home: dict[str, str] = {}
    for change in told:
        if change.kind in {"born", "grew", "split", "moved", "merged"}:
            home |= dict.fromkeys(change.articles, change.other if change.kind == "merged" else change.story)
    stories: dict[str, set[str]] = defaultdict(set)
    for one, story in home.items():
        stories[story].add(one)
    return dict(stories)


def members(store: Store) -> dict[str, set[str]]:
    return {story: set(store.stories.articles(story)) for story in store.stories.all_ids()}


# What a run does


def test_a_run_makes_room_for_a_backlog_but_not_for_ever(store: Store) -> None:
    ingest(store, article("a", text("a")))
    push(store, ["{}"] * (BACKLOG_ARTICLES + 1))
    cluster = clusterer(store)
    assert cluster.run(EARLY) is None
    assert cluster.backlog_since is not None
    cluster.backlog_since -= LEAST_REST_SECONDS
    assert cluster.run(EARLY) == 1


def test_the_two_rounds_are_two_stories_of_one_storyline(store: Store) -> None:
    ingest(store, *seed_lines())
    assert clusterer(store, window_seconds=30 * DAY).run(EARLY) == 1
    one, two = ({story_of(store, name) for name in names} for names in (ROUND_ONE, ROUND_TWO))
    assert len(one) == len(two) == 1
    assert one != two
    assert len({place[2] for place in places(store, [*ROUND_ONE, *ROUND_TWO])}) == 1
    line = places(store, ROUND_ONE)[0][2]
    assert store.stories.stories_of(line) == [*one, *two]
    assert len(store.stories.all_ids()) == 5
    recount(store)


def test_every_article_has_a_story_from_its_first_run_on(store: Store) -> None:
    holder = clusterer(store)
    for turn, lines in enumerate([seed_lines()[:3], seed_lines()[3:9], seed_lines()[9:]]):
        ingest(store, *lines)
        holder.run(EARLY + turn)
        recount(store)


def test_a_run_without_news_changes_nothing_to_the_byte(store: Store) -> None:
    ingest(store, *seed_lines(), *(about(i % 3, f"m{i}", published_at="2026-01-02T03:04:05.678912Z") for i in range(9)))
    holder = clusterer(store)
    holder.run(EARLY)
    before = dump(store, *LEASE)
    assert holder.run(EARLY + 60) is None
    assert dump(store, *LEASE) == before


def test_a_fresh_holder_without_news_changes_nothing_to_the_byte(store: Store) -> None:
    holder = clusterer(store)
    for i, line in enumerate(seed_lines()):
        ingest(store, line)
        if i % 4 == 0:
            holder.run(EARLY + i)
    ingest(store, *(about(i % 3, f"m{i}", published_at="2026-01-02T03:04:05.678912Z") for i in range(9)))
    holder.run(EARLY + 100.123456)
    holder.release()
    before = dump(store, *LEASE)
    fresh = clusterer(store, "fresh")
    assert fresh.run(EARLY + 200) is None
    assert fresh.run(EARLY + 300) is None
    assert dump(store, *LEASE) == before
    recount(store)


def test_what_a_holder_has_in_memory_is_what_a_fresh_one_loads(store: Store) -> None:
    holder = clusterer(store, window_seconds=3 * DAY)
    for i in range(8):
        ingest(store, *(about(i // 2, f"e{i}-{k}") for k in range(3)), at=EARLY + i * DAY)
        ingest(store, article("e0-0", text(i)) if i % 3 == 1 else about(i, f"late{i}"), at=EARLY + i * DAY + 1)
        holder.run(EARLY + i * DAY + 1)
        held = holder.window
        assert held is not None
        fresh = load_window(store)
        assert set(held.families) == set(fresh.families)
        for name, family in fresh.families.items():
            mine = held.families[name]
            assert (mine.story, mine.representative, mine.articles) == (
                family.story,
                family.representative,
                family.articles,
            )
        assert set(held.stories) == set(fresh.stories)
        assert_same_profiles(held, fresh)
        assert set(held.storylines) == set(fresh.storylines)
        recount(store)


def test_an_article_that_joins_a_family_is_in_its_story_after_the_next_run(store: Store) -> None:
    ingest(store, about("flood", "a"), about("flood", "b"))
    holder = clusterer(store)
    holder.run(EARLY)
    ingest(store, article("late", str(about("flood", "a")["text"])))
    assert story_of(store, "late") == ""
    holder.run(EARLY + 1)
    assert story_of(store, "late") == story_of(store, "a")
    assert changes(store)[-1].kind == "grew"
    assert changes(store)[-1].articles == ("late",)
    recount(store)


def test_the_changes_replayed_give_who_is_in_which_story(store: Store) -> None:
    holder = clusterer(store, window_seconds=4 * DAY)
    for i in range(12):
        at = EARLY + i * DAY
        ingest(store, *(about((i + k) // 4, f"c{i}-{k}") for k in range(3)), at=at)
        if i % 3 == 2:
            ingest(store, about(i // 2, f"c{i - 1}-0"), at=at + 1)
        holder.run(at + 1)
        assert replayed(changes(store)) == members(store)
        recount(store)
    assert {change.kind for change in changes(store)} >= {"born", "grew", "ended"}


def test_a_revised_article_is_told_under_its_story(store: Store) -> None:
    ingest(store, about("flood", "a"), about("flood", "b"), about("fire", "c"))
    holder = clusterer(store)
    holder.run(EARLY)
    ingest(store, {**about("flood", "a"), "text": altered(str(about("flood", "a")["text"]), 1)})
    holder.run(EARLY + 1)
    [change] = [change for change in changes(store) if change.kind == "revised"]
    assert (change.story, change.articles, change.run) == (story_of(store, "a"), ("a",), 2)
    recount(store)


def test_an_article_revised_into_another_event_moves_there(store: Store) -> None:
    ingest(store, *(about("flood", f"f{i}") for i in range(3)), *(about("fire", f"g{i}") for i in range(3)))
    holder = clusterer(store)
    holder.run(EARLY)
    stories = {story_of(store, "f1"), story_of(store, "g1")}
    assert len(stories) == 2
    ingest(store, {**about("fire", "f0"), "id": "f0"})
    holder.run(EARLY + 1)
    assert story_of(store, "f0") == story_of(store, "g0")
    assert {story_of(store, "f1"), story_of(store, "g1")} == stories
    moved = [(change.story, change.other) for change in changes(store) if change.kind == "moved"]
    assert moved == [(story_of(store, "g0"), story_of(store, "f1"))]
    recount(store)


def test_the_founder_of_a_story_revised_away_leaves_the_story_its_id(store: Store) -> None:
    ingest(store, *(about("flood", f"f{i}") for i in range(4)))
    holder = clusterer(store)
    holder.run(EARLY)
    before = story_of(store, "f1")
    ingest(store, about("fire", "f0"))
    holder.run(EARLY + 1)
    assert {story_of(store, f"f{i}") for i in (1, 2, 3)} == {before}
    assert story_of(store, "f0") not in {"", before}
    recount(store)


def test_undated_articles_are_clustered_by_their_words(store: Store) -> None:
    ingest(store, *(about(i % 2, f"u{i}", published_at=None) for i in range(6)))
    clusterer(store).run(EARLY)
    assert {story_of(store, f"u{i}") for i in (0, 2, 4)} != {story_of(store, f"u{i}") for i in (1, 3, 5)}
    story = store.stories.get([story_of(store, "u0")])[story_of(store, "u0")]
    assert (story.n_articles, story.first_published_at, story.last_published_at) == (3, None, None)
    recount(store)


# Merges


def merge_two(store: Store, holder: Clusterer) -> tuple[str, str]:
    """Two stories that become one by a revision of one side; returns the id retired, and the one that lives on."""
    ingest(store, *(about("flood", f"f{i}") for i in range(3)))
    ingest(store, *(about("fire", f"g{i}") for i in range(2)))
    holder.run(EARLY)
    retired, living = story_of(store, "g0"), story_of(store, "f0")
    assert retired != living
    ingest(store, *(about("flood", f"g{i}") for i in range(2)))
    holder.run(EARLY + 1)
    return retired, living


def test_a_merge_retires_one_id_that_leads_to_the_other_and_rewrites_the_articles(store: Store) -> None:
    holder = clusterer(store)
    retired, living = merge_two(store, holder)
    assert {story_of(store, name) for name in ("f0", "f1", "f2", "g0", "g1")} == {living}
    assert store.aliases.resolve(retired) == living
    assert 0 < store.connection.ttl(store.keys.alias(retired)) <= 30 * DAY
    assert not store.connection.exists(store.keys.story(retired), store.keys.story_articles(retired))
    assert retired not in store.stories.all_ids()
    assert ("merged", retired, living) in [(c.kind, c.story, c.other) for c in changes(store)]
    recount(store)


def test_an_id_retired_twice_over_still_resolves_in_one_hop(store: Store) -> None:
    holder = clusterer(store)
    ingest(store, *(about("quake", f"q{i}") for i in range(6)))
    holder.run(EARLY - 1)
    oldest = story_of(store, "q0")
    retired, between = merge_two(store, holder)
    ingest(store, *(about("quake", name) for name in ("f0", "f1", "f2", "g0", "g1")))
    holder.run(EARLY + 2)
    assert store.aliases.resolve(retired) == store.aliases.resolve(between) == oldest
    recount(store)


# Holders


def test_only_the_holder_of_the_lease_runs(store: Store) -> None:
    ingest(store, about("flood", "a"))
    first, second = clusterer(store), clusterer(store, "second")
    assert first.run(EARLY) == 1
    ingest(store, about("flood", "b"))
    before = dump(store, *LEASE)
    assert second.run(EARLY + 1) is None
    assert dump(store, *LEASE) == before
    first.release()
    assert second.run(EARLY + 2) == 2
    assert first.run(EARLY + 3) is None
    recount(store)


def before_commit(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Lets something happen once between a run's decision and its commit."""
    pending = [happens]

    def late(connection: Connection, units: list[Unit], *rest: str) -> list[bool]:
        if pending:
            pending.pop()()
        return commit(connection, units, *rest)

    monkeypatch.setattr(clustering, "commit", late)


def test_a_commit_under_a_stale_token_is_refused_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest(store, *seed_lines())
    first, second = clusterer(store), clusterer(store, "second")

    def overtake() -> None:
        store.connection.delete(store.keys.private("lease"))  # as if it had run out
        assert second.run(EARLY) == 1
        second.release()
        taken.update(dump(store, *LEASE))

    taken: dict[str, bytes] = {}
    before_commit(monkeypatch, overtake)
    assert first.run(EARLY + 1) is None
    assert taken
    assert dump(store, *LEASE) == taken
    recount(store)


def test_a_holder_that_was_overtaken_goes_on_from_what_the_other_wrote(store: Store) -> None:
    first, second = clusterer(store), clusterer(store, "second")
    ingest(store, about("flood", "a"), about("fire", "x"))
    first.run(EARLY)
    first.release()
    ingest(store, about("flood", "b"), about("fire", "y"))
    second.run(EARLY + 1)
    second.release()
    ingest(store, about("flood", "c"), about("fire", "z"))
    assert first.run(EARLY + 2) == 3
    assert len({story_of(store, name) for name in "abc"}) == 1
    assert replayed(changes(store)) == members(store)
    recount(store)


def test_a_process_killed_between_decision_and_commit_leaves_the_old_state(
    store: Store, server_url: str, repository: Path
) -> None:
    ingest(store, *seed_lines()[:12])
    holder = clusterer(store)
    holder.run(EARLY)
    holder.release()
    ingest(store, *seed_lines()[12:])
    before = dump(store, *LEASE)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, server_url, str(EARLY + 1)], cwd=repository,
        env={**os.environ, "PYTHONPATH": str(repository)}, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    assert dump(store, *LEASE) == before
    assert holder.run(EARLY + 2) is None  # the dead one still has the lease
    store.connection.delete(store.keys.private("lease"))
    assert holder.run(EARLY + 3) == 2
    recount(store)


# Ingest and expiry at the same time


def test_families_that_merge_while_a_run_decides_are_in_one_story_after_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, middle, right = linked()
    ingest(store, article("left", left, title="One"), article("right", right, title="Two"))
    holder = clusterer(store)
    before_commit(monkeypatch, lambda: ingest(store, article("middle", middle, title="Three")))
    holder.run(EARLY)
    holder.run(EARLY + 1)
    assert families(store) == {("left", "middle", "right")}
    assert replayed(changes(store)) == members(store)
    recount(store)


def test_an_article_that_expires_and_comes_anew_while_a_run_decides_is_placed_by_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(store, about("flood", "a"), at=EARLY)
    holder = clusterer(store)

    def come_anew() -> None:
        expiry(store).run(EARLY + RETENTION + 1)
        ingest(store, about("flood", "a"), at=EARLY + RETENTION + 2)

    before_commit(monkeypatch, come_anew)
    holder.run(EARLY + 1)
    assert story_of(store, "a") == ""
    holder.run(EARLY + RETENTION + 3)
    assert story_of(store, "a")
    recount(store)


def test_an_article_revised_while_a_run_decides_is_told_by_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(store, *(about("flood", f"f{i}") for i in range(3)), article("copy", str(about("flood", "f0")["text"])))
    holder = clusterer(store)
    before_commit(monkeypatch, lambda: ingest(store, about("fire", "f0")))
    assert holder.run(EARLY) == 1
    assert holder.run(EARLY + 1) == 2
    assert [change.kind for change in changes(store)].count("revised") == 1
    assert story_of(store, "f0") != story_of(store, "copy")
    recount(store)


def test_an_article_that_expires_while_a_run_decides_leaves_nothing_behind(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(store, about("flood", "old"), about("flood", "old too"), at=EARLY)
    ingest(store, about("flood", "young"), at=EARLY + DAY)
    holder = clusterer(store, window_seconds=2 * DAY, retention_seconds=2 * DAY)
    before_commit(monkeypatch, lambda: expiry(store, HOUR).run(EARLY + DAY))
    holder.run(EARLY + DAY)
    holder.run(EARLY + DAY + 1)
    assert store.articles.get("old") is None
    assert store.connection.keys("*old*") == []
    assert members(store) == {story_of(store, "young"): {"young"}}
    recount(store)


def test_an_article_placed_anew_while_it_expires_is_gone_from_its_new_story_too(store: Store) -> None:
    holder = clusterer(store)
    ingest(store, *(about("fire", f"g{i}") for i in range(2)), at=EARLY)
    ingest(store, *(about("flood", f"f{i}") for i in range(3)), at=EARLY + DAY)
    holder.run(EARLY + DAY)
    ingest(store, *(about("flood", f"g{i}") for i in range(2)))
    old = expiry(store, HOUR)
    fields = type(store.articles).fields

    def run_between(*args: object, **options: object) -> object:
        found = fields(*args, **options)  # type: ignore[arg-type]
        if pending:
            pending.pop()
            holder.run(EARLY + DAY + 1)
        return found

    pending = [True]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(store.articles), "fields", run_between)
        old.run(EARLY + DAY)
    assert not pending
    holder.run(EARLY + DAY + 2)
    assert members(store) == {story_of(store, "f0"): {"f0", "f1", "f2"}}
    recount(store)


def test_with_ingest_runs_and_expiry_all_at_once_every_count_is_right_in_the_end(store: Store, server_url: str) -> None:
    """Articles of ten days, in families and stories that overlap, while holders come and go and the oldest expire."""
    random = Random(11)
    for day in range(10):
        events = [about((day + k) // 3, f"d{day}-{k}") for k in range(12)]
        copies = [article(f"c{day}-{k}", altered(str(random.choice(events)["text"]), k, k % 3)) for k in range(12)]
        revised = [about(random.randrange(12), f"d{random.randrange(day + 1)}-{k}") for k in range(4)]
        push(store, [*events, *copies, *revised], at=EARLY + day * DAY)
    store.inbox.ensure()

    def work(own: Store, number: int) -> None:
        if number < 2:
            drain(own, f"worker{number}", batch=9 + number)
        for turn in range(5):
            if number == 2:
                holder = clusterer(own, f"holder{turn}", 3 * DAY, 5 * DAY)
                holder.run(EARLY + (8 + turn) * DAY)
                holder.release()
            elif number == 3:
                expiry(own, 5 * DAY).run(EARLY + (6 + turn) * DAY)

    in_threads(server_url, 4, work)
    assert [rejection.reason for rejection in store.rejected.latest(9)] == []
    expiry(store, 5 * DAY).run(EARLY + 10 * DAY)
    expiry(store, 10_000 * DAY, 10_000 * DAY).run(store.connection.time()[0] + 2 * DAY)  # texts that were overtaken
    holder = clusterer(store, "last", 3 * DAY, 5 * DAY)
    holder.run(EARLY + 10 * DAY)
    holder.run(EARLY + 10 * DAY + 1)
    recount(store)


# Time


def test_a_story_whose_articles_left_the_window_ends_and_goes_on_when_one_comes_back(store: Store) -> None:
    holder = clusterer(store, window_seconds=DAY)
    ingest(store, about("flood", "a"), about("flood", "b"), at=EARLY)
    holder.run(EARLY + 1)
    story = story_of(store, "a")
    assert holder.run(EARLY + 2 * DAY) == 2
    assert store.stories.get([story])[story].status == "ended"
    assert (changes(store)[-1].kind, changes(store)[-1].story) == ("ended", story)
    recount(store)
    ingest(store, article("copy", str(about("flood", "a")["text"])), at=EARLY + 3 * DAY)
    holder.run(EARLY + 3 * DAY)
    assert story_of(store, "copy") == story
    assert store.stories.get([story])[story].status == "open"
    assert (changes(store)[-1].kind, changes(store)[-1].articles) == ("grew", ("copy",))
    assert store.stories.articles(story) == ["a", "b", "copy"]
    recount(store)


def test_an_article_that_waited_longer_than_the_window_has_a_story_all_the_same(store: Store) -> None:
    ingest(store, about("flood", "late"), at=EARLY)
    holder = clusterer(store, window_seconds=DAY)
    holder.run(EARLY + 5 * DAY)
    assert story_of(store, "late") != ""
    holder.run(EARLY + 5 * DAY + 1)
    assert holder.run(EARLY + 5 * DAY + 2) is None
    recount(store)


def test_an_article_revised_after_it_left_the_window_has_one_story(store: Store) -> None:
    holder = clusterer(store, window_seconds=DAY)
    body = str(about("flood", "a")["text"])
    ingest(store, about("flood", "a"), article("copy", body), about("flood", "b"), at=EARLY)
    holder.run(EARLY + 1)
    holder.run(EARLY + 2 * DAY)
    recount(store)
    ingest(store, article("copy", text("another text"), source="other.example", published_at="2020-01-01"))
    holder.run(EARLY + 2 * DAY + 1)
    assert story_of(store, "copy") != ""
    holder.run(EARLY + 2 * DAY + 2)
    recount(store)
    ingest(store, article("b", altered(str(about("flood", "b")["text"]), 1), source="third.example"))
    holder.run(EARLY + 2 * DAY + 3)
    recount(store)
    assert replayed(changes(store)) == members(store)


def test_families_that_merge_outside_the_window_are_in_one_story(store: Store) -> None:
    left, middle, right = linked()
    ingest(store, article("left", left, title="One"), article("right", right, title="Two"), at=EARLY)
    ingest(store, article("middle", text("other"), title="Three"), at=EARLY + 1)
    holder = clusterer(store, window_seconds=DAY)
    holder.run(EARLY + 2)
    holder.run(EARLY + 2 * DAY)
    ingest(store, article("middle", middle, title="Three"))
    assert families(store) == {("left", "middle", "right")}
    holder.run(EARLY + 2 * DAY + 1)
    holder.run(EARLY + 2 * DAY + 2)
    recount(store)
    assert replayed(changes(store)) == members(store)


def test_a_round_finds_its_storyline_when_the_first_one_has_left_the_window(store: Store) -> None:
    holder = clusterer(store)
    seeds(store, "seed-r1", at=EARLY)
    holder.run(EARLY + 60)
    line = places(store, ROUND_ONE)[0][2]
    seeds(store, "seed-r2", at=EARLY + 17 * DAY)
    holder.run(EARLY + 17 * DAY + 60)
    assert {place[2] for place in places(store, [*ROUND_ONE, *ROUND_TWO])} == {line}
    one, two = story_of(store, ROUND_ONE[0]), story_of(store, ROUND_TWO[0])
    assert store.stories.get([one])[one].status == "ended"
    assert store.stories.stories_of(line) == [one, two]
    recount(store)


@pytest.mark.parametrize("fresh", [False, True])
def test_a_round_finds_its_storyline_when_the_articles_of_the_first_have_expired(store: Store, fresh: bool) -> None:
    holder = clusterer(store)
    seeds(store, "seed-r1", at=EARLY)
    holder.run(EARLY + 60)
    line, story = places(store, ROUND_ONE)[0][2], story_of(store, ROUND_ONE[0])
    expiry(store).run(EARLY + 40 * DAY)
    holder.run(EARLY + 40 * DAY)
    assert store.stories.all_ids() == []
    assert not store.connection.exists(store.keys.story(story))
    recount(store)
    if fresh:
        holder.release()
        holder = clusterer(store, "fresh")
    seeds(store, "seed-r2", at=EARLY + 41 * DAY)
    holder.run(EARLY + 41 * DAY)
    assert {place[2] for place in places(store, ROUND_TWO)} == {line}
    assert store.stories.get_storylines([line])[line].n_stories == 1
    recount(store)


@pytest.mark.parametrize("fresh", [False, True])
def test_a_storyline_is_found_no_more_after_its_time(store: Store, fresh: bool) -> None:
    holder = clusterer(store, storyline_seconds=50 * DAY)
    seeds(store, "seed-r1", at=EARLY)
    holder.run(EARLY + 60)
    line = places(store, ROUND_ONE)[0][2]
    expiry(store, storyline_seconds=50 * DAY).run(EARLY + 40 * DAY)
    holder.run(EARLY + 40 * DAY)
    assert store.stories.get_storylines([line]) != {}
    expiry(store, storyline_seconds=50 * DAY).run(EARLY + 60 * DAY)
    holder.run(EARLY + 60 * DAY)
    assert store.stories.get_storylines([line]) == {}
    if fresh:
        holder.release()
        holder = clusterer(store, "fresh")
    seeds(store, "seed-r2", at=EARLY + 61 * DAY)
    holder.run(EARLY + 61 * DAY)
    assert line not in {place[2] for place in places(store, ROUND_TWO)}
    recount(store)


def test_a_month_of_mixed_days_keeps_every_count(store: Store) -> None:
    """Events that come, grow, are revised and go, through runs, restarts and expiry."""
    window, retention = 3 * DAY, 6 * DAY
    holder = clusterer(store, "day 0", window, retention, 12 * DAY)
    for day in range(24):
        at = EARLY + day * DAY
        push(store, (about((day + k) // 3, f"d{day}-{k}") for k in range(4)), at=at)
        push(store, [article(f"copy{day}", str(about(day // 3, f"d{max(0, day - 2)}-0")["text"]))], at=at + 1)
        push(store, [about((day + 7) // 3, f"d{max(0, day - day % 5)}-1")], at=at + 2)
        drain(store)
        if day % 7 == 3:
            holder.release()
            holder = clusterer(store, f"day {day}", window, retention, 12 * DAY)
        holder.run(at + 60)
        expiry(store, retention, 12 * DAY).run(at + 120)
        holder.run(at + 180)
        if day % 3 == 2:
            recount(store)
    assert store.articles.count()[0] < 6 * 7
    assert replayed(changes(store)).keys() >= members(store).keys()
