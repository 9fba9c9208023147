"""Everything the store says twice, counted again: what every test may end with."""

from __future__ import annotations

import struct
from collections import defaultdict

from dedup.article import format_time, parse_time
from worker.store.articles import score_of
from worker.store.records import ArticleRecord, ContentGroup, ContentState
from worker.store.store import Store

Told = dict[str, str]


def recount(store: Store, *, settled: bool = True) -> None:
    """Asserts that no key contradicts another. `settled`: all news has been through a run."""
    articles = _hashes(store, "article:")
    families = {name: told for name, told in _hashes(store, "family:").items() if not name.endswith(":articles")}
    _recount_articles(store, articles)
    _recount_families(store, articles, families)
    _recount_index(store, articles)
    _recount_aliases(store)
    assert {name for made in store.corrections.made() for name in (made.correction.one, made.correction.other)} <= set(
        articles
    )
    if settled:
        stories = {name: told for name, told in _hashes(store, "story:").items() if not name.endswith(":articles")}
        _recount_stories(store, articles, families, stories)
        _recount_storylines(store, stories)
        _recount_living(store, families)


def _recount_articles(store: Store, articles: dict[str, Told]) -> None:
    seen = dict(store.connection.zrange(store.keys.seen, 0, -1, withscores=True))
    assert {name.decode() for name in seen} == set(articles) == set(_hashes(store, "meta:"))
    for article_id, record in _records(store).items():
        told = articles[article_id]
        assert told["seen_at"] == format_time(record.seen_at[0] / 1000)
        assert seen[article_id.encode()] == score_of(record.seen_at)
        assert told["published_at"] == format_time(record.published_at)
        assert told["revision"] == str(record.revision)
    assert set(_records(store)) == set(articles)


def _recount_families(store: Store, articles: dict[str, Told], families: dict[str, Told]) -> None:
    members = _by(articles, "family")
    records = _records(store)
    reprinted = _reprinted(store, {record.content: articles[one]["family"] for one, record in records.items()})
    assert set(members) == set(families) == set(_members(store, store.keys.families))
    for family_id, told in families.items():
        listed = _members(store, store.keys.family_articles(family_id))
        assert set(listed) == members[family_id]
        assert all(score == score_of(records[one].seen_at) for one, score in listed.items())
        assert told["n_articles"] == str(len(listed))
        assert told["representative"] in listed
        assert {articles[one]["representative"] for one in listed} == {told["representative"]}
        known: set[int] = set()
        for one in sorted(listed, key=lambda name: (records[name].seen_at, name)):
            content = records[one].content
            joined = "reprint" if content in reprinted else "near-duplicate"
            kind = "copy" if content in known else joined if known else "new"
            assert articles[one]["kind"] == kind, one
            known.add(content)


def _reprinted(store: Store, family_of: dict[int, str]) -> set[int]:
    """The contents that are joined to their families by containment alone."""
    keys = store.connection.scan_iter(f"{store.keys.index}group:*", count=1000)
    edges = [edge for key in keys for edge in ContentGroup.unpack(store.connection.get(key)).edges]
    inside = [edge for edge in edges if family_of[edge.one] == family_of[edge.other]]
    near = {number for edge in inside if not edge.containment for number in (edge.one, edge.other)}
    return {number for edge in inside for number in (edge.one, edge.other)} - near


def _recount_index(store: Store, articles: dict[str, Told]) -> None:
    """What the index holds is what the articles carry, and nothing is left of others."""
    prefix = store.keys.index
    carried = defaultdict(set)
    for article_id, record in _records(store).items():
        carried[record.content].add(articles[article_id]["family"])
    if not store.corrections.made():
        assert all(len(names) == 1 for names in carried.values()), "one text in two families"
    assert _numbers(store, f"{prefix}content:") == _numbers(store, f"{prefix}terms:") == set(carried)
    assert store.connection.zcard(f"{prefix}waiting") == 0
    states = {int(k): ContentState.unpack(v) for k, v in _all_fields(store, f"{prefix}state:").items()}
    assert set(states) == set(carried)
    for number, names in carried.items():
        assert states[number].admitted
        assert set(states[number].families) == names
    hashes = _all_fields(store, f"{prefix}hash:")
    assert sorted(struct.unpack("<I", value)[0] for value in hashes.values()) == sorted(carried)
    groups = _numbers(store, f"{prefix}group:")
    assert groups <= {state.group for state in states.values()}
    for name in groups:
        packed = store.connection.get(f"{prefix}group:{name}")
        group = ContentGroup.unpack(packed)
        assert set(group.contents) == {number for number, state in states.items() if state.group == name}


def _recount_aliases(store: Store) -> None:
    for key in store.connection.keys(store.keys.alias("*")):
        retired = key.decode().removeprefix(store.keys.alias(""))
        living = store.connection.get(key).decode()
        assert not store.connection.exists(store.keys.alias(living)), f"{retired} takes two hops"
        kind = {"f": store.keys.family, "s": store.keys.story, "l": store.keys.storyline}[retired[0]]
        assert not store.connection.exists(kind(retired)), f"{retired} is retired and lives"


def _recount_stories(
    store: Store, articles: dict[str, Told], families: dict[str, Told], stories: dict[str, Told]
) -> None:
    members = _by(articles, "story")
    assert "" not in members, f"articles without a story: {sorted(members['']) if '' in members else ()}"
    assert set(members) == set(stories) == set(_members(store, store.keys.stories))
    assert {told["status"] for told in articles.values()} <= {"clustered"}
    scores = _members(store, store.keys.stories)
    records = _records(store)
    meta = _hashes(store, "meta:")
    for story_id, told in stories.items():
        held = members[story_id]
        listed = _members(store, store.keys.story_articles(story_id))
        assert set(listed) == held, story_id
        assert listed == {one: score_of(records[one].seen_at) for one in listed}, story_id
        assert told["n_articles"] == str(len(held))
        names = {articles[one]["family"] for one in held}
        assert told["n_families"] == str(len(names))
        assert {families[name]["story"] for name in names} == {story_id}
        assert told["n_sources"] == str(len({meta[one]["source"] for one in held} - {""}))
        dates = [records[one].published_at for one in held]
        known = [date for date in dates if date is not None]
        assert told["first_published_at"] == format_time(min(known, default=None))
        assert told["last_published_at"] == format_time(max(known, default=None))
        assert told["representative"] in held
        assert told["headline"] == meta[told["representative"]]["title"]
        assert told["status"] in {"open", "ended"}
        assert {articles[one]["storyline"] for one in held} == {told["storyline"]}
        assert abs(scores[story_id] - (parse_time(told["updated_at"]) or 0)) < 0.001


def _recount_living(store: Store, families: dict[str, Told]) -> None:
    """What is kept of a large window's clustering is of one generation, and of families that are kept."""
    generation, plan = store.living.generation(), store.rebuild.plan()
    own = {f"living:{generation}:{kind}" for kind in ("rows", "places")} if generation else set()
    planned = {f"living:{plan.generation}:rows"} if plan else set()
    kept = {
        key.decode().removeprefix(store.keys.private(""))
        for key in store.connection.keys(store.keys.private("living:*"))
    }
    assert own <= kept <= own | planned
    if generation:
        heads, _ = store.living.rows(generation)
        placed = store.connection.hkeys(store.keys.private(f"living:{generation}:places"))
        assert {name.encode() for name in heads} == set(placed)
        assert heads.keys() <= families.keys()


def _recount_storylines(store: Store, stories: dict[str, Told]) -> None:
    members = _by(stories, "storyline")
    hashes = _hashes(store, "storyline:")
    storylines = {name: told for name, told in hashes.items() if not name.endswith(":stories")}
    assert set(members) <= set(storylines)
    profiled = _members(store, store.keys.private("storylines"))
    assert set(profiled) == set(storylines)
    for line, told in storylines.items():
        held = members.get(line, set())
        assert set(_members(store, store.keys.storyline_stories(line))) == held, line
        assert told["n_stories"] == str(len(held))
        assert told["n_articles"] == str(sum(int(stories[one]["n_articles"]) for one in held))
        profiles = {one.decode() for one in store.connection.hkeys(store.keys.private(f"profiles:{line}"))}
        assert held <= profiles
    kept = {key.decode() for key in store.connection.keys(store.keys.private("profiles:*"))}
    assert kept == {store.keys.private(f"profiles:{line}") for line in storylines}


def _hashes(store: Store, name: str) -> dict[str, Told]:
    prefix = f"{store.keys.prefix}{name}"
    found = {}
    for key in store.connection.scan_iter(f"{prefix}*", count=1000, _type="HASH"):
        told = store.connection.hgetall(key)
        found[key.decode().removeprefix(prefix)] = {name.decode(): value.decode() for name, value in told.items()}
    return found


def _records(store: Store) -> dict[str, ArticleRecord]:
    packed = _all_fields(store, store.keys.private("article:"))
    return {name.decode(): ArticleRecord.unpack(record) for name, record in packed.items()}


def _all_fields(store: Store, prefix: str) -> dict[bytes, bytes]:
    """The fields of all hashes under a prefix."""
    found: dict[bytes, bytes] = {}
    for key in store.connection.scan_iter(f"{prefix}*", count=1000):
        found |= store.connection.hgetall(key)
    return found


def _numbers(store: Store, prefix: str) -> set[int]:
    return {int(key.rpartition(b":")[2]) for key in store.connection.scan_iter(f"{prefix}*", count=1000)}


def _members(store: Store, key: str) -> dict[str, float]:
    return {name.decode(): score for name, score in store.connection.zrange(key, 0, -1, withscores=True)}


def _by(told: dict[str, Told], name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for one, fields in told.items():
        found[fields[name]].add(one)
    return dict(found)
