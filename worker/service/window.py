"""The window as one process holds it: every family kept, with what clustering and stories need of it.

It is a copy of what Redis holds, true as of the run it was last committed with; a process that is not the one that
committed that run loads it anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from dedup.pipeline import Telling
from dedup.story import Story, Storyline
from dedup.storyline import Profile
from dedup.terms import Terms
from worker.store.articles import score_of
from worker.store.records import ArticleRecord
from worker.store.store import Store

_ROW: Final = ("family", "story", "storyline", "status")
KEY_SHIFT: Final = 20
"""Bits of an arrival's key that hold its serial number within the millisecond."""


@dataclass(frozen=True, slots=True)
class HeldArticle:
    """An article of a family: `key` orders arrivals, `score` is its place in sorted sets, times are Unix seconds."""

    article_id: str
    key: int
    score: float
    published_at: float | None
    source: str
    story: str
    storyline: str
    clustered: bool


@dataclass(frozen=True, slots=True, eq=False)
class HeldFamily:
    """A family with its articles in order of arrival; the telling and the title are the representative's."""

    family_id: str
    representative: str
    story: str
    articles: tuple[HeldArticle, ...]
    telling: Telling
    title: str

    @property
    def last_seen(self) -> float:
        """Unix seconds of the latest arrival."""
        return max(article.score for article in self.articles) / 1000

    @property
    def is_placed(self) -> bool:
        """Whether a run has put it, and all its articles with it, into one story."""
        return bool(self.story) and all(one.clustered and one.story == self.story for one in self.articles)


@dataclass(slots=True)
class Window:
    """What is held. `run` is the number of the run it is true as of, `server` the run of the server that told it."""

    run: int = -1
    server: str = ""
    families: dict[str, HeldFamily] = field(default_factory=dict)
    stories: dict[str, Story] = field(default_factory=dict)
    storylines: dict[str, Storyline] = field(default_factory=dict)
    profiles: dict[str, dict[str, Profile]] = field(default_factory=dict)
    clustered: frozenset[str] = frozenset()

    def in_window(self, since: float) -> list[HeldFamily]:
        """The families with an article seen since a time (Unix seconds), by arrival of their first article.

        One that no run has placed yet is among them even if it waited, or was revised, past its time.
        """
        inside = [one for one in self.families.values() if one.last_seen >= since or not one.is_placed]
        return sorted(inside, key=lambda family: (family.articles[0].key, family.family_id))

    def by_story(self) -> dict[str, list[HeldFamily]]:
        """All families that have a story, by the story of the family."""
        found: dict[str, list[HeldFamily]] = {}
        for family in self.families.values():
            if family.story:
                found.setdefault(family.story, []).append(family)
        return found


def load_window(store: Store) -> Window:
    """Everything that is kept, from the store."""
    window = Window(run=store.runs.number())
    ids = [one.decode() for one in store.connection.zrange(store.keys.families, 0, -1)]
    window.families = load_families(store, ids)
    window.stories = store.stories.get(store.stories.all_ids())
    window.profiles = {
        storyline: {story: Profile.from_bytes(packed) for story, packed in held.items()}
        for storyline, held in store.stories.profiles().items()
    }
    window.storylines = store.stories.get_storylines(window.profiles)
    return window


def load_families(store: Store, family_ids: Iterable[str]) -> dict[str, HeldFamily]:
    """Those of these families that are kept.

    An article that changes its family meanwhile is in one of them at most.
    """
    wanted = sorted(family_ids)
    told = store.articles.families_told(wanted)
    ids = [article_id for _, _, members in told.values() for article_id in members]
    records = {name: ArticleRecord.unpack(packed) for name, packed in store.articles.records(ids).items()}
    rows = dict(zip(ids, store.articles.fields(ids, _ROW, ["source"]), strict=True))
    representatives = [representative for representative, _, _ in told.values()]
    titles = dict(zip(representatives, store.articles.fields(representatives, [], ["title"]), strict=True))
    contents = {records[name].content for name in representatives if name in records}
    terms = {number: Terms.from_bytes(packed) for number, packed in store.index.terms(contents).items()}
    families: dict[str, HeldFamily] = {}
    for family_id, (representative, story, members) in told.items():
        record = records.get(representative)
        present = [name for name in members if name in records and rows[name][0] == family_id]
        if record is None or record.content not in terms or not present:
            continue
        families[family_id] = HeldFamily(
            family_id,
            representative,
            story,
            tuple(_held(name, records[name], rows[name]) for name in present),
            Telling(terms[record.content], record.published_at),
            titles[representative][0],
        )
    return families


def _held(article_id: str, record: ArticleRecord, row: list[str]) -> HeldArticle:
    _, story, storyline, status, source = row
    milliseconds, serial = record.seen_at
    return HeldArticle(
        article_id,
        (milliseconds << KEY_SHIFT) + min(serial, (1 << KEY_SHIFT) - 1),
        score_of(record.seen_at),
        record.published_at,
        source,
        story,
        storyline,
        status == "clustered",
    )
