"""What has been kept long enough goes, and leaves no trace: articles with all they left in the index, then the
families, stories and storylines they were the last of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dedup.pipeline import Params, fingerprint
from worker.service.families import Touch, Writer, load
from worker.store.commit import Unit, commit
from worker.store.connection import server_run
from worker.store.records import ArticleRecord
from worker.store.store import Store

BATCH_ARTICLES: Final = 256
MOST_ATTEMPTS: Final = 20
WAITING_SECONDS: Final = 86_400.0
"""After which a text that was looked up and has no article yet is given up; should it come, it is looked up anew."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """Expires what is older than the service keeps."""

    store: Store
    params: Params
    retention_seconds: float
    storyline_seconds: float

    def run(self, now: float) -> int:
        """Expires everything that is due (Unix seconds); returns how many articles."""
        self.store.index.claim(fingerprint(self.params))
        n_expired, attempts = 0, 0
        while attempts < MOST_ATTEMPTS:
            due = self.store.articles.seen_between(0, now - self.retention_seconds, BATCH_ARTICLES)
            if not due:
                break
            n_gone = depart(self.store, self.params, self.retention_seconds, due)
            attempts = 0 if n_gone else attempts + 1
            n_expired += n_gone
        sweep(self.store, self.params, self.retention_seconds, now - WAITING_SECONDS)
        self._expire_storylines(now)
        self.store.changes.trim(now)
        self.store.rejected.trim(now)
        self.store.inbox.forget_idle_consumers(3_600)
        return n_expired

    def _expire_storylines(self, now: float) -> None:
        """Takes storylines away that had no news for their time, and have no article left; none that a run goes on with
        meanwhile.
        """
        run, unit = self.store.runs.number(), Unit()
        kept_seconds = max(self.storyline_seconds, self.retention_seconds)
        for storyline_id in self.store.stories.storylines_older_than(now - kept_seconds):
            self.store.stories.drop_storyline(unit, storyline_id)
        self.store.runs.expect(unit, run)
        commit(self.store.connection, [unit])


def depart(store: Store, params: Params, alias_seconds: float, article_ids: Sequence[str]) -> int:
    """One attempt at taking articles away with all they left, and settling the families they leave behind.

    Returns how many went; those that other workers are changing at the moment are left for another attempt.
    """
    server = server_run(store.connection)
    packed = store.articles.records(article_ids)
    records = {article_id: ArticleRecord.unpack(one) for article_id, one in packed.items()}
    leaving = [Touch({record.content}, departures={article_id}) for article_id, record in records.items()]
    loaded, touches, _ = load(store, leaving)
    writer = Writer(store, params, alias_seconds)
    placed = dict(zip(article_ids, store.articles.fields(article_ids, ["story"]), strict=True))
    plain: list[tuple[Touch, Unit]] = []
    corrected: list[tuple[Touch, Unit]] = []
    for touch, name in zip(touches, loaded.new_groups, strict=False):
        unit = Unit()
        store.corrections.expect(unit, loaded.book.version)
        for article_id in sorted(touch.departures):
            store.articles.expect_record(unit, article_id, packed[article_id])
            store.articles.drop(unit, article_id)
            store.readers.drop(unit, [article_id])
            store.articles.expect_story(unit, article_id, placed[article_id][0])
            if placed[article_id][0]:
                store.stories.leave(unit, placed[article_id][0], [article_id])
        writer.write(unit, touch, loaded, name, {}, [])
        gone = {one for article_id in touch.departures for one in loaded.book.corrections.about.get(article_id, ())}
        if gone:
            store.corrections.drop(unit, gone)
        (corrected if gone else plain).append((touch, unit))
    return _commit_departures(store, plain, corrected, server)


def _commit_departures(
    store: Store, plain: Sequence[tuple[Touch, Unit]], corrected: Sequence[tuple[Touch, Unit]], server: str
) -> int:
    """Commits departures, those with which corrections go as one unit and last, for each of these changes what the
    others are guarded by; returns how many articles went.
    """
    together = Unit()
    for _, unit in corrected:
        together.absorb(unit)
    *done, last = commit(store.connection, [*(unit for _, unit in plain), together], server)
    touches = [touch for (touch, _), applied in zip(plain, done, strict=True) if applied]
    touches += [touch for touch, _ in corrected if last]
    return sum(len(touch.departures) for touch in touches)


def sweep(store: Store, params: Params, alias_seconds: float, before: float) -> None:
    """Takes texts out of the index that were looked up before a time (Unix seconds) and that no article came of: given
    up, or overtaken by a later push.
    """
    server = server_run(store.connection)
    numbers = store.index.waiting(before)
    loaded, touches, _ = load(store, [Touch({number}, given_up={number}) for number in numbers])
    writer = Writer(store, params, alias_seconds)
    units = []
    for touch, name in zip(touches, loaded.new_groups, strict=False):
        units.append(unit := Unit())
        writer.write(unit, touch, loaded, name, {}, [])
    commit(store.connection, units, server)
