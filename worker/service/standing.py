"""Where the articles of a reader's account stand: which of them need not be shown there, and what was done with them.

Everything is read as it is now, and what is decided on it is guarded by it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from dedup.family import FamilyParams, Member
from dedup.shown import Covered, covered
from worker.store.commit import Unit
from worker.store.readers import Entry, Mark
from worker.store.records import ArticleRecord
from worker.store.store import Store


@dataclass(frozen=True, slots=True)
class Scope:
    """What may be marked in an account: articles of these feeds (by URL or title), in these categories, that say the
    same as an article of these sources; all where none is named. Case does not matter.
    """

    feeds: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def text(self) -> str:
        """The scope as it is kept."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def of(cls, text: str) -> Scope:
        """The scope that was kept; everything where none was."""
        return cls(**{name: tuple(value) for name, value in json.loads(text).items()}) if text else cls()

    def holds(self, entry: Entry) -> bool:
        """Whether an article is one of those that may be marked."""
        return _named(self.feeds, entry.feeds) and _named(self.categories, entry.categories)

    def holds_source(self, source: str) -> bool:
        """Whether the article that stays is of one of the sources."""
        return _named(self.sources, (source,))


@dataclass(frozen=True, slots=True)
class Place:
    """Where an article stands: its family, who represents that, and its packed record."""

    family: str
    representative: str
    packed: bytes


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an account's articles. `places` are those of articles that are kept; `covered` need not be
    shown; `undecided` have been pushed and have no family yet.
    """

    store: Store
    entries: Mapping[str, Entry]
    marks: Mapping[str, Mark]
    places: Mapping[str, Place]
    covered: Mapping[str, Covered]
    undecided: Sequence[str]

    def wanted(self, scope: Scope) -> dict[str, Covered]:
        """What is to be marked and has never been, in order."""
        found = {
            one: why
            for one, why in sorted(self.covered.items())
            if one not in self.marks and scope.holds(self.entries[one])
        }
        sources = self.store.articles.fields([why.kept for why in found.values()], [], ["source"])
        return {
            one: why for (one, why), (source,) in zip(found.items(), sources, strict=True) if scope.holds_source(source)
        }

    def restorable(self) -> list[str]:
        """What was marked and says the same as nothing that is shown any more, though that is still kept."""
        return [
            one
            for one, mark in self.marks.items()
            if mark.state == "marked" and one not in self.covered and one in self.places and mark.kept in self.places
        ]

    def guard(self, unit: Unit, *article_ids: str) -> None:
        """Guards a unit by where articles stand."""
        for article_id in article_ids:
            place, key = self.places[article_id], self.store.keys.article(article_id)
            unit.expect("HGET", key, "family", reply=place.family.encode())
            unit.expect("HGET", key, "representative", reply=place.representative.encode())
            self.store.articles.expect_record(unit, article_id, place.packed)


def load_standing(store: Store, params: FamilyParams, name: str) -> Standing:
    """What is known of the articles of an account."""
    entries = store.readers.entries(name)
    packed = store.articles.records(entries)
    rows = dict(zip(entries, store.articles.fields(list(entries), ["family", "representative"]), strict=True))
    places = {one: Place(rows[one][0], rows[one][1], packed[one]) for one in entries if one in packed and rows[one][0]}
    families: dict[str, list[str]] = defaultdict(list)
    for one, place in places.items():
        families[place.family].append(one)
    several = [names for names in families.values() if len(names) > 1]
    members = [[_member(one, places[one]) for one in names] for names in several]
    contents = store.index.contents(sorted({member.content for family in members for member in family}))
    found: dict[str, Covered] = {}
    for family in members:
        found |= covered(family, contents, places[family[0].article_id].representative, params)
    undecided = [one for one in entries if one not in places]
    return Standing(store, entries, store.readers.marks(name), places, found, undecided)


def _member(article_id: str, place: Place) -> Member:
    record = ArticleRecord.unpack(place.packed)
    return Member(record.seen_at, article_id, record.content, place.family, source=record.source)


def _named(wanted: Sequence[str], given: Sequence[str]) -> bool:
    """Whether one of the names given is wanted; any where nothing in particular is."""
    return not wanted or not {one.casefold() for one in wanted}.isdisjoint(one.casefold() for one in given)
