"""A report without what it tells of one article.

A report names no article. It has words of some: the headline and the address of the article that stood for a story, and
the sources of a story's articles. Which article they came from is not in it, so:

1. Words that another article kept in the same story has too stay: they are its own.
2. Of an article that was never revised its title, address and source are known, and no other words go.
3. A revised one may have had others before. Of the stories and storylines it was in, all words go that no article kept
   there accounts for.
4. A headline or address that goes gives way to that of the story as it is now, or to none.
5. Figures stay: they were true of the period.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from dedup.report.value import Report, StoryChange, StorylineTold, StoryTold


@dataclass(frozen=True, slots=True)
class Gone:
    """An article that is not to be told of: its words, and, where it was revised, the ids of stories and storylines it
    was in.
    """

    title: str
    url: str
    source: str
    stories: frozenset[str] = frozenset()
    storylines: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Present:
    """A story as it is now, or the one it was merged into: headline and address ("" where it is gone), and the words of
    its articles.
    """

    headline: str = ""
    url: str = ""
    titles: frozenset[str] = field(default=frozenset())
    urls: frozenset[str] = field(default=frozenset())
    sources: frozenset[str] = field(default=frozenset())


@dataclass(frozen=True, slots=True)
class Redaction:
    """What goes, and where to look up what is there instead: a story by id, a storyline's headline by id."""

    gone: Gone
    story_now: Callable[[str], Present]
    storyline_now: Callable[[str], str]

    def apply(self, report: Report) -> Report:
        """The report without the article's words; an equal one where it had none."""
        return dataclasses.replace(
            report,
            born=self._changes(report.born),
            grown=self._changes(report.grown),
            merged=self._changes(report.merged),
            split=self._changes(report.split),
            ended=self._changes(report.ended),
            linked=self._changes(report.linked),
            corrected=self._changes(report.corrected),
            largest=tuple(self._large_story(one) for one in report.largest),
            storylines=tuple(self._storyline(one) for one in report.storylines),
        )

    def _changes(self, told: Iterable[StoryChange]) -> tuple[StoryChange, ...]:
        return tuple(self._change(one) for one in told)

    def _change(self, change: StoryChange) -> StoryChange:
        return dataclasses.replace(
            change,
            headline=self._headline(change.story, change.headline),
            other_headline=self._headline(change.other, change.other_headline),
        )

    def _headline(self, story_id: str, headline: str) -> str:
        return self.story_now(story_id).headline if self._is_its_title(story_id, headline) else headline

    def _is_its_title(self, story_id: str, headline: str) -> bool:
        suspect = bool(headline) and (headline == self.gone.title or story_id in self.gone.stories)
        return suspect and headline not in self.story_now(story_id).titles

    def _large_story(self, large: StoryTold) -> StoryTold:
        told = large.told
        story_id, url = told.story.id, told.url
        suspect = bool(url) and (url == self.gone.url or story_id in self.gone.stories)
        if self._is_its_title(story_id, told.story.headline) or (suspect and url not in self.story_now(story_id).urls):
            now = self.story_now(story_id)
            story = dataclasses.replace(told.story, headline=now.headline)
            told = dataclasses.replace(told, story=story, url=now.url)
        sources = tuple(source for source in told.sources if not self._is_its_source(story_id, source))
        return dataclasses.replace(large, told=dataclasses.replace(told, sources=sources))

    def _is_its_source(self, story_id: str, source: str) -> bool:
        suspect = source == self.gone.source or story_id in self.gone.stories
        return suspect and source not in self.story_now(story_id).sources

    def _storyline(self, told: StorylineTold) -> StorylineTold:
        stories = tuple(
            dataclasses.replace(story, headline=self._headline(story.id, story.headline)) for story in told.stories
        )
        line = told.storyline
        suspect = bool(line.headline) and (line.headline == self.gone.title or line.id in self.gone.storylines)
        if suspect and all(line.headline != story.headline for story in stories):
            line = dataclasses.replace(line, headline=self.storyline_now(line.id))
        return dataclasses.replace(told, storyline=line, stories=stories)
