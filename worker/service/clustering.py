"""A run: load the window, cluster it, decide who keeps which id, commit all of it at once.

1. Only the holder of the lease commits, under its token and on top of the run it knows: two holders never mix.
2. A run without news changes nothing. News is an article new or revised, one that left the window, and a correction
   made or taken back.
3. What a run decides is visible all at once, with its changes in the stream.
4. While articles wait in the inbox, runs rest between each other: families come first.
5. A correction holds from the run that finds it in the news: the families of its articles are settled anew before that
   run decides.
6. A large window is clustered as a whole in pieces (`rebuilding`): where nothing is kept of its clustering, runs wait
   for it; where its background is worn, they go on by that until the new clustering is there.
"""

from __future__ import annotations

import gc
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from dedup.identity import IdentityError
from dedup.kept import pack_places
from dedup.living import Living, is_large
from dedup.pipeline import Background, Params, fingerprint
from dedup.roster import names_of
from dedup.run import Run, differs
from dedup.window import Window
from worker.service.families import resettle
from worker.service.rebuilding import Rebuilder, Rebuilt
from worker.service.window import load_families, load_window
from worker.store.commit import Unit, commit
from worker.store.connection import server_run
from worker.store.corrections import Book
from worker.store.news import News
from worker.store.store import Store

BACKLOG_ARTICLES: Final = 1_000
"""Articles waiting in the inbox from which runs make room for drains: families first, stories when there is time."""
MOST_ATTEMPTS: Final = 50
"""Times the families of corrected articles are settled anew because ingest changes them, before a run is put off."""
REST_FACTOR: Final = 4
LEAST_REST_SECONDS: Final = 60.0
"""While there is a backlog, the next run comes after `REST_FACTOR` times what the last one took, and at least this
after it, and after the backlog was first seen: a run over 20,000 new articles takes as long as ingesting as many."""
FIRST_SECONDS: Final = 20.0
"""How long a holder works on a clustering without which there can be no run, before it looks what else there is..."""
BESIDE_SECONDS: Final = 1.0
"""... and how long it begins new pieces of one beside which runs go on."""
KEEP_UP_SECONDS: Final = 30.0
"""How long run follows run before the process looks what else there is to do."""


@dataclass(slots=True)
class Clusterer:
    """What one process keeps from run to run."""

    store: Store
    params: Params
    holder: str
    window_seconds: float
    retention_seconds: float
    storyline_seconds: float
    window: Window | None = None
    resting_until: float = 0.0
    backlog_since: float | None = None
    rebuilder: Rebuilder = field(init=False)

    def __post_init__(self) -> None:
        self.rebuilder = Rebuilder(self.store, self.params, self.holder)

    def keep_up(self, every_seconds: float) -> int | None:
        """Runs, and runs again at once while each takes so long that the next one is due; the number of the last one
        that changed something, or None.
        """
        last, end = None, time.monotonic() + KEEP_UP_SECONDS
        while True:
            begun = time.monotonic()
            number = self.run(time.time())
            if number is None:
                return last
            last, now = number, time.monotonic()
            if now < begun + every_seconds or now > end:
                return last

    def run(self, now: float) -> int | None:
        """One run at a time (Unix seconds), if there is news and the lease is ours; its number, or None."""
        self.store.index.claim(fingerprint(self.params))
        token = self.store.lease.acquire(self.holder)
        if token is None:
            self.window = None
            self.rebuilder.forget()
            return None
        begun = time.monotonic()
        if self._makes_room(begun):
            return None
        try:
            with self.store.lease.kept(self.holder):
                return self._try(now, token, server_run(self.store.connection))
        finally:
            took = time.monotonic() - begun
            self.resting_until = time.monotonic() + max(LEAST_REST_SECONDS, REST_FACTOR * took)

    def _makes_room(self, now: float) -> bool:
        """Whether articles come first, at this time of the monotonic clock."""
        if self.store.inbox.n_waiting() <= BACKLOG_ARTICLES:
            self.backlog_since = None
            return False
        if self.backlog_since is None:
            self.backlog_since = now
        return now < max(self.resting_until, self.backlog_since + LEAST_REST_SECONDS)

    def _try(self, now: float, token: int, server: str) -> int | None:
        try:
            return self._run(now, token, server)
        except IdentityError:
            # An article changed its family while some were loaded anew: it is in two of those held.
            self.window = None
            return self._run(now, token, server)

    def _run(self, now: float, token: int, server: str) -> int | None:
        read = self._read_news(server)
        if read is None:
            return None
        news, book = read
        held = self.window
        window = self._current(news, server)
        inside = window.in_window(now - self.window_seconds)
        rebuilt = self._rebuild(window, inside, now, partial(self._guarded, token))
        if is_large(inside) and window.living is None:
            return None
        if not news and rebuilt is None and names_of(window.roster.at(inside)) == window.clustered:
            return None
        run = Run(self.params, window, inside, now, window.run + 1, self._ids_in_use, book.corrections)
        run.decide(news.families, news.revised, news.corrected)
        writing = _Writing(self, run, rebuilt.generation if rebuilt else window.generation)
        unit = writing.write(news)
        if unit.writes_nothing():
            window.clustered = run.names
            return None
        self.store.runs.put(unit, run.number, {"at": now, "n_families": len(run.inside)})
        self.store.lease.guard(unit, self.holder, token)
        if not commit(self.store.connection, [unit], server)[0]:
            self.window = None
            return None
        run.remember()
        window.generation = writing.kept_under
        if window is not held or rebuilt is not None:
            gc.freeze()  # what is held for good need not be looked through again and again
        return run.number

    def _guarded(self, token: int) -> Unit:
        """What only the holder of the lease can commit."""
        unit = Unit()
        self.store.lease.guard(unit, self.holder, token)
        return unit

    def _rebuild(
        self, window: Window, inside: NDArray[np.int64], now: float, guarded: Callable[[], Unit]
    ) -> Rebuilt | None:
        """Goes on with clustering a large window as a whole, where that is due; once it is done, the window has it."""
        plan = self.store.rebuild.plan()
        if not is_large(inside):
            if plan is not None:
                unit = guarded()
                self.store.rebuild.abandon(unit, self.store.living)
                commit(self.store.connection, [unit])
            return None
        if plan is None and window.living is not None and window.generation and not window.living.is_worn:
            return None
        self.rebuilder.known = {family.family_id: family.telling for family in window.roster.at(inside)}
        if plan is None:
            tellings = list(self.rebuilder.known.values())
            before = window.pass_on(self.rebuilder.known.keys()).past.frequencies
            self.rebuilder.begin(Background.of(tellings, self.params, before), guarded(), now)
        seconds = FIRST_SECONDS if window.living is None or not window.generation else BESIDE_SECONDS
        rebuilt = self.rebuilder.advance(guarded, seconds)
        if rebuilt is not None:
            window.living = rebuilt.living
            self.rebuilder.forget()
        return rebuilt

    def release(self) -> None:
        """Gives the lease back, so that nobody has to wait for it to run out."""
        self.store.lease.release(self.holder)

    def _read_news(self, server: str) -> tuple[News, Book] | None:
        """The news and the corrections of one moment, once the families of articles that the news has corrections of
        are settled by these; None where ingest keeps changing them.
        """
        for _ in range(MOST_ATTEMPTS):
            news, book = self._read_together()
            if not news.corrected:
                return news, book
            if resettle(self.store, self.params, self.retention_seconds, news.corrected, server):
                news, fresh = self._read_together()
                if fresh.version == book.version:
                    return news, fresh
        return None

    def _read_together(self) -> tuple[News, Book]:
        while True:
            book, news = self.store.corrections.read(), self.store.news.read()
            if self.store.corrections.version() == book.version:
                return news, book

    def _current(self, news: News, server: str) -> Window:
        """The window as of now: as held, with what the news names loaded anew; all of it where it is not current."""
        if self.window is None or (self.window.run, self.window.server) != (self.store.runs.number(), server):
            self.window = load_window(self.store)
            self.window.server, self.window.renews = server, False
            self._resume(self.window)
            return self.window
        self._forget_storylines(self.window)
        loaded = load_families(self.store, news.families)
        self.window.roster.drop(news.families - loaded.keys())
        self.window.roster.put(loaded.values())
        return self.window

    def _resume(self, window: Window) -> None:
        """Takes up the clustering that is kept of a large window."""
        kept = self.store.living
        generation, background = kept.generation(), kept.background(self.params)
        if generation and background is not None:
            heads, pairs = kept.rows(generation)
            living = Living.empty(background, self.params)
            living.connect(heads, pairs, {name: family.telling for name, family in window.families.items()})
            living.resume(kept.places(generation, heads), kept.n_moved())
            window.living, window.generation = living, generation

    def _ids_in_use(self, kind: Literal["story", "storyline"], names: Collection[str]) -> set[str]:
        key = self.store.keys.story if kind == "story" else self.store.keys.storyline
        return self.store.aliases.taken(names, {name: key(name) for name in names})

    def _forget_storylines(self, window: Window) -> None:
        """Takes storylines out of the window that have expired since it was loaded."""
        if self.store.stories.n_storylines() != len(window.profiles):
            kept = self.store.stories.storyline_ids()
            window.forget_storylines((window.profiles.keys() | window.storylines.keys()) - kept)


@dataclass(frozen=True, slots=True)
class _Writing:
    """A run put into a unit that commits it. `generation`: under which the clustering of a large window is kept."""

    clusterer: Clusterer
    run: Run
    generation: str

    @property
    def kept_under(self) -> str:
        """Under which generation the clustering is kept from now on; "" where it is not."""
        return self.generation if is_large(self.run.inside) else ""

    def write(self, news: News) -> Unit:
        """All that the run changes; empty where that is nothing."""
        store, unit = self.clusterer.store, Unit()
        self._write_articles(unit)
        self._write_stories(unit)
        self._write_storylines(unit)
        for change in self.run.changes:
            store.changes.add(unit, change)
        store.past.put(unit, self.run.passage, self._words())
        store.news.done(unit, news)
        self._write_living(unit)
        return unit

    def _write_living(self, unit: Unit) -> None:
        """What the next holder goes on with; of a small window, which is clustered anew by each run, nothing."""
        store, living, before = self.clusterer.store, self.run.window.living, self.run.window.generation
        if living is None or not self.kept_under:
            if before:
                store.living.drop(unit)
            return
        if self.generation != before:
            store.living.put(unit, living.background, self.generation, before)
            store.rebuild.end(unit)
            placed = np.flatnonzero(living.index.is_here)
        else:
            placed = living.step.changed
        places = zip((living.names[i] for i in placed.tolist()), pack_places(living.places()[placed]), strict=True)
        store.living.put_places(unit, self.generation, dict(places))
        store.living.put_rows(unit, self.generation, living.fresh_rows())
        store.living.leave(unit, self.generation, living.step.left)
        if not unit.writes_nothing():
            store.living.count(unit, living.n_moved)

    def _words(self) -> dict[str, NDArray[np.uint32]]:
        """The content words of the families that left the window or came back."""
        families, passage = self.run.window.families, self.run.passage
        return {name: families[name].telling.terms.hashes for name in (*passage.left, *passage.back)}

    def _write_articles(self, unit: Unit) -> None:
        run, store = self.run, self.clusterer.store
        left: dict[str, list[str]] = defaultdict(list)
        for family_id, story in run.story_of_family.items():
            family, line = run.window.families[family_id], run.lines.of_story[story]
            if family.story != story:
                latest = family.articles[-1]
                store.articles.place_family(unit, family_id, story, latest.article_id, latest.score)
            for article in family.articles:
                if differs(article, story, line):
                    store.articles.place(unit, article.article_id, story, line, article.score)
                if article.story not in {"", story} and article.story not in run.gone:
                    left[article.story].append(article.article_id)
        for story_id in sorted(left):
            store.stories.leave(unit, story_id, left[story_id])

    def _write_stories(self, unit: Unit) -> None:
        run, clusterer, store = self.run, self.clusterer, self.clusterer.store
        for story_id, story in run.stories.items():
            if story != run.window.stories.get(story_id):
                store.stories.put_story(unit, story)
        earlier = store.aliases.earlier(run.gone)
        for story_id, living in run.gone.items():
            before = run.window.stories.get(story_id)
            store.stories.drop_story(unit, story_id, before.storyline if before else "")
            if living:
                store.aliases.retire(unit, story_id, living, earlier[story_id], clusterer.retention_seconds)

    def _write_storylines(self, unit: Unit) -> None:
        run, clusterer, store = self.run, self.clusterer, self.clusterer.store
        members: dict[str, dict[str, float]] = defaultdict(dict)
        for story in run.stories.values():
            members[story.storyline][story.id] = run.arrival(story)[0]
        for line, storyline in run.storylines.items():
            if storyline != run.window.storylines.get(line):
                store.stories.put_storyline(unit, storyline, members[line])
        for story_id, one in run.lines.profiles.items():
            line = run.lines.of_story[story_id]
            store.stories.put_profile(unit, line, story_id, one.to_bytes(), run.now)
        for story_id, before in self._lines_before().items():
            if run.lines.of_story.get(story_id) != before and before not in run.lines.retired:
                store.stories.leave_storyline(unit, before, [story_id])
                if story_id not in run.gone or run.is_merged(story_id):
                    store.stories.drop_profile(unit, before, story_id)
        earlier = store.aliases.earlier(run.lines.retired)
        for line, living in run.lines.retired.items():
            store.stories.drop_storyline(unit, line)
            store.aliases.retire(unit, line, living, earlier[line], clusterer.storyline_seconds)

    def _lines_before(self) -> dict[str, str]:
        """The storylines that stories told or gone in this run were in before."""
        known = self.run.window.stories
        return {name: known[name].storyline for name in (*self.run.stories, *self.run.gone) if name in known}
