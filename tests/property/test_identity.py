"""The eleven rules of dedup/identity.py, each over random histories, and what holds over whole chains of runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from dedup.identity import Intent, Left, Outcome, Placed, Standing, decide, match_heaviest, mint

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from random import Random

    from dedup.story import StoryStatus

CANONICAL = ["born", "split", "moved", "merged", "grew", "ended"]


@dataclass(frozen=True)
class Step:
    """What happens before one run, as numbers taken modulo what exists, and how the run then clusters.

    `arrivals`: 0 is an article of its own, n a copy of the nth family. `leaving`: families that leave the window.
    `strays`: (article, family) for an article that is revised into another family, 0 a new one.
    `regrouped`: (family, cluster) for families that go to another cluster than their story's.
    """

    arrivals: tuple[int, ...] = ()
    leaving: tuple[int, ...] = ()
    strays: tuple[tuple[int, int], ...] = ()
    regrouped: tuple[tuple[int, int], ...] = ()


@dataclass
class World:
    """What a store would keep between runs."""

    families: dict[str, list[str]] = field(default_factory=dict)
    window: set[str] = field(default_factory=set)
    seen_at: dict[str, int] = field(default_factory=dict)
    story_of_family: dict[str, str] = field(default_factory=dict)
    story_of: dict[str, str] = field(default_factory=dict)
    founded: dict[str, int] = field(default_factory=dict)
    status: dict[str, StoryStatus] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    told: list[Intent] = field(default_factory=list)
    n_families: int = 0

    def arrive(self, family: str = "") -> str:
        """A new article, in a family of its own unless one is named; its family is in the window then."""
        article = f"a{len(self.seen_at)}"
        self.seen_at[article] = len(self.seen_at)
        return self.join(article, family)

    def join(self, article: str, family: str = "") -> str:
        """The article, in the family named or one of its own."""
        if not family:
            self.n_families += 1
            family = f"f{self.n_families}"
        self.families.setdefault(family, []).append(article)
        self.families[family].sort(key=self.seen_at.__getitem__)
        self.window.add(family)
        return family

    def stray(self, article: str, family: str = "") -> str:
        """The article leaves its family for another one."""
        old = next(name for name, articles in self.families.items() if article in articles)
        if old == family:
            return old
        self.families[old].remove(article)
        if not self.families[old]:
            del self.families[old]
            self.window.discard(old)
        return self.join(article, family)

    def placed(self) -> list[Placed]:
        return [
            Placed(
                family=name,
                articles=tuple(self.families[name]),
                seen_at=tuple(self.seen_at[article] for article in self.families[name]),
                story=self.story_of_family.get(name, ""),
                stories=tuple(self.story_of.get(article, "") for article in self.families[name]),
            )
            for name in sorted(self.window)
        ]

    def standing(self) -> dict[str, Standing]:
        left: dict[str, list[Left]] = {}
        for name in sorted(self.families.keys() - self.window):
            articles = tuple(self.families[name])
            keys = tuple(self.seen_at[article] for article in articles)
            left.setdefault(self.story_of_family[name], []).append(Left(name, articles, keys))
        return {
            story: Standing(story, founded, self.status[story], tuple(left.get(story, ())))
            for story, founded in self.founded.items()
        }

    def clusters(self, regrouped: Iterable[tuple[int, int]] = ()) -> list[list[str]]:
        """Each family of the window with its story, a family without one on its own, but for the regrouped."""
        names = sorted(self.window)
        label = {name: self.story_of_family.get(name) or name for name in names}
        labels = [*dict.fromkeys(label.values())]
        for family, cluster in regrouped:
            if names:
                target = cluster % (len(labels) + 1)
                label[names[family % len(names)]] = labels[target] if target < len(labels) else f"cluster {cluster}"
        grouped: dict[str, list[str]] = {}
        for name in names:
            grouped.setdefault(label[name], []).append(name)
        return list(grouped.values())

    def decide(
        self, clusters: Sequence[Sequence[str]], shuffle: Random | None = None, called_back: Collection[str] = ()
    ) -> Outcome:
        placed, standing, aliases = self.placed(), list(self.standing().items()), list(self.aliases.items())
        groups = [list(cluster) for cluster in clusters]
        if shuffle:
            for values in (placed, standing, aliases, groups, *groups):
                shuffle.shuffle(values)  # type: ignore[arg-type]
        return decide(placed, groups, dict(standing), dict(aliases), lambda _: False, called_back)

    def commit(self, outcome: Outcome) -> None:
        for assigned in outcome.stories:
            self.founded[assigned.story_id] = assigned.founded
            self.status[assigned.story_id] = "open" if assigned.is_open else "ended"
            for name in [*assigned.families, *(left.family for left in assigned.left)]:
                self.story_of_family[name] = assigned.story_id
                self.story_of.update(dict.fromkeys(self.families[name], assigned.story_id))
        self.status.update(dict.fromkeys(outcome.ended, "ended"))
        self.aliases.update(outcome.aliases)
        for retired in outcome.aliases:
            self.founded.pop(retired, None)
            self.status.pop(retired, None)
        self.told.extend(outcome.changes)

    def run(
        self,
        clusters: Sequence[Sequence[str]] | None = None,
        shuffle: Random | None = None,
        called_back: Collection[str] = (),
    ) -> Outcome:
        outcome = self.decide(self.clusters() if clusters is None else clusters, shuffle, called_back)
        self.commit(outcome)
        return outcome

    def prepare(self, step: Step) -> list[list[str]]:
        """What the step does to families and window, and the clusters of the run that follows."""
        for name in [sorted(self.window)[n % len(self.window)] for n in step.leaving if self.window]:
            if name in self.story_of_family:
                self.window.discard(name)
        for turn in step.arrivals:
            names = sorted(self.families)
            self.arrive(names[(turn - 1) % len(names)] if turn and names else "")
        for article, family in step.strays:
            names = sorted(self.families)
            if self.seen_at:
                target = names[(family - 1) % len(names)] if family else ""
                self.stray(f"a{article % len(self.seen_at)}", target)
        return self.clusters(step.regrouped)


numbers = st.integers(0, 30)
pairs = st.tuples(numbers, numbers)
steps = st.builds(
    Step,
    arrivals=st.lists(st.one_of(st.just(0), numbers), max_size=6).map(tuple),
    leaving=st.lists(numbers, max_size=3).map(tuple),
    strays=st.lists(pairs, max_size=2).map(tuple),
    regrouped=st.lists(pairs, max_size=6).map(tuple),
)
logs = st.lists(steps, min_size=1, max_size=7)


def replay(log: Iterable[Step], shuffle: Random | None = None) -> World:
    world = World()
    for step in log:
        world.run(world.prepare(step), shuffle)
    return world


def settled(sizes: Sequence[int]) -> tuple[World, list[list[str]]]:
    """A world after its first run, with one story for each size: that many families of one article each."""
    world = World()
    clusters = [[world.arrive() for _ in range(size)] for size in sizes]
    world.run(clusters)
    return world, clusters


def apply_changes(told: Iterable[Intent]) -> dict[str, str]:
    """What a reader of the changes alone knows: each article's story."""
    known: dict[str, str] = {}
    for change in told:
        goal = change.other if change.kind == "merged" else change.story
        known.update(dict.fromkeys(change.articles, goal))
    return known


def grouped(shares: Mapping[tuple[int, int], int]) -> tuple[World, list[list[str]]]:
    """A settled world whose families are regrouped: `shares[story, cluster]` families go from one to the other."""
    world = World()
    first: dict[int, list[str]] = {}
    second: dict[int, list[str]] = {}
    for (story, cluster), n_families in sorted(shares.items()):
        for _ in range(n_families):
            name = world.arrive()
            first.setdefault(story, []).append(name)
            second.setdefault(cluster, []).append(name)
    world.run(list(first.values()))
    return world, list(second.values())


overlap_tables = st.dictionaries(st.tuples(st.integers(0, 3), st.integers(0, 3)), st.integers(1, 3), min_size=1)


@given(logs)
def test_rule_1_a_run_without_news_changes_nothing(log: list[Step]) -> None:
    world = replay(log)

    again = world.decide(world.clusters())

    assert (again.changes, again.ended, again.aliases, again.relocated) == ((), (), {}, {})
    assert not any(assigned.is_new or assigned.reopened for assigned in again.stories)
    assert {name: s.story_id for s in again.stories for name in s.families} == {
        name: world.story_of_family[name] for name in world.window
    }


@given(logs)
def test_rule_2_an_id_never_means_two_stories(log: list[Step]) -> None:
    world, minted, retired = World(), Counter[str](), set[str]()

    for step in log:
        outcome = world.run(world.prepare(step))
        ids = [assigned.story_id for assigned in outcome.stories]
        minted.update(assigned.story_id for assigned in outcome.stories if assigned.is_new)
        retired.update(change.story for change in outcome.changes if change.kind == "merged")
        assert len(ids) == len(set(ids))
        assert not retired & set(ids)

    assert set(minted.values()) <= {1}


@given(overlap_tables)
def test_rule_3_ids_are_carried_one_to_one_with_the_greatest_overlap(shares: dict[tuple[int, int], int]) -> None:
    world, clusters = grouped(shares)
    before = dict(world.story_of)

    outcome = world.decide(clusters)

    kept = sum(
        before[article] == s.story_id for s in outcome.stories for n in s.families for article in world.families[n]
    )
    table = np.zeros((4, 4), dtype=np.int64)
    for (story, cluster), n_articles in shares.items():
        table[story, cluster] = n_articles
    assert kept == table[linear_sum_assignment(table, maximize=True)].sum()


@given(overlap_tables)
def test_rule_3_ties_go_to_the_older_stories_then_to_the_parts_that_founded_them(
    shares: dict[tuple[int, int], int],
) -> None:
    world, clusters = grouped(shares)
    before, by_age = dict(world.story_of), sorted(world.founded, key=world.founded.__getitem__)
    members = [[article for name in cluster for article in world.families[name]] for cluster in clusters]

    def merit(names: Sequence[str]) -> tuple[int, list[bool], int]:
        shared = [[before[article] == story for article in part] for part, story in zip(members, names, strict=True)]
        held = [story in {s for s, own in zip(names, shared, strict=True) if any(own)} for story in by_age]
        firsts = [min((a for a in before if before[a] == s), key=world.seen_at.__getitem__, default="") for s in names]
        founding = sum(first in part for first, part in zip(firsts, members, strict=True))
        return sum(map(sum, shared)), held, founding

    outcome = world.decide(clusters)

    chosen = {name: s.story_id for s in outcome.stories for name in s.families}
    fresh = [f"none {n}" for n in clusters]
    best = max(merit(names) for names in permutations([*by_age, *fresh[: len(clusters)]], len(clusters)))
    assert merit([chosen[cluster[0]] for cluster in clusters]) == best


@given(
    st.lists(st.dictionaries(st.integers(0, 7), st.integers(1, 6), min_size=1), min_size=1, max_size=8),
    st.sampled_from([10, 10**40]),
)
def test_rule_3_the_matching_is_the_heaviest_also_with_weights_past_a_float(
    weights: list[dict[int, int]], scale: int
) -> None:
    matched = match_heaviest([{column: weight * scale + 1 for column, weight in row.items()} for row in weights])

    table = np.zeros((len(weights), 8), dtype=np.int64)
    for number, row in enumerate(weights):
        for column, weight in row.items():
            table[number, column] = weight
    assert len(set(matched.values())) == len(matched)
    assert (
        sum(weights[row][column] for column, row in matched.items())
        == table[linear_sum_assignment(table, maximize=True)].sum()
    )


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4)), min_size=2, max_size=5))
def test_rule_4_a_merge_retires_all_but_the_largest_and_takes_along_what_left_the_window(
    sizes: list[tuple[int, int]],
) -> None:
    """Each story is (families in the window, families outside it); a part outside that is larger stays."""
    world, clusters = settled([inside + outside for inside, outside in sizes])
    ids = [world.story_of_family[cluster[0]] for cluster in clusters]
    for cluster, (inside, _) in zip(clusters, sizes, strict=True):
        world.window -= set(cluster[inside:])
    heir = max(range(len(sizes)), key=lambda n: (sizes[n][0], -n))
    merged = {n for n, (inside, outside) in enumerate(sizes) if n != heir and (inside > outside)}

    outcome = world.run([sorted(world.window)])

    assert outcome.aliases == {ids[n]: ids[heir] for n in merged}
    assert set(outcome.ended) == {ids[n] for n in range(len(sizes)) if n != heir and n not in merged}
    for n, cluster in enumerate(clusters):
        outside = ids[heir] if n in merged else ids[n]
        inside_count = sizes[n][0]
        assert {world.story_of_family[name] for name in cluster[:inside_count]} == {ids[heir]}
        assert {world.story_of_family[name] for name in cluster[inside_count:]} <= {outside}


@given(logs)
def test_rule_4_a_retired_id_resolves_in_one_hop_through_all_further_merges(log: list[Step]) -> None:
    world = World()
    for step in log:
        outcome = world.run(world.prepare(step))
        told = {change.story: change.other for change in outcome.changes if change.kind == "merged"}
        assert told.items() <= outcome.aliases.items()
        assert set(world.aliases.values()) <= world.founded.keys()


@given(st.lists(st.integers(1, 5), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_rule_5_a_split_keeps_the_id_with_the_larger_part_and_mints_from_the_first_arrived(
    sizes: list[int], rng: Random
) -> None:
    world, [families] = settled([sum(sizes)])
    story = world.story_of_family[families[0]]
    mixed = rng.sample(families, len(families))
    parts = [mixed[sum(sizes[:n]) : sum(sizes[: n + 1])] for n in range(len(sizes))]
    founders = [min(part, key=families.index) for part in parts]
    keeper = max(range(len(sizes)), key=lambda n: (sizes[n], families[0] in parts[n]))
    assume(sizes.count(sizes[keeper]) == 1 or families[0] in parts[keeper])

    outcome = world.run(parts)

    for n, founder in enumerate(founders):
        minted = mint("story", world.families[founder][0], lambda candidate: candidate == story)
        assert {world.story_of_family[name] for name in parts[n]} == {story if n == keeper else minted}
    assert [(change.kind, change.other) for change in outcome.changes] == [("split", story)] * (len(sizes) - 1)


@given(logs, st.integers(1, 10**9), st.integers(-(10**12), 10**12))
def test_rule_6_only_the_order_of_arrival_counts_not_the_time(log: list[Step], stretch: int, shift: int) -> None:
    world, later = World(), World()
    for step in log:
        clusters = world.prepare(step)
        later.prepare(step)
        placed = [replace(p, seen_at=tuple(key * stretch + shift for key in p.seen_at)) for p in later.placed()]
        standing = {
            s.id: replace(
                s,
                founded=s.founded * stretch + shift,
                left=tuple(replace(x, seen_at=tuple(key * stretch + shift for key in x.seen_at)) for x in s.left),
            )
            for s in later.standing().values()
        }
        outcome = world.run(clusters)
        other = decide(placed, clusters, standing, later.aliases)
        assert (other.changes, other.aliases, other.ended) == (outcome.changes, outcome.aliases, outcome.ended)
        later.commit(outcome)


@given(logs, st.randoms(use_true_random=False))
def test_rule_7_the_same_log_replayed_gives_the_same_ids_in_whatever_order_it_is_read(
    log: list[Step], rng: Random
) -> None:
    straight, shuffled = World(), World()
    for step in log:
        outcome = straight.run(straight.prepare(step))
        assert shuffled.run(shuffled.prepare(step), rng) == outcome
    assert straight == shuffled


@given(logs)
def test_rule_8_each_change_is_told_once_in_one_order(log: list[Step]) -> None:
    world = World()
    for step in log:
        clusters = world.prepare(step)
        before, founded = dict(world.story_of), dict(world.founded)

        outcome = world.run(clusters)

        founded |= world.founded
        told = Counter(article for change in outcome.changes for article in change.articles)
        differing = {article for article, story in world.story_of.items() if before.get(article, "") != story}
        assert told == Counter(differing)
        assert outcome.relocated == {article: world.story_of[article] for article in differing if article in before}
        keys = [(CANONICAL.index(c.kind), founded[c.story], c.story) for c in outcome.changes]
        assert keys == sorted(keys)
        assert len({(c.kind, c.story, c.other) for c in outcome.changes}) == len(outcome.changes)
        for change in outcome.changes:
            assert list(change.articles) == sorted(change.articles, key=world.seen_at.__getitem__)
            assert_origin(change, before, world)


def assert_origin(change: Intent, before: Mapping[str, str], world: World) -> None:
    """The articles of a change come from where its kind says."""
    origins = {before.get(article, "") for article in change.articles}
    if change.kind in {"born", "grew", "ended"}:
        assert origins <= {""}
        assert change.other == ""
        return
    assert origins <= {change.story if change.kind == "merged" else change.other}
    assert change.other not in world.aliases or change.kind == "moved"


@given(logs, numbers, numbers, st.sampled_from(["another family", "another cluster", "alone"]))
def test_rule_9_a_revised_article_goes_alone(log: list[Step], article: int, place: int, destination: str) -> None:
    world = replay(log)
    assume(world.seen_at)
    mover = f"a{article % len(world.seen_at)}"
    before = dict(world.story_of)
    in_window = {a for name in world.window for a in world.families[name]}
    clusters = world.clusters()
    names = sorted(world.window) if destination == "another family" else []
    joined = world.stray(mover, names[place % len(names)] if names else "")
    clusters = [[name for name in cluster if name in world.window] for cluster in clusters]
    if not names:
        alone = destination == "alone" or not clusters
        (clusters.append([joined]) if alone else clusters[place % len(clusters)].append(joined))

    outcome = world.run([cluster for cluster in clusters if cluster])

    others_stay = any(before[a] == before[mover] for a in in_window - {mover})
    retired = {change.story for change in outcome.changes if change.kind == "merged"}
    left_alone = {a for a in before if a != mover and before[a] not in retired}
    assert {a: world.story_of[a] for a in left_alone} == {a: before[a] for a in left_alone}
    assert retired <= {before[mover]}
    if others_stay:
        assert not retired
        together = next(cluster for cluster in clusters if joined in cluster)
        companions = {before[a] for name in together for a in world.families[name] if a != mover}
        assert (world.story_of[mover] == before[mover]) == (before[mover] in companions)


@given(st.integers(2, 6), st.integers(1, 6), st.integers(0, 3), st.data())
def test_rule_9_an_article_put_elsewhere_goes_alone(n_own: int, n_other: int, n_new: int, data: st.DataObject) -> None:
    """The clustering alone moves one article, as a wrong date would: to another story, or off with new articles."""
    world, [own, other] = settled([n_own, n_other])
    first, second = world.story_of_family[own[0]], world.story_of_family[other[0]]
    mover = data.draw(st.sampled_from(own))
    joins = data.draw(st.booleans())
    assume(joins or n_own > 2)
    stay = [name for name in own if name != mover]
    new = [world.arrive() for _ in range(n_new)]

    world.run([stay, [*other, mover, *new]] if joins else [stay, other, [mover, *new]])

    assert {world.story_of_family[name] for name in stay} == {first}
    assert {world.story_of_family[name] for name in other} == {second}
    assert (world.story_of_family[mover] == second) == joins


@given(st.integers(1, 5), st.integers(1, 3), st.integers(0, 3))
def test_rule_10_an_ended_story_whose_family_returns_continues_under_its_id(size: int, copies: int, new: int) -> None:
    world, [families] = settled([size])
    story = world.story_of_family[families[0]]
    world.window.clear()
    ended = world.run()
    returned = [world.arrive(families[0]) for _ in range(copies)]
    arrived = [world.arrive() for _ in range(new)]

    outcome = world.run([[returned[0], *arrived]])

    assert ended.ended == (story,)
    assert [(s.story_id, s.reopened, s.is_new) for s in outcome.stories] == [(story, True, False)]
    assert [(change.kind, change.story, len(change.articles)) for change in outcome.changes] == [
        ("grew", story, copies + new)
    ]
    assert world.status == {story: "open"}


@given(logs, st.lists(numbers, min_size=1, max_size=4), st.lists(st.tuples(numbers, numbers), max_size=4))
def test_rule_11_families_called_back_open_nothing(
    log: list[Step], calls: list[int], regrouped: list[tuple[int, int]]
) -> None:
    world = replay(log)
    outside = sorted(world.families.keys() - world.window)
    called = {outside[n % len(outside)] for n in calls if outside}
    inside, before = set(world.window), dict(world.status)
    known = dict(world.story_of)
    world.window |= called

    outcome = world.run(world.clusters(regrouped), called_back=called)

    for assigned in outcome.stories:
        is_open = bool(inside & set(assigned.families))
        assert assigned.is_open == is_open
        if not is_open:
            was_open = before.get(assigned.story_id, "open") == "open"
            assert (assigned.story_id in outcome.ended) == was_open
            assert not assigned.reopened
    assert Counter(change.story for change in outcome.changes if change.kind == "ended") == Counter(outcome.ended)
    assert apply_changes([Intent("grew", s, "", (a,)) for a, s in known.items()] + list(outcome.changes)) == (
        world.story_of
    )


@given(logs)
def test_a_chain_of_runs_leaves_every_family_in_one_story_and_every_id_readable(log: list[Step]) -> None:
    world, ever = World(), set[str]()
    for step in log:
        outcome = world.run(world.prepare(step))
        ever |= {change.story for change in outcome.changes if change.kind in {"born", "split"}}

        assert Counter(name for s in outcome.stories for name in s.families) == Counter(world.window)
        open_stories = {story for story, status in world.status.items() if status == "open"}
        assert open_stories == {assigned.story_id for assigned in outcome.stories}
        assert ever == world.founded.keys() | world.aliases.keys()
        assert not world.founded.keys() & world.aliases.keys()


@given(logs)
def test_the_changes_alone_tell_which_article_is_in_which_story(log: list[Step]) -> None:
    world = World()
    for step in log:
        world.run(world.prepare(step))
        assert apply_changes(world.told) == world.story_of


@given(logs)
def test_a_reader_who_follows_only_whole_stories_on_a_merge_knows_the_same(log: list[Step]) -> None:
    """A change lists at most 100 articles: of a merge it is enough to know which story went into which."""
    world = World()
    for step in log:
        world.run(world.prepare(step))
    known: dict[str, str] = {}
    for change in world.told:
        if change.kind == "merged":
            known = {a: change.other if story == change.story else story for a, story in known.items()}
        else:
            known |= dict.fromkeys(change.articles, change.story)
    assert known == world.story_of
