"""From the inbox to families: every article exactly once, in the same families whatever the order and the workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest

from dedup.article import MAX_ARTICLE_BYTES, parse_article
from dedup.identity import mint
from dedup.pipeline import Prepared, fingerprint, prepare
from dedup.text import identify
from tests.integration.recount import recount
from tests.integration.world import (
    DAY,
    HOUR,
    PARAMS,
    RETENTION,
    Fields,
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
    push,
    text,
    worker,
)
from worker.service import draining
from worker.service import ingest as ingesting
from worker.store.articles import ArticleEntry
from worker.store.commit import Word
from worker.store.connection import StoreError
from worker.store.inbox import Entry
from worker.store.index import Admission, Index, LookUp, Packed
from worker.store.store import Store, open_store

BOOKKEEPING = ("dedup:inbox",)

CHILD = """
import os, signal, sys
from tests.integration.world import drain
from worker.service import ingest
from worker.store.connection import connect
from worker.store.store import open_store
ingest.load = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
drain(open_store(connect(sys.argv[1]), "dedup:"), "killed")
"""


def told(store: Store, article_id: str) -> ArticleEntry:
    found = store.articles.get(article_id)
    assert found is not None
    return found


def kinds(store: Store, *article_ids: str) -> list[str]:
    return [told(store, one).kind for one in article_ids]


def held(store: Store, consumer: str) -> list[Entry]:
    store.inbox.ensure()
    return store.inbox.take(consumer, 256, 1 << 25, 60)


def look_up_only(store: Store, entries: list[Entry]) -> None:
    """What a worker does before it dies between look-up and commit."""
    store.index.claim(fingerprint(PARAMS))
    store.index.admit(prepare([identify(parse_article(entry.payload or b"")) for entry in entries], PARAMS))


# Kinds


def test_the_first_text_is_new_the_same_again_a_copy_and_nearly_the_same_a_near_duplicate(store: Store) -> None:
    body = text("a")
    ingest(store, article("first", body), article("copy", body), article("near", altered(body, 1)))
    ingest(store, article("other", text("b")))
    assert kinds(store, "first", "copy", "near", "other") == ["new", "copy", "near-duplicate", "new"]
    assert len(families(store)) == 2
    recount(store, settled=False)


def test_a_copy_of_a_near_duplicate_is_a_copy(store: Store) -> None:
    near = altered(text("a"), 1)
    ingest(store, article("first", text("a")), article("near", near), article("copy of near", near))
    assert kinds(store, "first", "near", "copy of near") == ["new", "near-duplicate", "copy"]
    recount(store, settled=False)


def test_case_spaces_and_punctuation_make_no_other_text(store: Store) -> None:
    body = text("a")
    ingest(store, article("plain", body), article("loud", body.upper().replace(" ", ",\n ")))
    assert kinds(store, "plain", "loud") == ["new", "copy"]


def test_a_title_alone_is_nobodys_copy(store: Store) -> None:
    ingest(store, *({"id": f"t{i}", "title": "Breaking news from the harbour"} for i in range(3)))
    assert len(families(store)) == 3
    recount(store, settled=False)


def test_an_article_is_readable_with_its_times_and_warnings_before_any_run(store: Store) -> None:
    ingest(store, article("a", text("a"), published_at="yesterday", url="https://example.org/a", language="en"))
    found = told(store, "a")
    assert (found.status, found.story, found.storyline, found.revision) == ("admitted", "", "", 0)
    assert (found.title, found.url, found.language) == ("On a", "https://example.org/a", "en")
    assert found.published_at == ""
    assert "published_at" in found.warnings[0]
    assert found.representative == "a"


def test_an_article_without_an_id_is_found_by_its_canonical_url(store: Store) -> None:
    ingest(store, {"url": "https://example.org/a?utm_source=x#top", "text": text("a")})
    assert told(store, "https://example.org/a").kind == "new"


# The same article again


def test_a_repeat_changes_nothing_to_the_byte(store: Store) -> None:
    body = text("a")
    ingest(store, article("a", body), article("b", altered(body, 1)), article("c", text("c")))
    before = dump(store, *BOOKKEEPING)
    ingest(store, article("a", body), article("b", altered(body, 1), title="Another title"), article("c", text("c")))
    assert dump(store, *BOOKKEEPING) == before
    assert store.inbox.n_waiting() == 0


def test_a_revision_leaves_the_family_it_no_longer_belongs_to(store: Store) -> None:
    ingest(store, article("a", text("a")), article("b", text("a")))
    before = told(store, "a")
    ingest(store, article("a", text("new text"), title="New title", published_at="2026-02-02T00:00:00Z"))
    after = told(store, "a")
    assert (after.revision, after.title, after.kind) == (1, "New title", "new")
    assert after.published_at == "2026-02-02T00:00:00Z"
    assert after.seen_at == before.seen_at
    assert after.family != before.family
    assert told(store, "b").family == before.family
    assert told(store, "b").kind == "new"
    recount(store, settled=False)


def test_a_revised_article_alone_keeps_its_family_id(store: Store) -> None:
    ingest(store, article("a", text("a")))
    before = told(store, "a").family
    ingest(store, article("a", text("quite another text")))
    assert told(store, "a").family == before
    recount(store, settled=False)


def test_a_revision_can_join_a_family(store: Store) -> None:
    ingest(store, article("a", text("a")), article("b", text("b")))
    joined = told(store, "a").family
    ingest(store, article("b", altered(text("a"), 1)))
    assert told(store, "b").family == joined
    assert kinds(store, "a", "b") == ["new", "near-duplicate"]
    recount(store, settled=False)


def test_an_article_that_founded_several_families_founds_each_under_an_id_of_its_own(store: Store) -> None:
    names = []
    for turn in range(5):
        ingest(store, article("founder", text(turn)), article(f"copy{turn}", text(turn)))
        names.append(told(store, "founder").family)
        recount(store, settled=False)
    assert len(set(names)) == len(names)
    assert [told(store, f"copy{turn}").family for turn in range(5)] == names
    assert names[0] == mint("family", "founder", lambda _: False)


def test_a_family_that_falls_apart_gives_no_part_an_id_that_another_family_has(store: Store) -> None:
    """The part that needs a new id has for its first article one that founded a family elsewhere, long ago."""
    left, middle, right = linked()
    ingest(store, article("a", text("elsewhere")), article("b", text("elsewhere")))
    ingest(store, article("m", middle), article("r", right), article("r2", right))
    ingest(store, article("a", left))
    assert families(store) == {("b",), ("a", "m", "r", "r2")}
    ingest(store, article("m", text("gone")))
    assert families(store) == {("a",), ("b",), ("m",), ("r", "r2")}
    assert told(store, "b").family == mint("family", "a", lambda _: False)
    assert told(store, "r").family == mint("family", "m", lambda _: False)
    recount(store, settled=False)


def test_a_text_taken_back_and_published_again_is_found_again(store: Store) -> None:
    ingest(store, article("a", text("a")), article("b", altered(text("a"), 1)))
    ingest(store, article("a", text("b")))
    ingest(store, article("a", text("a")))
    assert kinds(store, "a", "b") == ["new", "near-duplicate"]
    assert told(store, "a").family == told(store, "b").family
    assert told(store, "a").revision == 2
    recount(store, settled=False)


def test_two_pushes_of_one_article_in_a_batch_are_an_article_and_its_revision(store: Store) -> None:
    ingest(store, article("a", text("first")), article("b", text("b")), article("a", text("second"), title="Second"))
    found = told(store, "a")
    assert (found.revision, found.title) == (1, "Second")
    assert len(families(store)) == 2
    recount(store, settled=False)


def test_pushes_of_one_article_in_batches_that_follow_each_other_are_its_revisions(store: Store) -> None:
    push(store, [article("a", text(body), title=f"The {body}") for body in ("first", "second", "third")])
    drain(store, batch=1)
    assert told(store, "a").revision == 2
    assert "third" in told(store, "a").title
    recount(store, settled=False)


def test_an_earlier_push_never_overwrites_a_later_one(store: Store) -> None:
    push(store, [article("a", text("earlier"), title="Earlier")])
    early = held(store, "slow")
    ingest(store, article("a", text("later"), title="Later"))
    before = dump(store, *BOOKKEEPING)
    worker(store).work(early)
    found = told(store, "a")
    assert (found.title, found.revision) == ("Later", 0)
    assert store.inbox.n_waiting() == 0
    assert {key for key in before if dump(store).get(key) != before[key]} <= set(BOOKKEEPING) | {
        key for key in before if key.startswith("dedup:private:")
    }


# Order and batches


def mixed(n: int) -> list[Fields]:
    """Articles in families of one to eight: copies, near-copies and chains of them."""
    random, made = Random(7), []
    for family in range(n // 4):
        body = text(f"family {family}")
        for member in range(random.choice([1, 2, 3, 4, 8])):
            if member and random.random() < 0.6:
                body = altered(body, f"{family} {member}", random.choice([1, 2, 5]))
            made.append(article(f"f{family}-{member}", body))
    return made[:n]


@pytest.mark.parametrize("seed", range(4))
def test_the_same_articles_in_any_order_and_batches_are_the_same_families(store: Store, seed: int) -> None:
    articles = mixed(60)
    ingest(store, *articles)
    expected = families(store)
    assert 10 < len(expected) < 50
    store.connection.flushall()
    random = Random(seed)
    random.shuffle(articles)
    push(store, articles)
    drain(store, batch=random.choice([1, 2, 7, 30]))
    assert families(store) == expected
    recount(store, settled=False)


def test_families_are_the_same_after_articles_came_and_went(store: Store) -> None:
    articles = mixed(40)
    ingest(store, *articles)
    expected = families(store)
    for one in articles[::3]:
        ingest(store, {**one, "text": text(f"away {one['id']}")})
    recount(store, settled=False)
    for one in articles[::3]:
        ingest(store, one)
    assert families(store) == expected
    recount(store, settled=False)


# Several workers


def test_workers_side_by_side_make_one_family_of_one_text(store: Store, server_url: str) -> None:
    bodies = [text(i, 60) for i in range(6)]
    random = Random(3)
    articles = []
    for i in range(240):
        body = random.choice(bodies)
        articles.append(article(f"a{i}", body if random.random() < 0.5 else altered(body, i)))
    ingest(store, *articles)
    expected = families(store)
    store.connection.flushall()
    push(store, articles)
    store.inbox.ensure()
    in_threads(server_url, 3, lambda own, number: drain(own, f"worker{number}", batch=4 + 3 * number))
    assert store.inbox.n_waiting() == 0
    assert [rejection.reason for rejection in store.rejected.latest(9)] == []
    assert store.articles.count()[0] == len(articles)
    assert families(store) == expected
    recount(store, settled=False)


def test_revisions_and_copies_in_many_hands_end_as_the_last_push_says(store: Store, server_url: str) -> None:
    random = Random(5)
    bodies = [text(i, 60) for i in range(5)]
    pushes = [article(f"a{random.randrange(20)}", random.choice(bodies)) for _ in range(120)]
    unlike = [pushes[0]]
    last = {str(pushes[0]["id"]): pushes[0]["text"]}
    for one in pushes[1:]:  # the same text twice in a row, in two hands, may come in either order
        if last.get(str(one["id"])) != one["text"]:
            unlike.append(one)
            last[str(one["id"])] = one["text"]
    push(store, unlike)
    store.inbox.ensure()
    in_threads(server_url, 3, lambda own, number: drain(own, f"worker{number}", batch=5))
    groups: dict[object, list[str]] = {}
    for article_id, body in last.items():
        groups.setdefault(body, []).append(article_id)
    assert families(store) == {tuple(sorted(ids)) for ids in groups.values()}
    recount(store, settled=False)


MOMENTS = ("look-up", "admission")
Told = TypeVar("Told")


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_near_duplicate_of_what_another_worker_has_in_hand_joins_it(store: Store, moment: str) -> None:
    """Looked up first and committed last: neither worker finds the other's text in its own look-up and settled."""
    push(store, [article("a", text("a"))])
    slow = held(store, "slow")
    ingest_between(store, slow, moment, lambda: ingest(store, article("b", altered(text("a"), 1))))
    assert families(store) == {("a", "b")}
    recount(store, settled=False)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_family_that_merges_while_an_article_joins_it_takes_the_article_along(store: Store, moment: str) -> None:
    left, middle, right = linked()
    ingest(store, article("l", left), article("r", right))
    assert len(families(store)) == 2
    push(store, [article("r2", right)])
    slow = held(store, "slow")
    ingest_between(store, slow, moment, lambda: ingest(store, article("m", middle)))
    assert families(store) == {("l", "m", "r", "r2")}
    recount(store, settled=False)


def test_while_others_admit_again_and_again_an_article_founds_its_family_in_a_step_of_its_own(store: Store) -> None:
    """It is looked up anew only so often."""

    class Overtaken(Index):
        def look_up(self, batch: Sequence[Prepared]) -> LookUp:
            found = super().look_up(batch)
            ingest(beside, article(f"other{len(turns)}", text(f"other{len(turns)}")))
            turns.append(batch)
            return found

    turns: list[Sequence[Prepared]] = []
    beside = open_store(store.connection, "dedup:")
    push(store, [article("a", text("a"))])
    entries = held(store, "slow")
    worker(with_index(store, Overtaken)).work(entries)
    assert len(turns) == 6
    assert families(store) == {("a",), *((f"other{turn}",) for turn in range(6))}
    assert told(store, "a").family == mint("family", "a", lambda _: False)
    recount(store, settled=False)


@pytest.mark.parametrize("moment", ["never", "first", "second"])
def test_what_another_admits_between_two_parts_of_a_batch_is_found(
    store: Store, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the parts that follow it are looked up anew."""

    class Overtaken(Index):
        def look_up(self, batch: Sequence[Prepared]) -> LookUp:
            looked_up.append(len(batch))
            return super().look_up(batch)

        def _admitted(self, parts: Sequence[Sequence[Word]]) -> list[Any]:
            before = {"never": len(parts), "first": 1, "second": 2}[moment if pending else "never"]
            told = super()._admitted(parts[:before])
            if before < len(parts):
                ingest(open_store(store.connection, "dedup:"), pending.pop())
            return told + super()._admitted(parts[before:]) if before < len(parts) else told

    looked_up: list[int] = []
    pending = [article("other", altered(text("d"), 1))]
    monkeypatch.setattr("worker.store.index._PART_ARTICLES", 2)
    for name, body in [("old", altered(text("b"), 1)), ("x", text("x")), ("y", text("y"))]:
        ingest(store, article(name, body))
    bodies = text("a"), text("b"), text("c"), altered(text("a"), 1), text("d"), text("a")
    push(store, [article(name, body) for name, body in zip(("a", "b", "c", "a2", "d", "a3"), bodies, strict=True)])
    worker(with_index(store, Overtaken)).work(held(store, "w"))
    assert looked_up == {"never": [6], "first": [6, 4], "second": [6, 2]}[moment]
    if pending:
        ingest(store, pending.pop())
    assert families(store) == {("a", "a2", "a3"), ("b", "old"), ("c",), ("d", "other"), ("x",), ("y",)}
    recount(store, settled=False)


def test_a_batch_in_parts_reaches_a_server_that_has_lost_its_scripts(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.store.index._PART_ARTICLES", 2)
    for turn in range(2):
        store.connection.script_flush()
        ingest(store, *(article(f"{name}{turn}", text(name)) for name in "abcde"))
    assert families(store) == {(f"{name}0", f"{name}1") for name in "abcde"}
    recount(store, settled=False)


def test_an_article_whose_family_id_is_in_use_founds_one_under_another(store: Store) -> None:
    taken = mint("family", "b", lambda _: False)
    store.connection.set(store.keys.alias(taken), "f0")
    ingest(store, article("a", text("a")), article("b", text("b")))
    assert told(store, "b").family == mint("family", "b", lambda name: name == taken)
    assert families(store) == {("a",), ("b",)}


def test_two_articles_of_a_batch_that_are_alike_are_told_together(store: Store) -> None:
    """Neither founds a family before the other has come to it."""
    push(store, [article("a", text("a")), article("b", text("b")), article("a2", altered(text("a"), 1))])
    entries, seen = held(store, "w"), list[set[tuple[str, ...]]]()

    class Watched(Index):
        def admit(
            self, batch: Sequence[Prepared], packed: Sequence[Packed] = (), *, may_found: bool = False
        ) -> Admission:
            admission = super().admit(batch, packed, may_found=may_found)
            seen.append(families(store))
            return admission

    worker(with_index(store, Watched)).work(entries)
    assert seen == [{("b",)}]
    assert families(store) == {("a", "a2"), ("b",)}


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_article_that_expires_while_its_copy_comes_in_leaves_the_copy(store: Store, moment: str) -> None:
    ingest(store, article("old", text("a")), at=1_700_000_000)
    push(store, [article("copy", text("a"))], at=1_800_000_000)
    slow = held(store, "slow")
    ingest_between(store, slow, moment, lambda: expiry(store, HOUR).run(1_800_000_000))
    assert families(store) == {("copy",)}
    assert told(store, "copy").kind == "new"
    recount(store, settled=False)


def ingest_between(store: Store, entries: list[Entry], moment: str, other: Callable[[], object]) -> None:
    """Works on entries, with something else happening once, after their look-up or after their admission."""

    class Interrupted(Index):
        def look_up(self, batch: Sequence[Prepared]) -> LookUp:
            return interrupted("look-up", super().look_up(batch))

        def admit(
            self, batch: Sequence[Prepared], packed: Sequence[Packed] = (), *, may_found: bool = False
        ) -> Admission:
            return interrupted("admission", super().admit(batch, packed, may_found=may_found))

    pending = [other]

    def interrupted(at: str, told: Told) -> Told:
        if pending and at == moment:
            pending.pop()()
        return told

    worker(with_index(store, Interrupted)).work(entries)
    assert not pending


def with_index(store: Store, index: type[Index]) -> Store:
    """The store with another index over the same keys."""
    parts = {name: getattr(store, name) for name in Store.__dataclass_fields__}
    return Store(**{**parts, "index": index(store.connection, store.keys, store.index.mirror)})


# Crashes


def test_what_a_worker_looked_up_and_never_wrote_is_written_once_by_the_next_one(store: Store) -> None:
    articles = mixed(40)
    ingest(store, *articles)
    expected = families(store)
    store.connection.flushall()
    push(store, articles[:20])
    look_up_only(store, held(store, "dead"))
    push(store, articles[20:])
    drain(store, "heir")
    assert store.articles.count()[0] == len(articles) - 20
    drain(store, "heir", claim_seconds=0)
    assert families(store) == expected
    assert store.inbox.n_waiting() == 0
    recount(store, settled=False)


def test_what_a_killed_process_held_is_written_once_by_the_next_one(
    store: Store, server_url: str, repository: Path
) -> None:
    body = text("a")
    push(store, [article("a", body), article("b", altered(body, 1)), article("c", text("c"))])
    done = subprocess.run(
        [sys.executable, "-c", CHILD, server_url], cwd=repository, env={**os.environ, "PYTHONPATH": str(repository)},
        check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    assert families(store) == {("c",)}  # it was like nothing, and founded its family as it was admitted
    ingest(store, article("d", altered(body, 2)))
    drain(store, "heir", claim_seconds=0)
    assert families(store) == {("a", "b", "d"), ("c",)}
    assert store.inbox.n_waiting() == 0
    recount(store, settled=False)


def test_what_was_looked_up_and_never_written_is_swept_out_of_the_index(store: Store) -> None:
    """A text that a later push of its article had overtaken, and one that was given up."""
    push(store, [article("a", text("overtaken"))])
    early = held(store, "slow")
    ingest(store, article("a", text("later")))
    worker(store).work(early)
    push(store, [article("b", text("given up"))])
    for turn in range(ingesting.MOST_DELIVERIES):
        look_up_only(store, store.inbox.take(f"dead{turn}", 1, 1 << 25, 0))
    ingest(store, article("c", altered(text("given up"), 1)))
    drain(store, claim_seconds=0)
    assert families(store) == {("a",), ("c",)}
    expiry(store).run(store.connection.time()[0] + 2 * DAY)
    recount(store, settled=False)


# Bad input

LONG_ID = "x" * 10_240
REJECTED: dict[str, tuple[bytes | str, str, str, str]] = {
    "not JSON": (b"{no JSON", "", "payload", "not JSON"),
    "empty": (b"", "", "payload", "not JSON"),
    "not an object": (b'["id", "a"]', "", "payload", "an array"),
    "a number": (b"7", "", "payload", "a number"),
    "no text at all": (json.dumps({"id": "bare", "url": "https://example.org/"}), "bare", "text", "no text at all"),
    "blank text": (json.dumps({"id": "blank", "text": " \n\t "}), "blank", "text", "no text at all"),
    "text of a wrong type": (json.dumps({"id": "typed", "text": ["a"]}), "typed", "text", "an array"),
    "id of a wrong type": (json.dumps({"id": 7, "text": "a"}), "", "id", "a number"),
    "title of a wrong type": (json.dumps({"id": "t", "title": 1.5, "text": "a"}), "t", "title", "a number"),
    "too large": (json.dumps({"id": "large", "text": "x" * 5_000}), "large", "payload", "max_article_bytes"),
    "an id with a newline": (json.dumps({"id": "a\nb", "text": "a"}), "a\ufffdb", "id", "control character"),
    "an id with NUL": (json.dumps({"id": "a\x00b", "text": "a"}), "a\ufffdb", "id", "control character"),
    "an id of 10 KB": (json.dumps({"id": LONG_ID, "text": "a"}), "x" * 512, "id", "10,240 bytes"),
    "an empty id": (json.dumps({"id": "", "text": "a"}), "", "id", "0 bytes"),
    "an id with a lone surrogate": ('{"id": "a\\ud800", "text": "a"}', "a\ufffd", "id", "surrogate"),
    "not UTF-8": (b'{"id": "latin", "text": "caf\xe9"}', "", "payload", "not UTF-8"),
    "nested too deeply": ("[" * 100_000, "", "payload", "not JSON"),
}  # fmt: skip
"""By what is wrong: payload, and the article, field and part of the reason that its rejection names."""


def test_bad_articles_are_rejected_and_the_others_of_their_batch_go_through(store: Store) -> None:
    for i, (payload, *_) in enumerate(REJECTED.values()):
        push(store, [json.dumps(article(f"good{i}", f"short {i}")), payload])
    drain(store, max_bytes=4_500)
    assert store.rejected.size() == len(REJECTED)
    assert all(entry.reason and entry.field and entry.at for entry in store.rejected.latest(100))
    assert store.articles.count()[0] == len(REJECTED)
    recount(store, settled=False)


@pytest.mark.parametrize("what", sorted(REJECTED))
def test_what_is_wrong_is_named(store: Store, what: str) -> None:
    payload, article_id, field, reason = REJECTED[what]
    push(store, [payload, json.dumps(article("good", text("good", 20)))])
    drain(store, max_bytes=200_000 if what in {"an id of 10 KB", "nested too deeply"} else 4_500)
    [rejection] = store.rejected.latest(10)
    assert (rejection.article_id, rejection.field) == (article_id, field)
    assert reason in rejection.reason
    raw = payload if isinstance(payload, bytes) else payload.encode()
    assert rejection.payload == raw[:4_096].decode(errors="replace")
    assert told(store, "good").kind == "new"
    assert store.inbox.n_waiting() == 0
    recount(store, settled=False)


@pytest.mark.parametrize(
    "date", ["0000-01-01T00:00:00Z", "0001-01-01", "9999-12-31T23:59:59Z", "", None, "soon", 20260101, "1899-12-31"]
)
def test_an_article_of_no_known_date_goes_through_undated_with_a_warning(store: Store, date: object) -> None:
    ingest(store, article("a", text("a"), published_at=date))
    found = told(store, "a")
    assert found.published_at == ""
    assert any(warning.startswith("published_at") for warning in found.warnings)
    assert store.rejected.size() == 0


def test_nul_and_lone_surrogates_in_a_text_are_replaced_with_a_warning(store: Store) -> None:
    ingest(store, '{"id": "a", "title": "T\\u0000itle", "text": "one \\ud800 two three four five six"}')
    found = told(store, "a")
    assert found.title == "T itle"
    assert {warning.split(":")[0] for warning in found.warnings} >= {"title", "text"}


# Aliases


def test_the_id_of_a_family_that_merged_leads_to_the_one_it_went_into(store: Store) -> None:
    left, middle, right = linked()
    ingest(store, article("left", left), article("right", right))
    living, retired = told(store, "left").family, told(store, "right").family
    assert living != retired
    ingest(store, article("middle", middle))
    assert families(store) == {("left", "middle", "right")}
    assert {told(store, one).family for one in ("left", "middle", "right")} == {living}
    assert store.aliases.resolve(retired) == living
    assert 0 < store.connection.ttl(store.keys.alias(retired)) <= 30 * DAY
    assert not store.connection.exists(store.keys.family(retired), store.keys.family_articles(retired))
    recount(store, settled=False)


def test_the_id_of_a_family_that_merged_twice_over_resolves_in_one_hop(store: Store) -> None:
    ingest(store, *(article(name, text(name)) for name in "xyz"))
    living, second, third = (told(store, name).family for name in "xyz")
    ingest(store, article("z", text("y")))
    assert store.aliases.resolve(third) == second
    ingest(store, article("y", text("x")))
    ingest(store, article("z", text("x")))
    assert families(store) == {("x", "y", "z")}
    assert store.aliases.resolve(third) == store.aliases.resolve(second) == living
    recount(store, settled=False)


def test_a_store_that_another_version_filled_is_refused_and_nothing_of_it_is_touched(store: Store) -> None:
    ingest(store, article("a", text("a")))
    push(store, [article("b", text("b"))])
    store.connection.set(store.keys.private("fingerprint"), "another")
    with pytest.raises(StoreError, match="otherwise"):
        draining.drain(store, PARAMS, "hand", 60, MAX_ARTICLE_BYTES, RETENTION)
    with pytest.raises(StoreError, match="otherwise"):
        clusterer(store).run(time.time())
    with pytest.raises(StoreError, match="otherwise"):
        expiry(store).run(time.time() + 2 * RETENTION)
    assert store.inbox.n_waiting() == 1
    assert store.articles.get("a") is not None


def test_a_store_that_was_filled_before_fingerprints_were_kept_is_refused(store: Store) -> None:
    ingest(store, article("a", text("a")))
    store.connection.delete(store.keys.private("fingerprint"))
    with pytest.raises(StoreError, match="otherwise"):
        store.index.claim("any")
