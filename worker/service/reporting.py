"""Reports: of the hour and the day that just ended, and of any period on demand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from dedup.report import (
    Counts,
    Period,
    PeriodKind,
    Report,
    Told,
    build,
    period_of,
    previous,
    to_html,
    to_json,
    to_markdown,
)
from dedup.story import Story, Storyline
from worker.store.reports import Rendered
from worker.store.store import Store

KINDS: Final[tuple[PeriodKind, ...]] = ("hour", "day")
SETTLING_SECONDS: Final = 60
"""How long after the end of a period its report is made: its last articles have their stories by then."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An article that arrived in the period."""

    story: str
    family: str
    kind: str
    source: str


@dataclass(frozen=True, slots=True)
class Reporting:
    """Makes reports in one time zone."""

    store: Store
    timezone: str

    def make_due(self, now: float) -> list[str]:
        """Makes the reports of periods that ended and have none yet; returns their names."""
        made = []
        for kind in KINDS:
            period = previous(period_of(kind, now - SETTLING_SECONDS, self.timezone))
            if self.store.reports.last_finished(kind) != period.name:
                self.make(period, now)
                self.store.reports.finish(kind, period.name)
                made.append(period.name)
        return made

    def make(self, period: Period, now: float) -> Report:
        """Makes a period's report, keeps it, as the latest of its kind unless there is a later one, and returns it."""
        while True:
            n_forgotten = self.store.forgotten.n()
            report = self._build(period, now)
            if self.store.reports.put(period.kind, period.name, render(report), n_forgotten):
                return report

    def _build(self, period: Period, now: float) -> Report:
        store = self.store
        changes = store.changes.between(period.start, period.end)
        seen = self._seen(period)
        named = {one.story for one in seen} | {name for change in changes for name in (change.story, change.other)}
        stories = store.stories.get(sorted(named - {""}))
        n_new = Counter(one.story for one in seen)
        told = [self._told(story, n_new[story.id]) for story in stories.values()]
        return build(period, told, self._storylines(stories.values()), changes, self._counts(period, seen), now)

    def _seen(self, period: Period) -> list[Seen]:
        ids = self.store.articles.seen_between(period.start, period.end)
        return [Seen(*row) for row in self.store.articles.fields(ids, ["story", "family", "kind"], ["source"])]

    def _counts(self, period: Period, seen: Sequence[Seen]) -> Counts:
        return Counts(
            n_articles=len(seen),
            n_families=len({one.family for one in seen}),
            n_copies=sum(one.kind == "copy" for one in seen),
            n_rejected=self.store.rejected.count(period.start, period.end),
            n_sources=len({one.source for one in seen if one.source}),
        )

    def _told(self, story: Story, n_new: int) -> Told:
        rows = self.store.articles.fields(self.store.stories.articles(story.id), ["kind"], ["source"])
        kinds = Counter(kind for kind, _ in rows)
        return Told(
            story=story,
            sources=tuple(sorted({source for _, source in rows if source})),
            n_new_articles=n_new,
            n_copies=kinds["copy"],
            n_near_duplicates=kinds["near-duplicate"],
            url=self.store.articles.fields([story.representative], [], ["url"])[0][0],
        )

    def _storylines(self, stories: Iterable[Story]) -> list[tuple[Storyline, list[Story]]]:
        names = sorted({story.storyline for story in stories if story.storyline})
        found = []
        for storyline in self.store.stories.get_storylines(names).values():
            members = self.store.stories.get(self.store.stories.stories_of(storyline.id))
            found.append((storyline, list(members.values())))
        return found


def render(report: Report) -> Rendered:
    """The report in all its forms."""
    return Rendered(to_json(report), to_markdown(report), to_html(report))
