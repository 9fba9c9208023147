"""The keys that programs rely on: each is there, of its type and with its fields, and everything else is private."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.integration.recount import recount
from tests.integration.world import about, article, clusterer, drain, dump, ingest, push, seed_lines, text
from worker.service.reporting import SETTLING_SECONDS, Reporting
from worker.store.connection import connect
from worker.store.store import Store, open_store

ARTICLE = {"family", "kind", "representative", "story", "storyline", "status", "published_at", "seen_at", "revision"}
META = {"title", "url", "source", "language", "warnings"}
FAMILY = {"representative", "n_articles", "story"}
STORY = {
    "headline", "representative", "n_articles", "n_families", "n_sources", "first_published_at", "last_published_at",
    "created_at", "updated_at", "storyline", "status",
}  # fmt: skip
STORYLINE = {"headline", "n_stories", "n_articles", "created_at", "updated_at"}
CHANGE = {"kind", "story", "other", "storyline", "articles", "n_articles", "run", "at"}
REJECTION = {"id", "field", "reason", "payload", "at"}

FAMILY_ID, STORY_ID, STORYLINE_ID = (f"{letter}[0-9a-f]{{16}}" for letter in "fsl")
PERIOD = r"(hour:\d{4}-\d\d-\d\dT\d\d|day:\d{4}-\d\d-\d\d|latest:(hour|day))"
CONTRACT = {
    r"inbox": ("stream", None),
    r"article:.+": ("hash", ARTICLE),
    r"meta:.+": ("hash", META),
    rf"family:{FAMILY_ID}": ("hash", FAMILY),
    rf"family:{FAMILY_ID}:articles": ("zset", None),
    rf"story:{STORY_ID}": ("hash", STORY),
    rf"story:{STORY_ID}:articles": ("zset", None),
    rf"storyline:{STORYLINE_ID}": ("hash", STORYLINE),
    rf"storyline:{STORYLINE_ID}:stories": ("zset", None),
    r"stories": ("zset", None),
    rf"alias:({FAMILY_ID}|{STORY_ID}|{STORYLINE_ID})": ("string", None),
    r"changes": ("stream", CHANGE),
    rf"report:{PERIOD}(:markdown|:html)?": ("string", None),
    r"rejected": ("stream", REJECTION),
}
"""By the name behind the prefix: type, and the exact fields of a hash or of a stream's entries."""

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")


@pytest.fixture
def used(store: Store) -> Store:
    """A store through which the sample articles went, and one of everything else that can happen."""
    ingest(store, *seed_lines(), "no JSON")
    ingest(store, *(about("flood", f"f:{i}", published_at=None) for i in range(3)))
    ingest(store, *(about("fire", f"g{i}", published_at="Mon, 02 Jun 2025 20:15:00.5 GMT") for i in range(2)))
    now = float(store.connection.time()[0])
    holder = clusterer(store)
    holder.run(now)
    ingest(store, *(about("flood", f"g{i}") for i in range(2)))
    holder.run(now + 1)
    Reporting(store, "UTC").make_due(now + 86_400 + SETTLING_SECONDS)
    recount(store)
    return store


def contract_of(name: str) -> tuple[str, set[str] | None] | None:
    return next((told for pattern, told in CONTRACT.items() if re.fullmatch(pattern, name)), None)


def public(store: Store) -> Iterator[tuple[str, bytes]]:
    """Names behind the prefix, and keys, of what is not private."""
    for key in store.connection.keys("*"):
        name = key.decode().removeprefix("dedup:")
        assert name != key.decode(), f"{name} is without the prefix"
        if not name.startswith("private:"):
            yield name, key


def test_every_key_of_the_contract_is_there(used: Store) -> None:
    names = [name for name, _ in public(used)]
    assert [pattern for pattern in CONTRACT if not any(re.fullmatch(pattern, name) for name in names)] == []


def test_every_key_is_of_its_type_and_nothing_else_is_public(used: Store) -> None:
    for name, key in public(used):
        told = contract_of(name)
        assert told is not None, f"{name} is neither in the contract nor private"
        assert used.connection.type(key).decode() == told[0], name


def test_hashes_and_entries_have_exactly_the_fields_of_the_contract(used: Store) -> None:
    for name, key in public(used):
        kind, fields = contract_of(name) or ("", None)
        if fields and kind == "hash":
            assert {field.decode() for field in used.connection.hkeys(key)} == fields, name
        elif fields:
            entries = used.connection.xrange(key)
            assert entries
            assert all({field.decode() for field in entry} == fields for _, entry in entries), name


def test_an_article_that_no_run_has_seen_has_all_its_fields(store: Store) -> None:
    ingest(store, article("a", text("a")))
    assert {field.decode() for field in store.connection.hkeys("dedup:article:a")} == ARTICLE
    family = store.connection.hget("dedup:article:a", "family").decode()
    assert {field.decode() for field in store.connection.hkeys(f"dedup:family:{family}")} == FAMILY


def test_times_are_rfc_3339_in_utc_and_empty_where_unknown(used: Store) -> None:
    n_times = 0
    for _, key in public(used):
        if used.connection.type(key) != b"hash":
            continue
        for field, value in used.connection.hgetall(key).items():
            if field.endswith(b"_at"):
                n_times += 1
                may_be_unknown = b"published" in field
                assert TIME.fullmatch(value.decode()) or (may_be_unknown and not value), (key, field, value)
    assert n_times > 50
    assert used.connection.hget("dedup:article:f:0", "published_at") == b""
    for name in ("changes", "rejected"):
        assert all(TIME.fullmatch(entry[b"at"].decode()) for _, entry in used.connection.xrange(f"dedup:{name}"))


def test_kinds_and_statuses_are_those_of_the_contract(used: Store) -> None:
    articles = [used.connection.hgetall(key) for name, key in public(used) if name.startswith("article:")]
    assert {told[b"kind"] for told in articles} == {b"new", b"copy", b"near-duplicate", b"reprint"}
    assert {told[b"status"] for told in articles} == {b"clustered"}
    assert {entry[b"kind"] for _, entry in used.connection.xrange("dedup:changes")} >= {b"born", b"merged", b"revised"}
    ingest(used, article("fresh", text("fresh")))
    assert used.connection.hget("dedup:article:fresh", "status") == b"admitted"


def test_lists_inside_fields_are_json(used: Store) -> None:
    for _, entry in used.connection.xrange("dedup:changes"):
        ids = json.loads(entry[b"articles"])
        assert len(ids) == min(100, int(entry[b"n_articles"]))
    assert isinstance(json.loads(used.connection.hget("dedup:meta:f:0", "warnings")), list)


def test_a_change_of_many_articles_lists_a_hundred_and_counts_all(store: Store) -> None:
    body = text("copied", 40)
    ingest(store, *(article(f"a{i}", body) for i in range(120)))
    clusterer(store).run(1.0)
    [(_, entry)] = store.connection.xrange("dedup:changes")
    assert entry[b"n_articles"] == b"120"
    assert json.loads(entry[b"articles"]) == [f"a{i}" for i in range(100)]


def test_sorted_sets_are_in_order_of_arrival(used: Store) -> None:
    story = used.connection.hget("dedup:article:seed-r1-wire", "story").decode()
    ids = [name.decode() for name in used.connection.zrange(f"dedup:story:{story}:articles", 0, -1)]
    seeds = list(dict.fromkeys(json.loads(line)["id"] for line in seed_lines()))
    assert ids == [name for name in seeds if name in ids]
    assert len(ids) > 5
    scores = [score for _, score in used.connection.zrange(f"dedup:story:{story}:articles", 0, -1, withscores=True)]
    assert scores == sorted(set(scores))


def test_aliases_and_reports_run_out_and_nothing_else_does(used: Store) -> None:
    for name, key in public(used):
        limited = name.startswith(("alias:", "report:"))
        assert (used.connection.ttl(key) > 0) == limited, name


def test_another_prefix_on_the_same_server_is_another_service(used: Store, server_url: str) -> None:
    before = dump(used)
    other = open_store(connect(server_url), "other:")
    push(other, [article("seed-r1-wire", text("quite another"))])
    drain(other)
    clusterer(other).run(1.0)
    after = dump(used)
    assert {name: after[name] for name in before} == before
    assert all(name.startswith("other:") for name in set(after) - set(before))
    found = other.articles.get("seed-r1-wire")
    assert found is not None
    assert found.title == "On seed-r1-wire"
    recount(other)
    other.connection.close()
