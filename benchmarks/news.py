"""A fortnight of news made up by rule: as many articles as are wanted, with the story and storyline each is of.

Nothing of it means anything, but what is counted is as it is counted in news:

- Words are invented and as frequent as words are (Zipf and Mandelbrot); function words are English, for they are what a
  text is told to be English by. A topic has words, names and set phrases of its own, and so does each story.
- Most stories have one or two articles, some have hundreds (Pareto); a story is told over some days, and one in seven
  continues an earlier one of its topic: the same names and subject, days later, with an ordinal and numbers of its own.
- Three articles in ten are edits of an earlier one of their story: copies, agency texts with a few words replaced, with
  a header or a footer, cut short.
- The time is the same fortnight for any number of articles: more articles are more stories and more outlets a day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.edits import Edit, edited

_SYLLABLES: Final = tuple(a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "il", "os"))
_ENDINGS: Final = ("ov", "sen", "berg", "ia", "ton", "ville", "ski", "ez", "mann", "grad", "ella", "ington")
_FUNCTION: Final = (
    "the of and to in a is that for it as was with be by on not he his but at are this have from or had an they "
    "which you were her all she there would their we him been has when who will more if no out so said what up its "
    "about into than them can only other new some could time these two may then do first any my now such like our "
    "over man me even most made after also did many before must through back where much your way well down should "
    "because each just those"
)
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ORDINALS: Final = ("second", "third", "fourth", "fifth")
_N_WORDS: Final = 300_000
_N_NAMES: Final = 150_000
_N_TOPICS: Final = 600
_N_PHRASES: Final = 20_000
"""Set phrases of two words that any article may have."""
_FIRST_DAY: Final = datetime(2025, 1, 6, tzinfo=UTC)

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class News:
    """What the articles are like: sizes in words, shares between 0 and 1, times in days."""

    n_words: int = 400
    edited: float = 0.3
    edits: tuple[Edit | None, ...] = (
        None, None, Edit("replaced", 0.02), Edit("replaced", 0.02), Edit("header", 0.15), Edit("footer", 0.15),
        Edit("truncated", 0.75),
    )  # fmt: skip
    """As frequent as one another; None is a copy."""
    continued: float = 0.15
    undated: float = 0.02
    days: float = 14.0
    spread_days: float = 0.6
    tail: float = 1.2
    """Exponent of the story sizes: the smaller, the more large ones."""
    largest: int = 400


@dataclass(frozen=True, slots=True, eq=False)
class _Story:
    """What a story's articles are made of. `words`, `names`, `phrases` and `numbers` are strings."""

    line: int
    topic: int
    begins: float
    title: str
    words: Sequence[str]
    names: Sequence[str]
    phrases: Sequence[str]
    numbers: Sequence[str]


def make_news(n: int, seed: int = 1, recipe: News | None = None) -> Iterator[dict[str, str]]:
    """Articles in order of arrival, with the gold fields `story` and `storyline`, and `edit_of`, the id of the article
    that an edit was made of.
    """
    chosen = recipe or News()
    maker = _Maker(seed, chosen)
    stories, sizes = maker.stories(n)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    begins = np.array([story.begins for story in stories])
    at = np.minimum(begins[owner] + maker.chance.exponential(chosen.spread_days, n), chosen.days)
    told: dict[int, tuple[str, str, str]] = {}
    for i, place in enumerate(np.argsort(at, kind="stable").tolist()):
        story, article_id = int(owner[place]), f"{seed}-{i:07d}"
        original = told.get(story)
        if original and maker.chance.random() < chosen.edited * 1.25:  # the first of a story is nobody's edit
            title, text = original[1], maker.edit(original[2])
        else:
            original, (title, text) = None, maker.tell(stories[story])
            told[story] = article_id, title, text
        published = _FIRST_DAY + timedelta(days=float(at[place]))
        yield {
            "id": article_id,
            "title": title,
            "text": text,
            **({} if maker.chance.random() < chosen.undated else {"published_at": published.isoformat()}),
            "source": f"Outlet {int(600 * maker.chance.random() ** 2)}",
            "story": f"story {story}",
            "storyline": f"storyline {stories[story].line}",
            "edit_of": original[0] if original else "",
        }


class _Maker:
    """Words, names, topics and chance; the same for the same seed."""

    def __init__(self, seed: int, recipe: News) -> None:
        self.chance, self.editing, self.recipe = np.random.default_rng(seed), Random(seed), recipe
        self.words, self.names = _invented_words(), _invented_names()
        self.by_rank = np.cumsum(1 / (np.arange(_N_WORDS) + 20.0) ** 1.07)
        self.topics = [self.some(40, 60_000, 300) for _ in range(_N_TOPICS)]
        self.topic_names = [self.some_names(40) for _ in range(_N_TOPICS)]
        self.topic_phrases = [
            self._pairs([*words[:40], *names]) for words, names in zip(self.topics, self.topic_names, strict=True)
        ]
        self.phrases = self._pairs(self.frequent(2 * _N_PHRASES))
        self.function = np.array(_FUNCTION.split(), object)
        self.filler = self._strange_words()

    def stories(self, n: int) -> tuple[list[_Story], Places]:
        """Stories in order of their beginnings, and how many of n articles are of each."""
        sizes: list[int] = []
        left = n
        while left:
            sizes.append(min(left, self.recipe.largest, int(self.chance.pareto(self.recipe.tail) + 1.2)))
            left -= sizes[-1]
        begins = np.sort(self.chance.uniform(0, self.recipe.days, len(sizes)))
        stories: list[_Story] = []
        lines: list[list[int]] = []
        for begin in begins.tolist():
            line = int(self.chance.integers(len(lines))) if lines else 0
            if lines and self.chance.random() < self.recipe.continued and stories[lines[line][-1]].begins < begin - 2:
                stories.append(self._next(stories[lines[line][-1]], begin, len(lines[line])))
                lines[line].append(len(stories) - 1)
            else:
                stories.append(self._story(len(lines), begin))
                lines.append([len(stories) - 1])
        return stories, np.array(sizes, np.int64)

    def _story(self, line: int, begins: float) -> _Story:
        topic = int(_N_TOPICS * self.chance.random() ** 1.5)
        words, names = self.some(300, _N_WORDS, 30), [*self.some_names(5), *self.picked(self.topic_names[topic], 3)]
        title = " ".join([names[0], *words[:4], names[1], *self.frequent(2)])
        return _Story(line, topic, begins, title, words, names, self._phrases(words, names), self._numbers(8))

    def _next(self, before: _Story, begins: float, n_before: int) -> _Story:
        """The next story of a storyline."""
        words = [*before.words[:12], *self.some(300, _N_WORDS, 18)]
        names = [*before.names[:5], *self.some_names(2)]
        ordinal = f"{_ORDINALS[min(n_before, len(_ORDINALS)) - 1]} {before.words[0]}"
        title = " ".join([names[0], ordinal, *words[12:15], names[-1], *self.frequent(1)])
        phrases = [ordinal, *self._phrases(words, names)]
        return _Story(before.line, before.topic, begins, title, words, names, phrases, self._numbers(8))

    def _pairs(self, words: Sequence[str]) -> list[str]:
        return [f"{a} {b}" for a, b in zip(words[::2], words[1::2], strict=True)]

    def _phrases(self, words: Sequence[str], names: Sequence[str]) -> list[str]:
        """Words that a story's articles have side by side."""
        pairs = [f"{words[i]} {words[i + 1]}" for i in range(0, 20, 2)]
        return [*pairs, *(f"{word} {name}" for word, name in zip(words, names, strict=False))]

    def _numbers(self, n: int) -> list[str]:
        """Numbers, each with what is counted."""
        counted = self.frequent(n)
        values = np.exp(self.chance.uniform(0.7, 9, n)).astype(int).tolist()
        return [f"{value:,} {word}" for value, word in zip(values, counted, strict=True)]

    def tell(self, story: _Story) -> tuple[str, str]:
        """Title and text of one more article of a story."""
        n = int(self.recipe.n_words * self.chance.uniform(0.75, 1.2) / 1.1)
        kind, place = self.chance.random(n), self.chance.random(n)
        told = self.function[(place * len(self.function)).astype(np.int64)]
        is_common = kind < 0.67
        told[is_common] = self.frequent(int(is_common.sum()))
        is_function = kind < 0.52
        told[is_function] = self.function[(place[is_function] ** 3 * len(self.function)).astype(np.int64)]
        own = self.picked(story.words, 18), self.picked(story.names, 5), self.picked(story.phrases, 8)
        numbers, days = self.picked(story.numbers, 5), [_WEEKDAYS[int(story.begins) % 7]]
        kinds = (
            (0.67, self.topics[story.topic]), (0.80, self.topic_phrases[story.topic]),
            (0.83, self.topic_names[story.topic]), (0.87, own[0]), (0.91, own[1]), (0.93, own[2]),
            (0.94, self.phrases), (0.985, numbers), (0.995, days),
        )  # fmt: skip
        for (start, listed), end in zip(kinds, (*(start for start, _ in kinds[1:]), 1.0), strict=True):
            here = (kind >= start) & (kind < end)
            chosen = (place[here] ** 1.7 * len(listed)).astype(np.int64)
            told[here] = [listed[i] for i in chosen.tolist()]
        return story.title, self._punctuated(told.tolist())

    def edit(self, text: str) -> str:
        """The text after one of the edits."""
        edit = self.editing.choice(self.recipe.edits)
        return edited(text, edit, self.filler, self.editing) if edit else text

    def _punctuated(self, told: list[str]) -> str:
        """Sentences of some twenty words, paragraphs of some sixty."""
        end = 0
        while end < len(told):
            told[end] = told[end][:1].upper() + told[end][1:]
            end += 8 + int(20 * self.chance.random())
            last = min(end, len(told)) - 1
            told[last] += ".\n" if self.chance.random() < 0.3 else "."
        return " ".join(told)

    def frequent(self, n: int) -> list[str]:
        """Words as frequent as they are."""
        ranks = np.searchsorted(self.by_rank, self.chance.random(n) * self.by_rank[-1])
        return [self.words[i] for i in ranks.tolist()]

    def some(self, first: int, last: int, n: int) -> list[str]:
        """Words of these ranks, the frequent ones first likelier."""
        ranks = first * (last / first) ** self.chance.random(n)
        return [self.words[i] for i in ranks.astype(np.int64).tolist()]

    def some_names(self, n: int) -> list[str]:
        """Names: most are of one story, some in everybody's mouth."""
        ranks = _N_NAMES ** self.chance.random(n) ** 0.6
        return [self.names[i] for i in np.minimum(ranks, _N_NAMES - 1).astype(np.int64).tolist()]

    def picked(self, listed: Sequence[str], n: int) -> list[str]:
        """Some of what is listed, in any order."""
        return [listed[i] for i in self.chance.permutation(len(listed))[:n].tolist()]

    def _strange_words(self) -> Iterator[str]:
        """Words that come in with edits, without end, each with a space after it."""
        while True:
            yield from (f"{word} " for word in self.frequent(1_000))


def _invented_words() -> list[str]:
    """Different words, the short ones first, as in a language the frequent words are short."""
    n = len(_SYLLABLES)
    two = [a + b for a in _SYLLABLES for b in _SYLLABLES]
    order = [(i * 7_919) % len(two) for i in range(len(two))]
    longer = (two[order[i % len(two)]] + _SYLLABLES[(i // len(two) + i) % n] for i in range(len(two) * n))
    return [two[i] for i in order] + [word for word, _ in zip(longer, range(_N_WORDS - len(two)), strict=False)]


def _invented_names() -> list[str]:
    """Different names, with capitals."""
    stems = [(a + b).capitalize() for a in _SYLLABLES for b in _SYLLABLES]
    order = [(i * 6_151) % len(stems) for i in range(len(stems))]
    names = [stems[order[i % len(stems)]] + _ENDINGS[(i // len(stems) + i) % len(_ENDINGS)] for i in range(_N_NAMES)]
    return list(dict.fromkeys(names))
