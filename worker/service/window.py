"""Loading the window: a copy of what Redis holds, true as of the run it was last committed with.

A process that is not the one that committed that run loads it anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from dedup.pipeline import Telling
from dedup.roster import KEY_SHIFT, HeldArticle, HeldFamily
from dedup.storyline import Profile
from dedup.terms import Terms
from dedup.window import Window
from worker.store.articles import score_of
from worker.store.records import ArticleRecord
from worker.store.store import Store

_ROW: Final = ("family", "story", "storyline", "status")


def load_window(store: Store) -> Window:
    """Everything that is kept, from the store."""
    window = Window(run=store.runs.number())
    ids = [one.decode() for one in store.connection.zrange(store.keys.families, 0, -1)]
    window.roster.put(load_families(store, ids).values())
    window.stories = store.stories.get(store.stories.all_ids())
    window.put_profiles(
        {
            storyline: {story: Profile.from_bytes(packed) for story, packed in held.items()}
            for storyline, held in store.stories.profiles().items()
        }
    )
    window.storylines = store.stories.get_storylines(window.profiles)
    window.past = store.past.read()
    return window


def load_families(store: Store, family_ids: Iterable[str]) -> dict[str, HeldFamily]:
    """Those of these families that are kept.

    An article that changes its family meanwhile is in one of them at most.
    """
    wanted = sorted(family_ids)
    told = store.articles.families_told(wanted)
    ids = [article_id for _, _, members in told.values() for article_id in members]
    records = _records(store, ids)
    rows = dict(zip(ids, store.articles.fields(ids, _ROW, ["source"]), strict=True))
    representatives = [representative for representative, _, _ in told.values()]
    titles = dict(zip(representatives, store.articles.fields(representatives, [], ["title"]), strict=True))
    tellings = _tellings(store, {name: records[name] for name in representatives if name in records})
    families: dict[str, HeldFamily] = {}
    for family_id, (representative, story, members) in told.items():
        present = [name for name in members if name in records and rows[name][0] == family_id]
        if representative not in tellings or not present:
            continue
        families[family_id] = HeldFamily(
            family_id,
            representative,
            story,
            tuple(_held(name, records[name], rows[name]) for name in present),
            tellings[representative],
            titles[representative][0],
        )
    return families


def load_tellings(store: Store, family_ids: Iterable[str]) -> dict[str, Telling]:
    """What those of these families tell that are kept."""
    representatives = {name: told[0] for name, told in store.articles.families_told(sorted(family_ids)).items()}
    tellings = _tellings(store, _records(store, representatives.values()))
    return {name: tellings[one] for name, one in representatives.items() if one in tellings}


def _records(store: Store, article_ids: Iterable[str]) -> dict[str, ArticleRecord]:
    """The records of those of these articles that are kept."""
    return {name: ArticleRecord.unpack(packed) for name, packed in store.articles.records(list(article_ids)).items()}


def _tellings(store: Store, records: Mapping[str, ArticleRecord]) -> dict[str, Telling]:
    """What articles with these records tell, as far as their terms are kept."""
    packed = store.index.terms({record.content for record in records.values()})
    terms = {number: Terms.from_bytes(one) for number, one in packed.items()}
    return {
        name: Telling(terms[record.content], record.published_at)
        for name, record in records.items()
        if record.content in terms
    }


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
