"""Families after articles came, changed or left: load the groups concerned, settle them, write what changed.

Works on *touches*: contents that belong together for one decision. All loading is done for many touches at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from dedup.correction import Corrections
from dedup.family import (
    MAX_CONTENTS,
    Content,
    Edge,
    FamilyParams,
    Member,
    Settlement,
    divide_contents,
    group,
    reprints,
    settle,
    text_number,
)
from dedup.identity import mint
from dedup.pipeline import Params
from worker.store.commit import Unit, Words, commit
from worker.store.corrections import Book
from worker.store.records import ArticleRecord, ContentGroup, ContentState
from worker.store.store import Store


@dataclass(slots=True)
class Touch:
    """Contents that one decision is about, the edges found between them, and the articles that come or go.

    `arrivals` are articles as they will be (new or revised); `departures` are ids of articles that leave; `given_up`
    are contents that wait for an article no more.
    """

    contents: set[int] = field(default_factory=set)
    edges: list[Edge] = field(default_factory=list)
    arrivals: dict[str, Member] = field(default_factory=dict)
    departures: set[str] = field(default_factory=set)
    given_up: set[int] = field(default_factory=set)

    def absorb(self, other: Touch) -> None:
        self.contents |= other.contents
        self.edges += other.edges
        self.arrivals |= other.arrivals
        self.departures |= other.departures
        self.given_up |= other.given_up


@dataclass(frozen=True, slots=True)
class Loaded:
    """What is kept about the contents that touches concern. `likely` are ids that new families will probably be given,
    `taken` those of them that are in use, `new_groups` names for as many groups as there are touches.
    """

    contents: Mapping[int, Content] = field(default_factory=dict)
    states: Mapping[int, ContentState | None] = field(default_factory=dict)
    groups: Mapping[int, ContentGroup] = field(default_factory=dict)
    members: Mapping[str, Sequence[str]] = field(default_factory=dict)
    records: Mapping[str, ArticleRecord] = field(default_factory=dict)
    aliased: Mapping[str, Sequence[str]] = field(default_factory=dict)
    likely: Collection[str] = ()
    taken: Collection[str] = ()
    new_groups: range = range(0)
    book: Book = field(default_factory=Book)


def load(
    store: Store, touches: Sequence[Touch], contents: Mapping[int, Content] | None = None
) -> tuple[Loaded, list[Touch], list[Touch]]:
    """Everything that the groups of touches hold, as it is at one moment; `contents` are known already.

    Touches that share a content or a group are united. Returned are those that can be decided, and those in whose
    groups an article has changed until its record was read.
    """
    if not touches:
        return Loaded(), [], []
    known = contents or {}
    touched = sorted({number for touch in touches for number in touch.contents})
    likely = {mint("family", article_id, _free) for touch in touches for article_id in touch.arrivals}
    found = store.index.closure(touched, known, sorted(likely), len(touches))
    packed = store.articles.records(sorted({article_id for held in found.members.values() for article_id in held}))
    loaded = Loaded(
        {**known, **found.contents},
        found.states,
        found.groups,
        found.members,
        {article_id: ArticleRecord.unpack(record) for article_id, record in packed.items()},
        found.aliased,
        likely,
        set(found.taken),
        found.new_groups,
        found.book,
    )
    left = _overtaken(touched, loaded)
    united = _unite(touches, loaded.states)
    steady = [touch for touch in united if not touch.contents & left] if left else united
    return loaded, steady, [touch for touch in united if touch.contents & left] if left else []


def _unite(touches: Iterable[Touch], states: Mapping[int, ContentState | None]) -> list[Touch]:
    """Touches that share a content or a group become one."""
    holder: dict[int, Touch] = {}
    for touch in touches:
        names = _names(touch, states)
        if not holder.keys().isdisjoint(names):
            for other in {id(held): held for name in names if (held := holder.get(name))}.values():
                touch.absorb(other)
            names = _names(touch, states)
        holder |= dict.fromkeys(names, touch)
    unique = {id(touch): touch for touch in holder.values()}
    return list(unique.values())


def _names(touch: Touch, states: Mapping[int, ContentState | None]) -> set[int]:
    """By what touches are known to belong together: numbers of contents, and those of groups below zero."""
    groups = {~state.group for number in touch.contents if (state := states.get(number)) is not None}
    return groups | touch.contents


def _overtaken(touched: Iterable[int], loaded: Loaded) -> set[int]:
    """The contents in whose groups a family has an article that, by its record, is elsewhere by now."""
    places = {number: state.families for number, state in loaded.states.items() if state is not None}
    left = {
        family
        for family, members in loaded.members.items()
        for one in members
        if (record := loaded.records.get(one)) is None or family not in places.get(record.content, ())
    }
    if not left:
        return set()
    groups = {
        state.group for state in loaded.states.values() if state is not None and left.intersection(state.families)
    }
    return {number for number in touched if (state := loaded.states[number]) is not None and state.group in groups}


class Regrouped(NamedTuple):
    """What a touch comes to. `kept` are contents with articles and contents that will have them, `dropped` those that
    have none left.
    """

    settlement: Settlement
    kept: tuple[int, ...]
    dropped: tuple[int, ...]
    group: ContentGroup
    old_groups: tuple[int, ...]
    before: Mapping[str, Sequence[str]]


def regroup(touch: Touch, loaded: Loaded, params: Params, taken: Callable[[str], bool]) -> Regrouped:
    """The families that the contents of a touch form now. `taken` says of an id whether it is in use."""
    old_groups = {state.group for number in touch.contents if (state := loaded.states.get(number)) is not None}
    held = [loaded.groups[name] for name in sorted(old_groups) if name in loaded.groups]
    numbers = touch.contents.union(*(one.contents for one in held))
    families = {family for n in numbers if (state := loaded.states.get(n)) for family in state.families}
    before = {name: loaded.members[name] for name in sorted(families)}
    members = _members(touch, loaded, before)
    carried = {member.content for member in members}
    present = {number: loaded.contents[number] for number in sorted(numbers | carried) if number in loaded.contents}
    idle = present.keys() - carried
    dropped = {number for number in idle if number in touch.given_up or _was_carried(number, loaded)} if idle else idle
    kept = [number for number in present if number not in dropped] if dropped else [*present]
    edges = _edges([*(edge for one in held for edge in one.edges), *touch.edges], kept)
    settlement = _settle(
        [content for number, content in present.items() if number in carried] if idle else [*present.values()],
        edges,
        members,
        loaded.book.corrections.without(touch.departures),
        params.family,
        lambda founder: mint("family", founder, lambda name: name in before or taken(name)),
    )
    return Regrouped(
        settlement,
        tuple(kept),
        tuple(sorted(dropped)),
        ContentGroup(tuple(kept), tuple(edges)),
        tuple(sorted(old_groups)),
        before,
    )


def _settle(
    contents: Sequence[Content],
    edges: Sequence[Edge],
    members: Sequence[Member],
    corrections: Corrections,
    params: FamilyParams,
    named: Callable[[str], str],
) -> Settlement:
    """The families of contents and of the articles that carry them, as corrections of these have it."""
    if not corrections or not any(member.article_id in corrections.about for member in members):
        groups = group(contents, edges, params)
        return settle(groups, members, named, reprints(groups, edges), params.source_priority)
    ties = corrections.ties()
    carried: dict[int, list[str]] = defaultdict(list)
    for member in members:
        carried[member.content].append(member.article_id)
    divided = divide_contents(contents, carried, edges, ties)
    groups = group(divided.contents, divided.edges, params, ties)
    members = [one._replace(content=divided.content_of[one.article_id]) for one in members]
    return settle(groups, members, named, reprints(groups, divided.edges), params.source_priority)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes what touches come to: `params` are the core's, `alias_seconds` how long a retired id resolves."""

    store: Store
    params: Params
    alias_seconds: float

    def write(
        self, unit: Unit, touch: Touch, loaded: Loaded, name: int, fields: Mapping[str, Words], revised: Sequence[str]
    ) -> None:
        """Adds to a unit all that a touch changes, guarded by the states it was decided on.

        `name` is a new group's; `fields` are further fields of articles that come or are revised.
        """
        regrouped = regroup(touch, loaded, self.params, lambda name: self._is_taken(name, loaded))
        for number in sorted(touch.contents):
            self.store.index.expect(unit, number, loaded.states.get(number))
        if sum(len(settled.members) for settled in regrouped.settlement.families) > 1:
            self.store.corrections.expect(unit, loaded.book.version)
        self._write_index(unit, regrouped, loaded, name)
        self._write_families(unit, regrouped, loaded, fields)
        self.store.news.add(unit, families_concerned(regrouped), revised)

    def _is_taken(self, name: str, loaded: Loaded) -> bool:
        return name in loaded.taken if name in loaded.likely else bool(_taken(self.store, [name]))

    def _write_index(self, unit: Unit, regrouped: Regrouped, loaded: Loaded, name: int) -> None:
        families = _families_of_contents(regrouped.settlement)
        for old in regrouped.old_groups:
            if old in loaded.groups:
                self.store.index.drop_group(unit, old)
        self.store.index.put_group(unit, name, regrouped.group)
        for number in regrouped.kept:
            held = families.get(number, ())
            self.store.index.put_state(unit, number, ContentState(bool(held), name, held))
            if held and not _was_carried(number, loaded):
                self.store.index.put_written(unit, number)
        for number in regrouped.dropped:
            if not _was_carried(number, loaded):
                self.store.index.put_written(unit, number)
            self.store.index.drop_content(unit, loaded.contents[number])

    def _write_families(self, unit: Unit, regrouped: Regrouped, loaded: Loaded, fields: Mapping[str, Words]) -> None:
        settlement = regrouped.settlement
        living = {settled.family_id for settled in settlement.families}
        for family_id in regrouped.before:
            if family_id not in living:
                self.store.articles.drop_family(unit, family_id)
        for settled in settlement.families:
            self.store.articles.put_family(unit, settled, regrouped.before.get(settled.family_id, ()), fields)
        for retired, heir in sorted(settlement.aliases.items()):
            self.store.aliases.retire(unit, retired, heir, loaded.aliased.get(retired, ()), self.alias_seconds)


def resettle(
    store: Store, params: Params, alias_seconds: float, article_ids: Sequence[tuple[str, ...]], server: str
) -> bool:
    """Settles anew the families of articles, those named together as one decision; whether it went through."""
    packed = store.articles.records({name for names in article_ids for name in names})
    contents = {name: ArticleRecord.unpack(record).content for name, record in packed.items()}
    named = ({contents[name] for name in names if name in contents} for names in article_ids)
    loaded, touches, moved = load(store, [Touch(numbers) for numbers in named if numbers])
    writer = Writer(store, params, alias_seconds)
    units = []
    for touch, name in zip(touches, loaded.new_groups, strict=False):
        units.append(unit := Unit())
        writer.write(unit, touch, loaded, name, {}, [])
    return not moved and all(commit(store.connection, units, server))


def _families_of_contents(settlement: Settlement) -> dict[int, tuple[str, ...]]:
    """The families that the articles of each text are in, by its number."""
    families: dict[int, tuple[str, ...]] = {}
    for family_id, members, *_ in settlement.families:
        for number in {text_number(member.content) for member in members}:
            families[number] = tuple(sorted((*families[number], family_id))) if number in families else (family_id,)
    return families


def families_concerned(regrouped: Regrouped) -> set[str]:
    """Every family id that was or is now there."""
    return {settled.family_id for settled in regrouped.settlement.families} | set(regrouped.before)


def _members(touch: Touch, loaded: Loaded, before: Mapping[str, Sequence[str]]) -> list[Member]:
    """All articles of the touch's families, with those that come and without those that go."""
    family_of = {article_id: family for family, ids in before.items() for article_id in ids}
    members = [
        one._replace(family=family_of[article_id]) if article_id in family_of else one
        for article_id, one in touch.arrivals.items()
    ]
    for article_id, family in family_of.items():
        record = loaded.records.get(article_id)
        if article_id not in touch.arrivals and record is not None:
            members.append(Member(record.seen_at, article_id, record.content, family, source=record.source))
    return [member for member in members if member.article_id not in touch.departures] if touch.departures else members


def _edges(edges: Sequence[Edge], among: Sequence[int]) -> list[Edge]:
    """The edges between contents that are kept, each once; past `MAX_CONTENTS` the best one of each later content."""
    kept = set(among)
    known = {(edge.one, edge.other): edge for edge in edges if edge.one in kept and edge.other in kept}
    ordered = [known[ends] for ends in sorted(known)]
    if len(kept) <= MAX_CONTENTS:
        return ordered
    best: dict[int, Edge] = {}
    for edge in ordered:
        held = best.get(edge.other)
        if held is None or edge.strength > held.strength:
            best[edge.other] = edge
    early = set(sorted(kept)[:MAX_CONTENTS])
    return [edge for edge in ordered if edge.other in early or best[edge.other] is edge]


def _was_carried(number: int, loaded: Loaded) -> bool:
    """Whether a content has had articles. One that another worker has looked up and not yet committed has not: it is
    kept with its edges, and the change of its state makes that worker decide anew.
    """
    state = loaded.states.get(number)
    return state is not None and state.admitted


def _taken(store: Store, names: Sequence[str]) -> set[str]:
    return store.aliases.taken(names, {name: store.keys.family(name) for name in names})


def _free(_: str) -> bool:
    return False
