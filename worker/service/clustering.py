"""A run: load the window, cluster it, decide who keeps which id, commit all of it at once.

1. Only the holder of the lease commits, under its token and on top of the run it knows: two holders never mix.
2. A run without news changes nothing. News is an article new or revised, one that left the window, and a correction
   made or taken back.
3. What a run decides is visible all at once, with its changes in the stream.
4. While articles wait in the inbox, runs rest between each other: families come first.
5. A correction holds from the run that finds it in the news: that run settles the families of its articles anew, then
   clusters until every correction holds, with families from outside the window where it takes them.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from dedup.correction import Corrections
from dedup.identity import IdentityError, Left, Outcome, Placed, Standing, decide, mint, to_change
from dedup.pipeline import Clustering, Params, cluster_window, fingerprint
from dedup.story import Change, Story, Storyline, StoryStatus
from dedup.storyline import Profile, link_stories
from worker.service.constraining import Asked, stories_of
from worker.service.families import resettle
from worker.service.telling import founder_of, tell_story, tell_storyline
from worker.service.window import (
    KEY_SHIFT,
    HeldArticle,
    HeldFamily,
    Window,
    load_families,
    load_window,
)
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
LEAST_REST_SECONDS: Final = 20.0
"""While there is a backlog, the next run comes after `REST_FACTOR` times what the last one took, and at least this.
Two workers took in 1,511 and 1,315 articles/s beside runs, 1,643 and 1,739 without (inbox filled while they worked, and
before; one shared machine)."""


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

    def run(self, now: float) -> int | None:
        """One run at a time (Unix seconds), if there is news and the lease is ours; its number, or None."""
        self.store.index.claim(fingerprint(self.params))
        token = self.store.lease.acquire(self.holder)
        if token is None:
            self.window = None
            return None
        begun = time.monotonic()
        if begun < self.resting_until and self.store.inbox.n_waiting() > BACKLOG_ARTICLES:
            return None
        try:
            with self.store.lease.kept(self.holder):
                return self._try(now, token, server_run(self.store.connection))
        finally:
            took = time.monotonic() - begun
            self.resting_until = time.monotonic() + max(LEAST_REST_SECONDS, REST_FACTOR * took)

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
        window = self._current(news, server)
        inside = window.in_window(now - self.window_seconds)
        names = frozenset(family.family_id for family in inside)
        if not news and names == window.clustered:
            return None
        run = _Run(self, window, inside, now, window.run + 1, book.corrections)
        unit = run.decide(news)
        if not unit.commands and not unit.gathered:
            window.clustered = names
            return None
        run.sign(unit)
        self.store.lease.guard(unit, self.holder, token)
        if not commit(self.store.connection, [unit], server)[0]:
            self.window = None
            return None
        run.remember()
        return run.number

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
            self.window.server = server
            return self.window
        self._forget_storylines(self.window)
        loaded = load_families(self.store, news.families)
        for family_id in news.families:
            if family_id in loaded:
                self.window.families[family_id] = loaded[family_id]
            else:
                self.window.families.pop(family_id, None)
        return self.window

    def _forget_storylines(self, window: Window) -> None:
        """Takes storylines out of the window that have expired since it was loaded."""
        if self.store.stories.n_storylines() != len(window.profiles):
            kept = self.store.stories.storyline_ids()
            window.profiles = {line: held for line, held in window.profiles.items() if line in kept}
            window.storylines = {line: held for line, held in window.storylines.items() if line in kept}


@dataclass(slots=True)
class _Lines:
    """What a run decides on storylines: that of each story, those retired and what they resolve to, and profiles.
    `joined` are stories that were placed in one that is not theirs alone.
    """

    of_story: dict[str, str] = field(default_factory=dict)
    joined: list[str] = field(default_factory=list)
    retired: dict[str, str] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)


@dataclass(slots=True)
class _Run:
    """One run's work: from a window and its families to a unit that commits it."""

    clusterer: Clusterer
    window: Window
    inside: Sequence[HeldFamily]
    now: float
    number: int
    corrections: Corrections = field(default_factory=Corrections)
    called: frozenset[str] = frozenset()
    story_of_family: dict[str, str] = field(default_factory=dict)
    stories: dict[str, Story] = field(default_factory=dict)
    lines: _Lines = field(default_factory=_Lines)
    storylines: dict[str, Storyline] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    founders: dict[str, HeldArticle] = field(default_factory=dict)

    def decide(self, news: News) -> Unit:
        """Clusters, decides, and puts all that changes into one unit."""
        store, unit = self.clusterer.store, Unit()
        clustering, outcome = self._settle()
        self._tell_stories(outcome)
        self._tell_left(outcome, news)
        self._link(outcome, clustering)
        changes = [*self._changes(outcome), *self._linked(), *self._revisions(news), *self._corrected(news)]
        self._write_articles(unit)
        self._write_stories(unit)
        self._write_storylines(unit)
        for change in changes:
            store.changes.add(unit, change)
        store.news.done(unit, news)
        return unit

    def sign(self, unit: Unit) -> None:
        """Adds to a unit that it is this run, and comes after the one it rests on."""
        self.clusterer.store.runs.put(unit, self.number, {"at": self.now, "n_families": len(self.inside)})

    def remember(self) -> None:
        """Makes the window what has just been committed. A run with families from outside the window is followed by one
        without them.
        """
        window = self.window
        for family_id, story in self.story_of_family.items():
            family, line = window.families[family_id], self.lines.of_story[story]
            if family.story != story or any(_differs(article, story, line) for article in family.articles):
                articles = tuple(
                    dataclasses.replace(article, story=story, storyline=line, clustered=True)
                    for article in family.articles
                )
                window.families[family_id] = dataclasses.replace(family, story=story, articles=articles)
        for story_id in self.gone:
            window.stories.pop(story_id, None)
        window.stories |= self.stories
        window.storylines |= self.storylines
        for line in self.lines.retired:
            window.storylines.pop(line, None)
        self._remember_profiles()
        window.run, window.clustered = self.number, frozenset(family.family_id for family in self.inside)

    def _remember_profiles(self) -> None:
        held = self.window.profiles
        for story_id, one in self.lines.profiles.items():
            held.setdefault(self.lines.of_story[story_id], {})[story_id] = one
        for line in list(held):
            for story_id in list(held[line]):
                if self._is_merged(story_id) or self.lines.of_story.get(story_id, line) != line:
                    del held[line][story_id]
            if not held[line]:
                del held[line]

    def _settle(self) -> tuple[Clustering, Outcome]:
        """Clusters and names, until every correction holds."""
        asked = Asked.of(self.corrections, self.window)
        within = {family.family_id for family in self.inside}
        missing = asked.missing(within, {}) | asked.straddling(within)
        while True:
            self._call_back(missing)
            tellings = [family.telling for family in self.inside]
            constraints = asked.constraints(self.inside, self.called)
            clustering = cluster_window(tellings, self.clusterer.params, constraints)
            outcome = self._identify(clustering)
            missing = asked.missing(within | self.called, stories_of(outcome))
            if not missing:
                return clustering, outcome

    def _call_back(self, names: Iterable[str]) -> None:
        """Takes families from outside the window into this run."""
        fresh = [self.window.families[name] for name in names]
        self.called = self.called.union(family.family_id for family in fresh)
        self.inside = sorted([*self.inside, *fresh], key=lambda family: (family.articles[0].key, family.family_id))

    def _identify(self, clustering: Clustering) -> Outcome:
        clusters: dict[int, list[str]] = defaultdict(list)
        for family, label in zip(self.inside, clustering.labels.tolist(), strict=True):
            clusters[label].append(family.family_id)
        placed = [_placed(family, self.window.stories) for family in self.inside]
        standing = self._standing(placed)
        founders = [founder_of(self.window.families[name] for name in names) for names in clusters.values()]
        taken = self._in_use("story", founders, self.clusterer.store.keys.story)
        return decide(placed, clusters.values(), standing, taken=taken, called_back=self.called)

    def _standing(self, placed: Sequence[Placed]) -> dict[str, Standing]:
        names = {family.family_id for family in self.inside}
        concerned = {story_id for story_id, story in self.window.stories.items() if story.status == "open"}
        concerned |= {story for one in placed for story in (one.story, *one.stories) if story}
        held = self.window.by_story()
        return {
            story_id: Standing(
                story_id,
                self._founded(story_id, held.get(story_id, ())),
                self.window.stories[story_id].status,
                tuple(_left(family) for family in held.get(story_id, ()) if family.family_id not in names),
            )
            for story_id in sorted(concerned)
            if story_id in self.window.stories
        }

    def _founded(self, story_id: str, families: Sequence[HeldFamily]) -> int:
        """When a story's founding article arrived, or the first of those still kept."""
        if families:
            return founder_of(families).key
        return int(self.window.stories[story_id].created_at * 1000) << KEY_SHIFT

    def _in_use(
        self, kind: Literal["story", "storyline"], founders: Iterable[HeldArticle], key: Callable[[str], str]
    ) -> Callable[[str], bool]:
        """Whether an id is in use; those that will be asked for first are looked up together."""
        aliases = self.clusterer.store.aliases
        likely = {mint(kind, founder.article_id, lambda _: False) for founder in founders}
        taken = aliases.taken(likely, {name: key(name) for name in likely})

        def in_use(name: str) -> bool:
            return name in taken if name in likely else bool(aliases.taken([name], {name: key(name)}))

        return in_use

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
        held = self.window.by_story()
        for story_id in [ended for ended in outcome.ended if ended not in living]:
            left = [one for one in held.get(story_id, ()) if self._is_still_in(one, story_id)]
            if left:
                self.story_of_family.update((one.family_id, story_id) for one in left)
                self._tell(story_id, [], left, "ended")
            else:
                self.gone[story_id] = ""
        self.gone |= {name: living_id for name, living_id in outcome.aliases.items() if name not in living}

    def _tell_left(self, outcome: Outcome, news: News) -> None:
        """Stories outside the window that articles left, by age or for another story, or were revised in: told anew,
        and gone with their last one.
        """
        held = self.window.by_story()
        named = {self.window.families[name].story for name in news.families if name in self.window.families}
        named |= {change.other for change in outcome.changes}
        for story_id, story in self.window.stories.items():
            if story_id not in self.stories and story_id not in self.gone:
                families = [one for one in held.get(story_id, ()) if self._is_still_in(one, story_id)]
                if not families:
                    self.gone[story_id] = ""
                elif story_id in named or sum(len(family.articles) for family in families) != story.n_articles:
                    self._tell(story_id, [], families, story.status)

    def _is_still_in(self, family: HeldFamily, story_id: str) -> bool:
        return self.story_of_family.get(family.family_id, story_id) == story_id

    def _tell(
        self, story_id: str, families: Sequence[HeldFamily], left: Sequence[HeldFamily], status: StoryStatus
    ) -> None:
        everyone = [*families, *left]
        self.founders[story_id] = founder_of(everyone)
        self.stories[story_id] = tell_story(story_id, everyone, self.window.stories.get(story_id), status, self.now)

    def _link(self, outcome: Outcome, clustering: Clustering) -> None:
        """The storyline of every story told: kept, except where a story alone in its storyline continues another."""
        place = {family.family_id: i for i, family in enumerate(self.inside)}
        self.lines.of_story = {story_id: story.storyline for story_id, story in self.stories.items()}
        loose: list[str] = []
        for assigned in outcome.stories:
            story = self.stories[assigned.story_id]
            if story.updated_at == self.now and assigned.families:
                rows = [place[name] for name in assigned.families]
                self.lines.profiles[story.id] = clustering.profile(rows, self.clusterer.params)
                if not story.storyline or self._is_alone(story):
                    loose.append(story.id)
        self._join(loose)
        self._let_go()
        for story_id, line in self.lines.of_story.items():
            if self.stories[story_id].storyline != line:
                self.stories[story_id] = dataclasses.replace(
                    self.stories[story_id], storyline=line, updated_at=self.now
                )
        self._tell_storylines()

    def _is_alone(self, story: Story) -> bool:
        held = self.window.profiles.get(story.storyline, {})
        return all(name == story.id or self._is_merged(name) for name in held)

    def _is_merged(self, story_id: str) -> bool:
        """Whether a story went into another; one that only aged away still stands for its storyline."""
        return bool(self.gone.get(story_id))

    def _join(self, loose: Sequence[str]) -> None:
        """Finds the storyline of stories that are new or alone, the oldest first."""
        loose = sorted(loose, key=lambda name: self._arrival(self.stories[name]))
        free = set(loose)
        standing = [
            (line, one)
            for line in sorted(self.window.profiles)
            for name, one in sorted(self.window.profiles[line].items())
            if name not in free and not self._is_merged(name)
        ]
        labels = link_stories(
            [self.lines.profiles[name] for name in loose], [one for _, one in standing], self.clusterer.params.storyline
        )
        in_use = self._in_use("storyline", [self.founders[name] for name in loose], self.clusterer.store.keys.storyline)
        given = {*self.window.storylines, *self.lines.of_story.values()}

        def taken(name: str) -> bool:
            return name in given or in_use(name)

        groups: dict[int, list[str]] = defaultdict(list)
        for name, label in zip(loose, labels.tolist(), strict=True):
            groups[label].append(name)
        for label, names in sorted(groups.items()):
            own = [self.stories[name].storyline for name in names if self.stories[name].storyline]
            founder = self.founders[names[0]].article_id
            line = standing[label][0] if label < len(standing) else own[0] if own else mint("storyline", founder, taken)
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
            held = [name for name in self.window.profiles.get(before, {}) if not self._is_merged(name)]
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
            stories = sorted(members[line], key=self._arrival)
            if stories:
                self._tell_storyline(line, stories)
            elif line in self.window.storylines:
                emptied = dataclasses.replace(self.window.storylines[line], n_stories=0, n_articles=0)
                self.storylines[line] = dataclasses.replace(emptied, updated_at=self.now)

    def _arrival(self, story: Story) -> tuple[float, str]:
        """Orders stories by the arrival of their first article, as a score in sorted sets and an id for ties."""
        founder = self.founders.get(story.id)
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
        joined = sorted((self.stories[name] for name in self.lines.joined), key=self._arrival)
        return [
            Change("linked", story.id, other, story.storyline, (), 0, self.number, self.now)
            for story in joined
            if (other := self._continued(story))
        ]

    def _continued(self, story: Story) -> str:
        """The story of the same storyline that came last before a story; where none did that can be read, the latest
        one whose articles have expired; else the next one; "" where it is alone.
        """
        living = {
            one.id: self._arrival(one)
            for one in (self.window.stories | self.stories).values()
            if one.storyline == story.storyline and one.id not in self.gone
        }
        own = living.pop(story.id)
        before = [arrival for arrival in living.values() if arrival < own]
        if before:
            return max(before)[1]
        held = self.window.profiles.get(story.storyline, {})
        expired = [name for name in held if name not in living and name != story.id and not self._is_merged(name)]
        if expired:
            return max(expired, key=lambda name: (-math.inf if math.isnan(day := held[name].last_day) else day, name))
        return min(living.values())[1] if living else ""

    def _revisions(self, news: News) -> list[Change]:
        """Revised articles, told under the story they are in now."""
        home = {
            article.article_id: self.story_of_family.get(family.family_id, family.story)
            for family in (self.window.families[name] for name in sorted(news.families) if name in self.window.families)
            for article in family.articles
        }
        return [
            Change("revised", home[name], "", self._line_of(home[name]), (name,), 1, self.number, self.now)
            for name in news.revised
            if name in home
        ]

    def _corrected(self, news: News) -> list[Change]:
        """Articles that corrections were made or taken back about, told under the stories they are in now."""
        home = {
            article.article_id: self.story_of_family.get(family.family_id, family.story)
            for family in (self.window.families.values() if news.corrected else ())
            for article in family.articles
        }
        return [
            Change("corrected", home[one], home[other] if home[other] != home[one] else "", self._line_of(home[one]),
                   (one, other), 2, self.number, self.now)
            for one, other in news.corrected
            if one in home and other in home
        ]  # fmt: skip

    def _line_of(self, story_id: str) -> str:
        story = self.stories.get(self.gone.get(story_id, story_id)) or self.window.stories.get(story_id)
        return story.storyline if story else ""

    def _write_articles(self, unit: Unit) -> None:
        store = self.clusterer.store
        left: dict[str, list[str]] = defaultdict(list)
        for family_id, story in self.story_of_family.items():
            family, line = self.window.families[family_id], self.lines.of_story[story]
            if family.story != story:
                store.articles.place_family(unit, family_id, story)
            for article in family.articles:
                if _differs(article, story, line):
                    store.articles.place(unit, article.article_id, story, line, article.score)
                if article.story not in {"", story} and article.story not in self.gone:
                    left[article.story].append(article.article_id)
        for story_id in sorted(left):
            store.stories.leave(unit, story_id, left[story_id])

    def _write_stories(self, unit: Unit) -> None:
        clusterer, store = self.clusterer, self.clusterer.store
        for story_id, story in self.stories.items():
            if story != self.window.stories.get(story_id):
                store.stories.put_story(unit, story)
        earlier = store.aliases.earlier(self.gone)
        for story_id, living in self.gone.items():
            before = self.window.stories.get(story_id)
            store.stories.drop_story(unit, story_id, before.storyline if before else "")
            if living:
                store.aliases.retire(unit, story_id, living, earlier[story_id], clusterer.retention_seconds)

    def _write_storylines(self, unit: Unit) -> None:
        clusterer, store = self.clusterer, self.clusterer.store
        members: dict[str, dict[str, float]] = defaultdict(dict)
        for story in self.stories.values():
            members[story.storyline][story.id] = self._arrival(story)[0]
        for line, storyline in self.storylines.items():
            if storyline != self.window.storylines.get(line):
                store.stories.put_storyline(unit, storyline, members[line])
        for story_id, one in self.lines.profiles.items():
            line = self.lines.of_story[story_id]
            store.stories.put_profile(unit, line, story_id, one.to_bytes(), self.now)
        for story_id, before in self._lines_before().items():
            if self.lines.of_story.get(story_id) != before and before not in self.lines.retired:
                store.stories.leave_storyline(unit, before, [story_id])
                if story_id not in self.gone or self._is_merged(story_id):
                    store.stories.drop_profile(unit, before, story_id)
        earlier = store.aliases.earlier(self.lines.retired)
        for line, living in self.lines.retired.items():
            store.stories.drop_storyline(unit, line)
            store.aliases.retire(unit, line, living, earlier[line], clusterer.storyline_seconds)

    def _lines_before(self) -> dict[str, str]:
        """The storylines that stories told or gone in this run were in before."""
        known = self.window.stories
        return {name: known[name].storyline for name in (*self.stories, *self.gone) if name in known}


def _placed(family: HeldFamily, stories: Container[str]) -> Placed:
    """A family as identity sees it; a story that is no longer kept is as good as none."""
    return Placed(
        family=family.family_id,
        articles=tuple(article.article_id for article in family.articles),
        seen_at=tuple(article.key for article in family.articles),
        story=family.story if family.story in stories else "",
        stories=tuple(article.story if article.story in stories else "" for article in family.articles),
    )


def _left(family: HeldFamily) -> Left:
    return Left(
        family.family_id,
        tuple(article.article_id for article in family.articles),
        tuple(article.key for article in family.articles),
    )


def _differs(article: HeldArticle, story: str, line: str) -> bool:
    return not article.clustered or article.story != story or article.storyline != line
