"""What one run decides: a clustering of the window, who keeps which id, and what is told of stories and storylines.

Values in, values out: `Run.decide` fills a `Run`, which a service commits and a replay goes on with; `Run.remember`
makes the window what was decided. Ids in use elsewhere are asked for through `InUse`. A correction holds from the run
that it is given to: that run clusters until every correction holds, with families from outside the window where it
takes them.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dedup.correction import Corrections
from dedup.identity import Outcome, mint, to_change
from dedup.naming import InUse, Naming, in_use, name_stories
from dedup.pipeline import Params, story_profiles
from dedup.roster import ByStory, HeldArticle, HeldFamily, names_of
from dedup.story import Change, Story, Storyline, StoryStatus
from dedup.storyline import Profile, link_stories
from dedup.telling import continued, founder_of, tell_story, tell_storyline
from dedup.vocabulary import Vocabulary
from dedup.window import Passage, Window


@dataclass(slots=True)
class Lines:
    """What a run decides on storylines: that of each story, those retired and what they resolve to, and profiles.
    `joined` are stories that were placed in one that is not theirs alone.
    """

    of_story: dict[str, str] = field(default_factory=dict)
    joined: list[str] = field(default_factory=list)
    retired: dict[str, str] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)


@dataclass(slots=True)
class Run:
    """One run's work: from a window and the places of the families in it to all that changes.

    `now` is Unix seconds, `number` the run's. What is filled in by `decide`: the families that corrections call back
    from outside the window, added to `inside`, and the `names` of all of these; the story of each family told, the
    stories and storylines told, those gone (with the living one they resolve to, "" where they aged away), the founding
    article of each story told, and of others where it was asked for, the changes in order, how the past before the
    window changes, the stories that nothing changed in, and all families held, by story.
    """

    params: Params
    window: Window
    inside: NDArray[np.int64]
    now: float
    number: int
    ids_in_use: InUse
    corrections: Corrections = field(default_factory=Corrections)
    names: frozenset[str] = frozenset()
    story_of_family: dict[str, str] = field(default_factory=dict)
    stories: dict[str, Story] = field(default_factory=dict)
    lines: Lines = field(default_factory=Lines)
    storylines: dict[str, Storyline] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    founders: dict[str, HeldArticle] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    passage: Passage = field(default_factory=Passage)
    settled: AbstractSet[str] = frozenset()
    held: ByStory = field(init=False, repr=False)

    def decide(
        self, touched: Collection[str], revised: Iterable[str], corrected: Collection[tuple[str, str]] = ()
    ) -> None:
        """Clusters and decides. `touched` are the families the news names, `revised` the articles with another text,
        `corrected` pairs of articles that a correction was made or taken back about.
        """
        self.names = names_of(self.window.roster.at(self.inside))
        self.passage = self.window.pass_on(self.names)
        living = self.window.follow(self.names, touched, self.passage.past.frequencies, self.params)
        self.held = self.window.roster.by_story()
        named = name_stories(self.window, self.inside, living, touched, self.held, self.corrections, self.ids_in_use)
        self.names |= named.called
        self.inside, self.settled, outcome = named.inside, named.settled, named.outcome
        self._tell_stories(outcome)
        self._tell_left(named, touched)
        self._link(named, living.background.vocabulary)
        told = [*self._changes(outcome), *self._linked()]
        self.changes = [*told, *self._revisions(touched, revised), *self._corrected(corrected)]

    def remember(self) -> None:
        """Makes the window what has just been committed. A run with families from outside the window is followed by one
        without them.
        """
        window = self.window
        window.roster.put(self._placed())
        self._remember_profiles()
        for story_id in self.gone:
            window.stories.pop(story_id, None)
        window.stories |= self.stories
        window.storylines |= self.storylines
        for line in self.lines.retired:
            window.storylines.pop(line, None)
        window.run, window.clustered = self.number, self.names
        window.past = self.passage.past

    def _placed(self) -> Iterator[HeldFamily]:
        """The families that are in another story or storyline than they were, as they are now."""
        for family_id, story in self.story_of_family.items():
            family, line = self.window.families[family_id], self.lines.of_story[story]
            if family.story != story or any(differs(article, story, line) for article in family.articles):
                articles = tuple(
                    dataclasses.replace(article, story=story, storyline=line, clustered=True)
                    for article in family.articles
                )
                yield dataclasses.replace(family, story=story, articles=articles)

    def _remember_profiles(self) -> None:
        window, told = self.window, self.lines.profiles
        for story_id in (*told, *(name for name in self.gone if self.is_merged(name))):
            before = window.stories[story_id].storyline if story_id in window.stories else ""
            if self.lines.of_story.get(story_id) != before:
                window.drop_profile(before, story_id)
        lines: dict[str, dict[str, Profile]] = defaultdict(dict)
        for story_id, one in told.items():
            lines[self.lines.of_story[story_id]][story_id] = one
        window.put_profiles(lines)

    def _tell_stories(self, outcome: Outcome) -> None:
        """The stories as they are now, and who belongs to them."""
        for assigned in outcome.stories:
            members = [*assigned.families, *(left.family for left in assigned.left)]
            self.story_of_family.update(dict.fromkeys(members, assigned.story_id))
        living = {assigned.story_id for assigned in outcome.stories}
        for assigned in outcome.stories:
            families = [self.window.families[name] for name in assigned.families]
            left = [self.window.families[one.family] for one in assigned.left]
            self._tell(assigned.story_id, families, left, "open" if assigned.is_open else "ended")
        for story_id in [ended for ended in outcome.ended if ended not in living]:
            left = [one for one in self.held.families(story_id) if self._is_still_in(one, story_id)]
            if left:
                self.story_of_family.update((one.family_id, story_id) for one in left)
                self._tell(story_id, [], left, "ended")
            else:
                self.gone[story_id] = ""
        self.gone |= {name: living_id for name, living_id in outcome.aliases.items() if name not in living}

    def _tell_left(self, named: Naming, touched: Collection[str]) -> None:
        """Stories outside the window that articles left, by age or for another story, or were revised in: told anew,
        and gone with their last one.
        """
        concerned = {self.window.families[name].story for name in touched if name in self.window.families}
        concerned |= {change.other for change in named.outcome.changes}
        concerned |= {self.window.families[name].story for name in self.story_of_family}
        known, n_articles = self.stories.keys() | self.gone.keys() | named.settled, self.held.n_articles()
        for story_id, story in self.window.stories.items():
            if story_id not in known and (story_id in concerned or n_articles.get(story_id) != story.n_articles):
                families = [one for one in self.held.families(story_id) if self._is_still_in(one, story_id)]
                if families:
                    self._tell(story_id, [], families, story.status)
                else:
                    self.gone[story_id] = ""

    def _is_still_in(self, family: HeldFamily, story_id: str) -> bool:
        return self.story_of_family.get(family.family_id, story_id) == story_id

    def _tell(
        self, story_id: str, families: Sequence[HeldFamily], left: Sequence[HeldFamily], status: StoryStatus
    ) -> None:
        everyone = [*families, *left]
        self.founders[story_id] = founder_of(everyone)
        self.stories[story_id] = tell_story(story_id, everyone, self.window.stories.get(story_id), status, self.now)

    def _link(self, named: Naming, vocabulary: Vocabulary) -> None:
        """The storyline of every story told: kept, except where a story alone in its storyline continues another."""
        self.lines.of_story = {story_id: story.storyline for story_id, story in self.stories.items()}
        retold = {
            assigned.story_id: [named.numbers[name] for name in assigned.families]
            for assigned in named.outcome.stories
            if self.stories[assigned.story_id].updated_at == self.now and assigned.families
        }
        profiles = story_profiles(named.articles, vocabulary, list(retold.values()), self.params)
        self.lines.profiles = dict(zip(retold, profiles, strict=True))
        stories = [self.stories[story_id] for story_id in retold]
        self._join([story.id for story in stories if not story.storyline or self._is_alone(story)])
        self._let_go()
        for story_id, line in self.lines.of_story.items():
            if self.stories[story_id].storyline != line:
                self.stories[story_id] = dataclasses.replace(
                    self.stories[story_id], storyline=line, updated_at=self.now
                )
        self._tell_storylines()

    def _is_alone(self, story: Story) -> bool:
        held = self.window.profiles.get(story.storyline, {})
        return all(name == story.id or self.is_merged(name) for name in held)

    def is_merged(self, story_id: str) -> bool:
        """Whether a story went into another; one that only aged away still stands for its storyline."""
        return bool(self.gone.get(story_id))

    def _join(self, loose: Sequence[str]) -> None:
        """Finds the storyline of stories that are new or alone, the oldest first. They are held against what the others
        are about now: what was split off one is no subject of it any more.
        """
        loose = sorted(loose, key=lambda name: self.arrival(self.stories[name]))
        shelf, told = self.window.shelf, self.lines.profiles
        shelf.drop([*loose, *(name for name in self.gone if self.is_merged(name))])
        shelf.put({name: (self.stories[name].storyline, told[name]) for name in told.keys() - {*loose}})
        labels = link_stories([told[name] for name in loose], shelf, self.params.storyline)
        is_taken = in_use(self.ids_in_use, "storyline", [self.founders[name] for name in loose])
        given = {*self.window.storylines, *self.lines.of_story.values()}

        def taken(name: str) -> bool:
            return name in given or is_taken(name)

        groups: dict[int, list[str]] = defaultdict(list)
        for name, label in zip(loose, labels.tolist(), strict=True):
            groups[label].append(name)
        for label, names in sorted(groups.items()):
            own = [self.stories[name].storyline for name in names if self.stories[name].storyline]
            founder = self.founders[names[0]].article_id
            line = shelf.names[label][0] if label < len(shelf) else own[0] if own else mint("storyline", founder, taken)
            is_new = line not in given
            given.add(line)
            for name in names:
                before = self.stories[name].storyline
                self.lines.of_story[name] = line
                if before != line and not (is_new and name == names[0]):
                    self.lines.joined.append(name)
                if before and before != line:
                    self.lines.retired[before] = line

    def _let_go(self) -> None:
        """Storylines whose only stories were merged away follow them."""
        for story_id, heir in self.gone.items():
            before = self.window.stories[story_id].storyline if story_id in self.window.stories else ""
            held = [name for name in self.window.profiles.get(before, {}) if not self.is_merged(name)]
            line = self.lines.of_story.get(heir, "")
            if before and line and before != line and not held and before not in self.lines.retired:
                self.lines.retired[before] = line

    def _tell_storylines(self) -> None:
        """The storylines of all stories that changed, as they are now."""
        changed = {story.storyline for story in self.stories.values() if story.updated_at == self.now}
        changed |= {self.window.stories[name].storyline for name in self.gone if name in self.window.stories}
        changed -= {"", *self.lines.retired}
        members: dict[str, list[Story]] = defaultdict(list)
        for story in (self.window.stories | self.stories).values():
            if story.storyline in changed and story.id not in self.gone:
                members[story.storyline].append(story)
        for line in sorted(changed):
            stories = sorted(members[line], key=self.arrival)
            if stories:
                self._tell_storyline(line, stories)
            elif line in self.window.storylines:
                emptied = dataclasses.replace(self.window.storylines[line], n_stories=0, n_articles=0)
                self.storylines[line] = dataclasses.replace(emptied, updated_at=self.now)

    def arrival(self, story: Story) -> tuple[float, str]:
        """Orders stories by the arrival of their first article, as a score in sorted sets and an id for ties."""
        founder = self.founders.get(story.id)
        if founder is None and story.id in self.settled:
            founder = self.founders[story.id] = self.held.first(story.id).articles[0]
        return founder.score if founder else story.created_at * 1000, story.id

    def _tell_storyline(self, line: str, stories: Sequence[Story]) -> None:
        before = self.window.storylines.get(line)
        fresh = tell_storyline(line, stories, before, self.now)
        is_same = fresh == before and not any(self._is_new_in(story, line) for story in stories)
        self.storylines[line] = fresh if is_same else dataclasses.replace(fresh, updated_at=self.now)

    def _is_new_in(self, story: Story, line: str) -> bool:
        before = self.window.stories.get(story.id)
        return before is None or before.storyline != line

    def _changes(self, outcome: Outcome) -> list[Change]:
        return [
            to_change(intent, storyline=self._line_of(intent.story), run=self.number, at=self.now)
            for intent in outcome.changes
        ]

    def _linked(self) -> list[Change]:
        """Stories that were placed in a storyline with others, each told with the one that it continues."""
        joined = sorted((self.stories[name] for name in self.lines.joined), key=self.arrival)
        living: dict[str, dict[str, tuple[float, str]]] = {story.storyline: {} for story in joined}
        for one in (self.window.stories | self.stories).values() if joined else ():
            if one.storyline in living and one.id not in self.gone:
                living[one.storyline][one.id] = self.arrival(one)
        return [
            Change("linked", story.id, other, story.storyline, (), 0, self.number, self.now)
            for story in joined
            if (other := self._continued(story, living[story.storyline]))
        ]

    def _continued(self, story: Story, living: Mapping[str, tuple[float, str]]) -> str:
        held = self.window.profiles.get(story.storyline, {})
        return continued(story.id, living, {name: one for name, one in held.items() if not self.is_merged(name)})

    def _revisions(self, touched: Collection[str], revised: Iterable[str]) -> list[Change]:
        """Revised articles, told under the story they are in now."""
        home = {
            article.article_id: self.story_of_family.get(family.family_id, family.story)
            for family in (self.window.families[name] for name in sorted(touched) if name in self.window.families)
            for article in family.articles
        }
        return [
            Change("revised", home[name], "", self._line_of(home[name]), (name,), 1, self.number, self.now)
            for name in revised
            if name in home
        ]

    def _corrected(self, corrected: Collection[tuple[str, str]]) -> list[Change]:
        """Articles that corrections were made or taken back about, told under the stories they are in now."""
        home = {
            article.article_id: self.story_of_family.get(family.family_id, family.story)
            for family in (self.window.families.values() if corrected else ())
            for article in family.articles
        }
        return [
            Change("corrected", home[one], home[other] if home[other] != home[one] else "", self._line_of(home[one]),
                   (one, other), 2, self.number, self.now)
            for one, other in corrected
            if one in home and other in home
        ]  # fmt: skip

    def _line_of(self, story_id: str) -> str:
        story = self.stories.get(self.gone.get(story_id, story_id)) or self.window.stories.get(story_id)
        return story.storyline if story else ""


def differs(article: HeldArticle, story: str, line: str) -> bool:
    """Whether an article has yet to be told that it is in this story and storyline."""
    return not article.clustered or article.story != story or article.storyline != line
