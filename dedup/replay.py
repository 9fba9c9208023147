"""An archive as a service would have met it: articles in order of arrival, run after run over a sliding window.

1. An article arrives when it was published. An undated one arrives with the dated one before it in the archive (before
   the first: with the first). An article given again arrives once, as its last telling has it.
2. A run comes at the end of each day of the archive's own time. One without news is left out, as in the service: news
   is an article that came, or one that left the window or is kept no more.
3. What a run decides is decided by `dedup.run`, and families by the functions of `dedup.family`, as in the service.
   Corrections by hand there are none.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from dedup.article import Article
from dedup.errors import DedupError
from dedup.family import Settled
from dedup.growing import GrowingFamilies
from dedup.ledger import Ledger, follow
from dedup.pipeline import DAY_SECONDS, Params, Placement, Prepared, Telling, prepare
from dedup.roster import KEY_SHIFT, HeldArticle, HeldFamily, names_of
from dedup.run import Run
from dedup.window import Window

_SERIALS: Final = 4_096
"""Steps of a score within a millisecond."""


class ReplayError(DedupError):
    """An archive without any order to replay: no article in it is dated."""


@dataclass(frozen=True, slots=True)
class Spans:
    """For how long what is kept, in days of the archive's time: as the settings of these names."""

    window_days: float = 14.0
    retention_days: float = 30.0
    storyline_days: float = 400.0
    run_days: float = 1.0
    """From one run to the next."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay: where each article ended, in the order given, and what readers saw on the way.

    `n_days` are those from the first article's to the last's. `told` counts the articles that changes of each kind were
    told of; of `linked` and `ended`, which name none, the changes. `unexplained` are (article, story before, story
    after, run). `waits` has, for each article, runs and days from its first story to its last.
    """

    placements: tuple[Placement, ...]
    n_articles: int
    n_runs: int
    n_days: int
    told: dict[str, int]
    unexplained: tuple[tuple[str, str, str, int], ...]
    waits: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class _Arrival:
    """An article as it comes: Unix seconds, and the order among those of one millisecond."""

    at: float
    seen_at: tuple[int, int]
    prepared: Prepared

    def held(self) -> HeldArticle:
        article, (milliseconds, serial) = self.prepared.article, self.seen_at
        return HeldArticle(
            article.id,
            (milliseconds << KEY_SHIFT) + serial,
            milliseconds + min(serial, _SERIALS - 1) / _SERIALS,
            article.published_at,
            article.source,
            story="",
            storyline="",
            clustered=False,
        )


def replay(articles: Sequence[Article], params: Params | None = None, spans: Spans | None = None) -> Replayed:
    """Feeds an archive to the core, a day at a time. Raises `ReplayError` where no article is dated."""
    chosen, kept = params or Params(), spans or Spans()
    arrivals = _arrivals(articles, chosen)
    stream = _Stream(chosen, kept, GrowingFamilies.of([one.prepared for one in arrivals], chosen), arrivals)
    n_days = stream.run_all()
    ledger = stream.ledger
    return Replayed(
        placements=tuple(stream.placement(article.id) for article in articles),
        n_articles=len(arrivals),
        n_runs=stream.window.run,
        n_days=n_days,
        told={kind: n for kind, n in ledger.told.items() if n},
        unexplained=tuple(ledger.unexplained),
        waits=tuple(ledger.waits()),
    )


def _arrivals(articles: Sequence[Article], params: Params) -> list[_Arrival]:
    """All articles in order of arrival."""
    latest = {article.id: article for article in articles}
    known = next((article.published_at for article in latest.values() if article.published_at is not None), None)
    if known is None:
        raise ReplayError("no article is dated: there is no order to replay them in")
    times: list[float] = []
    for article in latest.values():
        known = known if article.published_at is None else article.published_at
        times.append(known)
    prepared = prepare(list(latest.values()), params)
    arrivals: list[_Arrival] = []
    for i in sorted(range(len(times)), key=times.__getitem__):
        milliseconds = math.floor(times[i] * 1000)
        last = arrivals[-1].seen_at if arrivals else (milliseconds, -1)
        serial = last[1] + 1 if last[0] == milliseconds else 0
        arrivals.append(_Arrival(times[i], (milliseconds, serial), prepared[i]))
    return arrivals


@dataclass(slots=True)
class _Stream:
    """A service in small: what it holds from run to run."""

    params: Params
    spans: Spans
    families: GrowingFamilies
    arrivals: Sequence[_Arrival]
    window: Window = field(default_factory=lambda: Window(run=0))
    ledger: Ledger = field(default_factory=Ledger)
    prepared: dict[str, Prepared] = field(default_factory=dict)
    held: dict[str, HeldArticle] = field(default_factory=dict)
    family_of: dict[str, str] = field(default_factory=dict)
    line_of: dict[str, str] = field(default_factory=dict)
    lines_retired: dict[str, str] = field(default_factory=dict)
    line_at: dict[str, float] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def run_all(self) -> int:
        """All arrivals, day by day; returns how many days they span."""
        step = self.spans.run_days * DAY_SECONDS
        first, place = math.floor(self.arrivals[0].at / step), 0
        day = first
        while place < len(self.arrivals):
            if not self.window.families:
                day = math.floor(self.arrivals[place].at / step)
            stop = place
            while stop < len(self.arrivals) and self.arrivals[stop].at < (day + 1) * step:
                stop += 1
            self._step((day + 1) * step, self.arrivals[place:stop])
            place, day = stop, day + 1
        return day - first

    def placement(self, article_id: str) -> Placement:
        """Where an article is in the end."""
        story = self.ledger.home(article_id)
        line = follow(self.line_of[story], self.lines_retired)
        return Placement(article_id, self.family_of[article_id], story, line)

    def _step(self, now: float, arrivals: Sequence[_Arrival]) -> None:
        touched = self._settle(now, arrivals)
        inside = self.window.in_window(now - self.spans.window_days * DAY_SECONDS)
        if not touched and names_of(self.window.roster.at(inside)) == self.window.clustered:
            return
        self._forget_storylines(now)
        run = Run(self.params, self.window, inside, now, self.window.run + 1, self._ids_in_use)
        run.decide(touched, ())
        run.remember()
        self._remember(run)

    def _settle(self, now: float, arrivals: Sequence[_Arrival]) -> set[str]:
        """Families after articles came and others were kept long enough; the ids of those that changed."""
        since = (now - self.spans.retention_days * DAY_SECONDS) * 1000
        departed = [name for name, article in self.held.items() if article.score < since]
        for name in departed:
            del self.held[name]
        for arrival in arrivals:
            self.prepared[arrival.prepared.article.id] = arrival.prepared
            self.held[arrival.prepared.article.id] = arrival.held()
        settled, touched = self.families.step([(one.seen_at, one.prepared) for one in arrivals], departed)
        before = {name: self.window.families[name].story for name in touched & self.window.families.keys()}
        self.window.roster.drop(before)
        self.window.roster.put(self._held(one, before.get(one.family_id, "")) for one in settled)
        for one in settled:
            self.family_of.update((member.article_id, one.family_id) for member in one.members)
        return touched

    def _held(self, settled: Settled, story: str) -> HeldFamily:
        """A family as the window holds it; its articles are where the last run told them to be."""
        representative = self.prepared[settled.representative]
        return HeldFamily(
            settled.family_id,
            settled.representative,
            story,
            tuple(self.held[member.article_id] for member in settled.members),
            Telling(representative.terms, representative.article.published_at),
            representative.article.title,
        )

    def _forget_storylines(self, now: float) -> None:
        """Storylines that had no news for their time, and have no article left, go."""
        since = now - max(self.spans.storyline_days, self.spans.retention_days) * DAY_SECONDS
        gone = [line for line, at in self.line_at.items() if at < since]
        for line in gone:
            del self.line_at[line]
        self.window.forget_storylines(gone)

    def _ids_in_use(self, _: Literal["story", "storyline"], names: Collection[str]) -> set[str]:
        return self.used.intersection(names)

    def _remember(self, run: Run) -> None:
        """Takes down what a run decided."""
        everyone = [article for family in self.window.families.values() for article in family.articles]
        self.held = {article.article_id: article for article in everyone}
        self.used |= run.stories.keys() | run.storylines.keys()
        self.line_of.update((name, story.storyline) for name, story in run.stories.items())
        self.lines_retired |= run.lines.retired
        for line in run.lines.retired:
            self.line_at.pop(line, None)
        self.line_at.update(dict.fromkeys((run.lines.of_story[name] for name in run.lines.profiles), run.now))
        retired = {name: living for name, living in run.gone.items() if living}
        self.ledger.note(everyone, run.changes, retired, run.number, run.now)
