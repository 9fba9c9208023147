"""Articles made up by rule: as many as are wanted, the same ones for the same seed.

Words are invented. A story has words of its own, and its articles, spread over three days, mix them with the words of
the whole; a share of the articles are near-copies: an earlier one with one word in fifty replaced.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SYLLABLES: Final = tuple(a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "il", "os"))
_N_WORDS: Final = 30_000
_STORY_WORDS: Final = 60
_FIRST_DAY: Final = datetime(2025, 1, 6, tzinfo=UTC)

Words = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the articles are like: sizes in words, shares between 0 and 1, `per_story` articles a story on average."""

    n_words: int = 400
    near_copies: float = 0.25
    replaced: float = 0.02
    per_story: int = 10
    own_words: float = 0.2
    stories_per_day: int = 50


def make_articles(n: int, seed: int = 1, recipe: Recipe | None = None) -> Iterator[dict[str, str]]:
    """Articles in order of publication. Ids are `<seed>-<number>`; a near-copy's source is "copies"."""
    chosen = recipe or Recipe()
    chance = np.random.default_rng(seed)
    vocabulary = np.array(_vocabulary(), object)
    told: list[tuple[int, Words]] = []
    for i in range(n):
        is_copy = bool(told) and chance.random() < chosen.near_copies
        if is_copy:
            story, original = told[chance.integers(max(0, len(told) - 2_000), len(told))]
            words = _reworded(original, chosen, chance)
        else:
            newest = i // chosen.per_story
            story = int(chance.integers(max(0, newest - 2 * chosen.stories_per_day), newest + 1))
            words = _telling(seed, story, chosen, chance)
            told.append((story, words))
        yield {
            "id": f"{seed}-{i:06d}",
            "title": " ".join(vocabulary[words[:8]]).capitalize(),
            "text": " ".join(vocabulary[words]),
            "published_at": _published(story, chosen, chance).isoformat(),
            "source": "copies" if is_copy else f"source {story % 7}",
            "language": "en",
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
    common = np.floor(np.exp(chance.random(recipe.n_words) * np.log(_N_WORDS))).astype(np.int64) - 1
    own = np.random.default_rng((seed, story)).integers(1_000, _N_WORDS, _STORY_WORDS)
    is_own = chance.random(recipe.n_words) < recipe.own_words
    return np.where(is_own, own[chance.integers(0, _STORY_WORDS, recipe.n_words)], common)


def _reworded(words: Words, recipe: Recipe, chance: np.random.Generator) -> Words:
    replaced = words.copy()
    places = chance.integers(0, len(words), max(1, round(len(words) * recipe.replaced)))
    replaced[places] = chance.integers(0, _N_WORDS, len(places))
    return replaced


def _published(story: int, recipe: Recipe, chance: np.random.Generator) -> datetime:
    begun = _FIRST_DAY + timedelta(days=story / recipe.stories_per_day)
    return begun + timedelta(seconds=int(chance.exponential(86_400)))
