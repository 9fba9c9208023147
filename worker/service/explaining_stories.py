"""Why an article is in its story, and why two articles are in one story or in two: the present window, clustered anew,
beside what the store tells.

Nothing is written. What is read is as large as the window, and what is computed as long as a run of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from dedup.belonging import Belonging, Pair, Seen, belonging, compare_two
from dedup.correction import CorrectionKind
from dedup.cues import digits
from dedup.lead import spelt_words
from dedup.living import is_large
from dedup.pipeline import Background, Params, fingerprint
from dedup.roster import HeldFamily
from dedup.story import Story
from dedup.window import Window
from worker.service.window import load_window
from worker.store.articles import ArticleEntry
from worker.store.records import ArticleRecord
from worker.store.store import Store

Standing = Literal["placed", "waiting", "outside"]
"""Of an article: a run has placed it and it is in the window; no run has yet; it is not in the window any more."""

Together = Literal["family", "story", "storyline", "nothing"]
"""The closest that two articles are in together."""

_SPELLERS: Final = 20
"""Articles of a story in whose texts words are looked for, besides those that are named."""
_READ_LETTERS: Final = 20_000
"""More of a text than is read for terms and cues."""


@dataclass(frozen=True, slots=True)
class Named:
    """An article of the window as it is shown: the representative of its family."""

    article_id: str
    title: str
    published_at: float | None


@dataclass(frozen=True, slots=True)
class Home:
    """Where an article belongs by what the store tells: `number` is the place of its story among the `n_stories` of
    its storyline, by their first articles; 0 where there is none. `told_by`: the representative of its family, which
    stands for it in the window.
    """

    article_id: str
    standing: Standing
    family: str
    told_by: str
    story: Story | None
    storyline: str
    number: int
    n_stories: int


@dataclass(frozen=True, slots=True, eq=False)
class StoryExplanation:
    """An article in its story. `belonging` is None unless it is placed; `named` are the articles by their places in
    the window; `rival` is the runner-up story. `words`: those of the texts, by their hashes; `has_texts`: whether
    texts are kept, or only titles.
    """

    home: Home
    belonging: Belonging | None
    named: Mapping[int, Named]
    rival: Story | None
    words: Mapping[int, str]
    has_texts: bool


@dataclass(frozen=True, slots=True, eq=False)
class PairExplanation:
    """Two articles. `pair` is None where they are of one family, and unless both are placed; `corrected` is what
    corrections say of the two (`Corrections.between`), None where nothing; the rest as above.
    """

    homes: tuple[Home, Home]
    together: Together
    pair: Pair | None
    words: Mapping[int, str]
    has_texts: bool
    corrected: tuple[CorrectionKind, tuple[str, ...]] | None


def explain_story(
    store: Store, params: Params, article_id: str, window_seconds: float, now: float
) -> StoryExplanation | None:
    """Why an article is in its story, at a time (Unix seconds); None where the article is not known."""
    entry = store.articles.get(article_id)
    if entry is None:
        return None
    view = _View.load(store, params, window_seconds, now)
    home = view.home(entry)
    if home.standing != "placed":
        return StoryExplanation(home, None, {}, None, {}, has_texts=True)
    seen, place = view.seen(params), view.places[home.family]
    found = belonging(seen, place)
    rival = found.runner_up
    shown = [place, *(one.there for one in found.nearest), *([found.core] if found.core is not None else [])]
    shown += [rival.nearest.there] if rival else []
    words, has_texts = view.words(seen, shown)
    return StoryExplanation(
        home,
        found,
        {one: view.named(one) for one in shown},
        view.window.stories.get(view.story_ids[rival.story]) if rival else None,
        words,
        has_texts,
    )


def explain_pair(
    store: Store, params: Params, article_ids: tuple[str, str], window_seconds: float, now: float
) -> PairExplanation | str:
    """Why two articles are in one story or in two, at a time (Unix seconds); the id of the first that is not known."""
    entries = [store.articles.get(name) for name in article_ids]
    known = [entry for entry in entries if entry is not None]
    if len(known) < 2:
        return next(name for name, entry in zip(article_ids, entries, strict=True) if entry is None)
    view = _View.load(store, params, window_seconds, now)
    here, there = (view.home(entry) for entry in known)
    together = _together(here, there)
    corrected = store.corrections.read().corrections.between(*article_ids)
    if together == "family" or {here.standing, there.standing} != {"placed"}:
        return PairExplanation((here, there), together, None, {}, has_texts=True, corrected=corrected)
    seen = view.seen(params)
    places = [view.places[one.family] for one in (here, there)]
    words, has_texts = view.words(seen, places)
    return PairExplanation((here, there), together, compare_two(seen, *places), words, has_texts, corrected)


def _together(here: Home, there: Home) -> Together:
    if here.family == there.family:
        return "family"
    if here.story and there.story and here.story.id == there.story.id:
        return "story"
    return "storyline" if here.storyline and here.storyline == there.storyline else "nothing"


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """The window as it is now. `places`: of each family among those `inside`. `story_ids`: the stories by label."""

    store: Store
    window: Window
    inside: Sequence[HeldFamily]
    places: Mapping[str, int]
    story_ids: Sequence[str]

    @classmethod
    def load(cls, store: Store, params: Params, window_seconds: float, now: float) -> _View:
        store.index.claim(fingerprint(params))
        window = load_window(store)
        inside = window.roster.at(window.in_window(now - window_seconds))
        places = {family.family_id: i for i, family in enumerate(inside)}
        return cls(store, window, inside, places, sorted({one.story for one in inside if one.story}))

    def home(self, entry: ArticleEntry) -> Home:
        """Where an article belongs."""
        family = self.window.families.get(entry.family)
        line = self.store.stories.stories_of(entry.storyline) if entry.storyline else []
        standing: Standing = "placed" if entry.family in self.places else "outside"
        return Home(
            entry.article_id,
            standing if entry.story and family is not None and family.story else "waiting",
            entry.family,
            family.representative if family is not None else entry.representative,
            self.window.stories.get(entry.story),
            entry.storyline,
            line.index(entry.story) + 1 if entry.story in line else 0,
            len(line),
        )

    def seen(self, params: Params) -> Seen:
        """The window clustered anew, as the last run weighed it."""
        tellings, background = [one.telling for one in self.inside], self.store.living.background(params)
        if background is None or not is_large(tellings):
            background = Background.of(tellings, params, self.window.past.frequencies)
        labels = {name: i for i, name in enumerate(self.story_ids)}
        stories = np.array([labels.get(one.story, -1) for one in self.inside], np.int64)
        return Seen.of(tellings, stories, params, background)

    def named(self, place: int) -> Named:
        family = self.inside[place]
        return Named(family.representative, family.title, family.telling.published_at)

    def words(self, seen: Seen, shown: Iterable[int]) -> tuple[dict[int, str], bool]:
        """The words of the articles shown, and of others of their stories, and whether any of their texts is kept."""
        wanted = dict.fromkeys(shown)
        for place in list(wanted):
            wanted.update(dict.fromkeys(seen.story_of(place).tolist()[:_SPELLERS]))
        families = [self.inside[place] for place in wanted]
        records = self.store.articles.records([one.representative for one in families])
        contents = {name: ArticleRecord.unpack(packed).content for name, packed in records.items()}
        texts = self.store.index.texts(contents.values())
        found: dict[int, str] = {}
        for one in families:
            body = texts.get(contents.get(one.representative, -1), "")[:_READ_LETTERS]
            found = spelt_words(f"{one.title}\n{body}") | found
        return digits() | found, bool(texts)
