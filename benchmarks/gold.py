"""Gold sets as they are scored: read, altered by rule with a fixed seed, and mixed."""

from __future__ import annotations

import gzip
import json
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Final

from dedup.article import Article, parse_article
from dedup.metrics import Scores, score
from dedup.pipeline import DAY_SECONDS, Placement
from dedup.text import body_text, identify, normalise, words

GATES: Final = Path(__file__).parent / "gates.toml"
SAMPLES: Final = Path(__file__).parents[1] / "seeds" / "articles.jsonl"
FIELDS: Final = ("story", "storyline")
AGREEMENT: Final = "B-cubed F1"
MIXED: Final = ("basil", "ecbplus", "rounds", "epimine", "sources")
N_DRAWS: Final = 5
SHARE: Final = 0.2
"""Of the articles whose dates a draw spoils."""
WRONG_DAYS: Final = 60.0
RARE: Final = 0.01
"""A word that fewer of a set's articles have says what one is about; the words of a form are in more."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of gates.toml: what is measured of which set, and what it must reach; None where nothing is said."""

    set: str
    figure: str = AGREEMENT
    gold: str = ""
    ids: str = ""
    gate: float | None = None
    ceiling: float | None = None
    must: float | None = None
    aim: float | None = None
    usual: float | None = None
    recipe: float | None = None
    sweep: float | None = None

    def passes(self, value: float) -> bool:
        """Whether a figure is as good as today's bar, and one where no bar is."""
        if self.ceiling is not None:
            return value <= self.ceiling
        return self.gate is None or value >= self.gate


@dataclass(frozen=True, slots=True)
class GoldSet:
    """Articles in order of arrival, and by gold field the label of each that has one."""

    articles: tuple[Article, ...]
    labels: Mapping[str, Mapping[str, str]]

    def scores(self, field: str, ids: Mapping[str, str], prefix: str = "") -> Scores:
        """How ids agree with a gold field, over the articles whose own ids begin so."""
        return score({name: label for name, label in self.labels[field].items() if name.startswith(prefix)}, ids)

    def undated(self) -> GoldSet:
        return replace(self, articles=tuple(replace(one, published_at=None) for one in self.articles))

    def without_addresses(self) -> GoldSet:
        return replace(self, articles=tuple(replace(one, url="") for one in self.articles))

    def without(self, i: int) -> GoldSet:
        """All but the article at a place."""
        gone = self.articles[i].id
        kept = {
            field: {name: label for name, label in own.items() if name != gone} for field, own in self.labels.items()
        }
        return GoldSet(self.articles[:i] + self.articles[i + 1 :], kept)

    def spoiled(self, seed: int, *, missing: bool) -> GoldSet:
        """With the dates of a fifth of the articles taken away, or moved by up to 60 days either way."""
        random = Random(f"{'missing' if missing else 'wrong'} dates {seed}")
        chosen = set(random.sample(range(len(self.articles)), round(SHARE * len(self.articles))))
        return replace(
            self, articles=tuple(_spoiled(one, random, missing) if i in chosen else one
                                 for i, one in enumerate(self.articles))
        )  # fmt: skip


def read_gates() -> list[Row]:
    """The rows of gates.toml."""
    return [Row(**row) for row in tomllib.loads(GATES.read_text(encoding="utf-8"))["row"]]


def path_of(name: str, shared: Path) -> Path:
    """The file a set is read from."""
    if name == "samples":
        return SAMPLES
    return shared / "seeds" / "articles.jsonl" if name == "sources" else shared / "gold" / f"{name}.jsonl.gz"


def read_set(path: Path) -> GoldSet:
    """The articles of a gold file with their labels; of an article given twice the label given last counts."""
    raw = path.read_bytes()
    lines = (gzip.decompress(raw) if path.suffix == ".gz" else raw).splitlines()
    articles = tuple(identify(parse_article(line)) for line in lines)
    told = [json.loads(line) for line in lines]
    return GoldSet(
        articles,
        {
            field: {article.id: row[field] for article, row in zip(articles, told, strict=True) if row.get(field)}
            for field in FIELDS
        },
    )


def mixed(sets: Iterable[tuple[str, GoldSet]]) -> GoldSet:
    """Several sets in one file, one after the other, the name of each before its ids: `basil/...`."""
    named = list(sets)
    return GoldSet(
        tuple(replace(one, id=f"{name}/{one.id}") for name, own in named for one in own.articles),
        {
            field: {f"{name}/{one}": label for name, own in named for one, label in own.labels[field].items()}
            for field in FIELDS
        },
    )


def _spoiled(article: Article, random: Random, missing: bool) -> Article:
    days = random.uniform(-WRONG_DAYS, WRONG_DAYS)
    if missing or article.published_at is None:
        return replace(article, published_at=None)
    return replace(article, published_at=article.published_at + days * DAY_SECONDS)


def forms(articles: Sequence[Article], placements: Sequence[Placement]) -> Iterator[tuple[int, str, str]]:
    """The stories whose members are merely of one form, the largest first: size, headline and rarest common word.

    Where half of a story's articles share no word that fewer than one in 100 of all articles have, they share a way of
    telling and no event.
    """
    known = [set(words(normalise(f"{one.title}\n{body_text(one)}"))) for one in articles]
    frequency = Counter(word for own in known for word in own)
    stories: dict[str, list[int]] = defaultdict(list)
    for i, placed in enumerate(placements):
        stories[placed.story_id].append(i)
    for members in sorted(stories.values(), key=len, reverse=True):
        counts = Counter(word for i in members for word in known[i])
        common = [word for word, n in counts.items() if 2 * n >= len(members)]
        rarest = min(common, key=lambda word: (frequency[word], word), default="")
        if not rarest or frequency[rarest] >= RARE * len(articles):
            yield len(members), articles[members[0]].title, rarest
