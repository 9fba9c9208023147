"""What the one default configuration finds of near-duplicates, judged by exact comparison of the runs of five words.

Edits are made of real articles by rule, with a fixed seed, so that the source of each is known.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Final, Protocol

import pytest
import regex

from benchmarks.edits import Edit, edited, pieces
from benchmarks.exact import Overlaps, Pair, overlaps, pairs_within
from dedup.article import Article, parse_article
from dedup.pipeline import Params, Prepared, find_families, prepare
from dedup.text import body_text, identify, normalise, words

pytestmark = pytest.mark.quality

SEED: Final = 20_261_122
LEAST_WORDS: Final = 100
MOST_IN_COMMON: Final = 0.1
"""Containment at which only one of two real articles is used: what is made of the other might be as much like it."""
SOURCES: Final = {"basil": 60, "rounds": 40, "reuters": 200}
"""How many articles of each set are edited; the other articles of the wire give the text that is foreign to them."""
GATES: Final = {
    Edit("replaced", 0.02): 0.95,
    Edit("replaced", 0.05): None,
    Edit("replaced", 0.10): None,
    Edit("replaced", 0.15): None,
    Edit("header", 0.10): 0.95,
    Edit("header", 0.20): 0.95,
    Edit("footer", 0.10): 0.95,
    Edit("footer", 0.20): 0.95,
    Edit("dropped", 0.15): 0.95,
    Edit("truncated", 0.75): 0.95,
    Edit("truncated", 0.50): 0.95,
    Edit("reprint", 0.0): 0.90,
    Edit("reprint", 0.02): 0.90,
}
"""The least share of edits that are found in the family of their source; none where the edit leaves less than
J = .7. Of reprints with words replaced it is of those whose containment is still .9."""
REPRINT_CONTAINMENT: Final = 0.9
LEAST_PRECISION: Final = 0.98
FOREIGN_EDITS: Final = (
    Edit("replaced", 0.02),
    Edit("header", 0.10),
    Edit("header", 0.20),
    Edit("truncated", 0.75),
    Edit("truncated", 0.50),
)
BOILERPLATE_ARTICLES: Final = 3
ONE_ARTICLE_WORDS: Final = 50


class Table(Protocol):
    """Where figures are kept, to be shown when all is done."""

    near_duplicates: list[str]


@dataclass(frozen=True)
class Judged:
    """Texts, the numbers of those in one family, and how alike any two are.

    `origin` is the number of the text that each was made of, its own where it was not.
    """

    texts: list[str]
    origin: list[int]
    families: list[list[int]]
    exact: Overlaps

    @property
    def together(self) -> set[Pair]:
        return pairs_within(self.families)

    @property
    def precision(self) -> float:
        """The share of pairs in one family that belong there: of one source, or alike by exact comparison."""
        right = [self.origin[a] == self.origin[b] or self.exact.alike((a, b)) for a, b in self.together]
        return share(right)

    def contained(self, edit: int) -> float:
        """The containment of an edit and its source."""
        return self.exact.containment_of((self.origin[edit], edit))

    def found(self, among: Iterable[int]) -> float:
        """The share of edits that are in the family of their source."""
        pairs = self.together
        return share([(self.origin[i], i) in pairs for i in among])


@dataclass(frozen=True)
class Edits:
    """Sources, and what was made of each of them by every kind of edit, ready for comparison."""

    sources: list[str]
    of: Callable[[Edit], list[str]]
    prepared: Callable[[Edit | None], list[Prepared]]

    def judge(self, kinds: Sequence[Edit]) -> Judged:
        """Finds the families of the sources and these edits of them."""
        n = len(self.sources)
        texts = self.sources + [text for kind in kinds for text in self.of(kind)]
        prepared = self.prepared(None) + [one for kind in kinds for one in self.prepared(kind)]
        return Judged(texts, [i % n for i in range(len(texts))], families_of(prepared), overlaps(texts))


@pytest.fixture(scope="module")
def gold(shared: Path) -> Callable[[str], list[Article]]:
    """The articles of a gold set."""

    @cache
    def get(name: str) -> list[Article]:
        path = shared / "gold" / f"{name}.jsonl.gz"
        if not path.is_file():
            pytest.skip(f"the gold set {name} is absent: {path}")
        return [identify(parse_article(line)) for line in gzip.decompress(path.read_bytes()).splitlines()]

    return get


@pytest.fixture(scope="module")
def wire(gold: Callable[[str], list[Article]]) -> Judged:
    """A wire with its natural near-duplicates, and the families found in it."""
    articles = gold("reuters")
    texts = [body_text(article) for article in articles]
    families = families_of(prepare(articles, Params()))
    return Judged(texts, list(range(len(texts))), families, overlaps(texts))


@pytest.fixture(scope="module")
def edits(gold: Callable[[str], list[Article]]) -> Edits:
    """Real articles and edits of them. No text of the wire is filler of two edits, and none is like another."""
    chance = Random(SEED)
    long = {name: unlike([body_text(one) for one in gold(name)]) for name in SOURCES}
    for texts in long.values():
        chance.shuffle(texts)
    sources = [text for name, n in SOURCES.items() for text in long[name][:n]]
    filler = pieces(long["reuters"][SOURCES["reuters"] :])
    made = {edit: [edited(text, edit, filler, chance) for text in sources] for edit in GATES}

    @cache
    def prepared(edit: Edit | None) -> list[Prepared]:
        return prepare_texts(sources if edit is None else made[edit], "source" if edit is None else str(edit))

    return Edits(sources, made.__getitem__, prepared)


@pytest.mark.parametrize(("least_jaccard", "bound"), [(0.8, 0.98), (0.7, 0.90)])
def test_natural_near_duplicates_share_a_family(least_jaccard: float, bound: float, wire: Judged, table: Table) -> None:
    pairs = wire.exact.at(least_jaccard)
    found = len(pairs & wire.together)
    table.near_duplicates.append(
        f"reuters: {found} of {len(pairs)} pairs at exact Jaccard {least_jaccard} or more share a family: "
        f"{found / len(pairs):.3f} (bound {bound})"
    )
    assert len(pairs) > 400
    assert found >= bound * len(pairs)


def test_articles_that_share_a_family_are_alike(wire: Judged, table: Table) -> None:
    """J >= .5, or containment >= .8."""
    table.near_duplicates.append(
        f"reuters: of {len(wire.together)} pairs that share a family {wire.precision:.3f} are alike (bound 0.97)"
    )
    assert wire.precision >= 0.97


def test_no_family_spans_two_events_but_by_one_article(gold: Callable[[str], list[Article]], shared: Path) -> None:
    """One article, that is the same text of at least 50 words besides sentences that three articles or more have."""
    articles = gold("epimine")
    events = {row["id"]: row["story"] for row in rows(shared / "gold" / "epimine.jsonl.gz")}
    telling = without_boilerplate([body_text(article) for article in articles])
    spanning = [
        (articles[a].id, articles[b].id)
        for a, b in sorted(pairs_within(families_of(prepare(articles, Params()))))
        if events[articles[a].id] != events[articles[b].id]
        and not (telling[a] == telling[b] and len(telling[a]) >= ONE_ARTICLE_WORDS)
    ]
    assert spanning == []


@pytest.mark.parametrize("edit", GATES, ids=str)
def test_edits_are_found_in_the_family_of_their_source(edit: Edit, edits: Edits, table: Table) -> None:
    judged = edits.judge([edit])
    n = len(edits.sources)
    least = REPRINT_CONTAINMENT if edit.kind == "reprint" else 0.0
    counted = [i for i in range(n, 2 * n) if judged.contained(i) >= least]
    found, bound = judged.found(counted), GATES[edit]
    table.near_duplicates.append(
        f"edits: {edit!s:<14} {len(counted):>4} of real articles: recall {found:.3f} "
        f"{f'(bound {bound})' if bound else '':<12} precision {judged.precision:.3f} (bound {LEAST_PRECISION})"
    )
    assert len(counted) >= n / 3
    assert judged.precision >= LEAST_PRECISION
    assert bound is None or found >= bound


def test_families_of_many_edits_hold_nothing_else(edits: Edits, table: Table) -> None:
    judged = edits.judge(list(GATES))
    n = len(edits.sources)
    table.near_duplicates.append(
        f"edits: all at once     {len(judged.texts):>5} texts in {len(judged.families)} families: precision "
        f"{judged.precision:.3f} (bound {LEAST_PRECISION}); recall "
        + ", ".join(f"{edit} {judged.found(range((k + 1) * n, (k + 2) * n)):.2f}" for k, edit in enumerate(GATES))
    )
    assert judged.precision >= LEAST_PRECISION


@pytest.mark.parametrize("edit", FOREIGN_EDITS, ids=str)
def test_edits_in_other_scripts_are_found_and_mix_nothing_up(edit: Edit, repository: Path, table: Table) -> None:
    chance = Random(SEED)
    found = {}
    for path in sorted((repository / "tests" / "texts").glob("*.jsonl")):
        sources = [row["text"] for row in rows(path)]
        made = [edited(text, edit, others(sources, i), chance) for i, text in enumerate(sources)]
        prepared = prepare_texts(sources, "source") + prepare_texts(made, "edit")
        n = len(sources)
        judged = Judged(sources + made, [*range(n)] * 2, families_of(prepared), overlaps(sources + made))
        found[path.stem] = judged.found(range(n, 2 * n))
        assert judged.precision == 1
    table.near_duplicates.append(
        f"other scripts: {edit!s:<14} recall " + ", ".join(f"{name} {share:.1f}" for name, share in found.items())
    )


def test_the_order_of_arrival_changes_no_family(
    gold: Callable[[str], list[Article]], wire: Judged, edits: Edits
) -> None:
    chance = Random(SEED)
    articles = gold("reuters")
    alike = {i for pair in wire.exact.at(0.4) for i in pair}
    some = sorted(alike | set(chance.sample(range(len(articles)), 500)))
    prepared = prepare([articles[i] for i in some], Params())
    for edit in (None, *GATES):
        prepared += edits.prepared(edit)[:100]
    first = named(prepared)
    assert len(first) < len(prepared) - 500
    for _ in range(3):
        chance.shuffle(prepared)
        assert named(prepared) == first


def families_of(prepared: Sequence[Prepared]) -> list[list[int]]:
    """The families, as the places of their articles in the order given."""
    place = {one.article.id: i for i, one in enumerate(prepared)}
    assert len(place) == len(prepared)
    return [[place[m.article_id] for m in one.members] for one in find_families(prepared, Params())]


def named(prepared: Sequence[Prepared]) -> set[frozenset[str]]:
    """The families, as sets of article ids."""
    return {frozenset(m.article_id for m in one.members) for one in find_families(prepared, Params())}


def prepare_texts(texts: Sequence[str], name: str) -> list[Prepared]:
    """Articles without titles, whose ids are the name and a number."""
    return prepare([parse_article({"id": f"{name} {i}", "text": text}) for i, text in enumerate(texts)], Params())


def others(texts: Sequence[str], i: int) -> Iterator[str]:
    """The words of all texts but one, without end."""
    return cycle(pieces(text for k, text in enumerate(texts) if k != i))


def unlike(texts: Sequence[str]) -> list[str]:
    """The long ones among texts, without those that have much in common with an earlier one."""
    long = [text for text in texts if len(words(normalise(text))) >= LEAST_WORDS]
    exact = overlaps(long)
    later = set(exact.pairs[exact.containment >= MOST_IN_COMMON, 1].tolist())
    return [text for i, text in enumerate(long) if i not in later]


def without_boilerplate(texts: Sequence[str]) -> list[list[str]]:
    """The words of each text, without the sentences that several texts have."""
    sentences = [[tuple(words(normalise(part))) for part in regex.split(r"(?<=[.!?])\s+|\n+", text)] for text in texts]
    spread = Counter(sentence for one in sentences for sentence in set(one))
    return [
        [word for sentence in one if spread[sentence] < BOILERPLATE_ARTICLES for word in sentence] for one in sentences
    ]


def rows(path: Path) -> list[dict[str, str]]:
    raw = path.read_bytes()
    lines = (gzip.decompress(raw) if path.suffix == ".gz" else raw).splitlines()
    return [json.loads(line) for line in lines]


def share(judged: Sequence[bool]) -> float:
    """How many of these are so; 1 of none."""
    return sum(judged) / len(judged) if judged else 1.0
