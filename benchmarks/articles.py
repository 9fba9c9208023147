"""Articles made up by rule: as many as are wanted, the same ones for the same seed.

Words are invented, and as frequent as words are: the k-th most frequent one 1/k times as often as the first. A story
has words of its own, and its articles, spread over three days, mix them with the words of the whole; a share of the
articles are edits of an earlier one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.edits import Edit, edited

_SYLLABLES: Final = tuple(a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "il", "os"))
_N_WORDS: Final = 30_000
_STORY_WORDS: Final = 60
_FIRST_DAY: Final = datetime(2025, 1, 6, tzinfo=UTC)

Words = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the articles are like: sizes in words, shares between 0 and 1, `per_story` articles a story on average.

    `edits` are as frequent as one another.
    """

    n_words: int = 400
    edited: float = 0.25
    edits: tuple[Edit, ...] = (Edit("replaced", 0.02),)
    per_story: int = 10
    own_words: float = 0.2
    stories_per_day: int = 50


def make_articles(n: int, seed: int = 1, recipe: Recipe | None = None) -> Iterator[dict[str, str]]:
    """Articles in order of arrival. Ids are `<seed>-<number>`; an edit's source is "copies", and its `edit_of` is the
    id of the article that it was made of.
    """
    chosen = recipe or Recipe()
    chance, vocabulary = np.random.default_rng(seed), np.array(_vocabulary(), object)
    filler, editing = _strange_words(seed, vocabulary), Random(seed)
    told: list[tuple[int, str, str]] = []
    for i in range(n):
        article_id, edit_of = f"{seed}-{i:06d}", ""
        if told and chance.random() < chosen.edited:
            story, edit_of, original = told[chance.integers(max(0, len(told) - 2_000), len(told))]
            text = edited(original, editing.choice(chosen.edits), filler, editing)
        else:
            newest = i // chosen.per_story
            story = int(chance.integers(max(0, newest - 2 * chosen.stories_per_day), newest + 1))
            text = " ".join(vocabulary[_telling(seed, story, chosen, chance)])
            told.append((story, article_id, text))
        yield {
            "id": article_id,
            "title": " ".join(text.split(maxsplit=8)[:8]).capitalize(),
            "text": text,
            "published_at": _published(story, chosen, chance).isoformat(),
            "source": "copies" if edit_of else f"source {story % 7}",
            "language": "en",
            "edit_of": edit_of,
        }


def make_payloads(n: int, seed: int = 1, recipe: Recipe | None = None) -> list[bytes]:
    """The same articles as they are pushed: JSON in UTF-8."""
    return [json.dumps(article).encode() for article in make_articles(n, seed, recipe)]


def _vocabulary() -> list[str]:
    """Invented words, the short ones first, as in a language the frequent words are short."""
    n = len(_SYLLABLES)
    one = list(_SYLLABLES)
    two = [a + b for a in _SYLLABLES for b in _SYLLABLES]
    three = [two[(i * 7_919) % len(two)] + _SYLLABLES[i % n] for i in range(_N_WORDS)]
    return list(dict.fromkeys([*one, *two, *three]))[:_N_WORDS]


def _telling(seed: int, story: int, recipe: Recipe, chance: np.random.Generator) -> Words:
    """Words of one article: most by their frequency in the language, some from the story's own."""
    common = _by_frequency(recipe.n_words, chance)
    own = np.random.default_rng((seed, story)).integers(1_000, _N_WORDS, _STORY_WORDS)
    is_own = chance.random(recipe.n_words) < recipe.own_words
    return np.where(is_own, own[chance.integers(0, _STORY_WORDS, recipe.n_words)], common)


def _strange_words(seed: int, vocabulary: NDArray[np.object_]) -> Iterator[str]:
    """Words that come in with edits, without end, each with a space after it."""
    chance = np.random.default_rng((seed, _N_WORDS))
    while True:
        yield from (f"{word} " for word in vocabulary[_by_frequency(10_000, chance)])


def _by_frequency(n: int, chance: np.random.Generator) -> Words:
    ranks: Words = np.floor(np.exp(chance.random(n) * np.log(_N_WORDS))).astype(np.int64)
    return ranks - 1


def _published(story: int, recipe: Recipe, chance: np.random.Generator) -> datetime:
    begun = _FIRST_DAY + timedelta(days=story / recipe.stories_per_day)
    return begun + timedelta(seconds=int(chance.exponential(86_400)))
