"""Near-copies are found in every script: Cyrillic, Turkish letters, right to left, and without spaces."""

from __future__ import annotations

import random
import unicodedata
from pathlib import Path

import pytest

from dedup.article import Article, parse_article
from dedup.family import Settled
from dedup.pipeline import Params, find_families, prepare

LANGUAGES = ("uk", "tr", "ar", "zh", "ja")
SPACELESS = ("zh", "ja")
REPLACED = 0.02
N_COPIES = 4


def originals(repository: Path, language: str) -> list[Article]:
    lines = (repository / "tests" / "texts" / f"{language}.jsonl").read_text(encoding="utf-8").splitlines()
    return [parse_article(line) for line in lines]


def near_copies(article: Article, chance: random.Random, *, by_letter: bool) -> list[Article]:
    """Copies with 2 % of the words, or of the letters where words are not spaced, replaced by others of the text."""
    copies = []
    for turn in range(N_COPIES):
        units = list(article.text) if by_letter else article.text.split(" ")
        wordlike = [i for i, unit in enumerate(units) if any(map(str.isalnum, unit))]
        for place in chance.sample(wordlike, round(REPLACED * len(wordlike))):
            units[place] = chance.choice([units[i] for i in wordlike if units[i] != units[place]])
        text = ("" if by_letter else " ").join(units)
        assert text != article.text
        copies.append(Article(f"{article.id}/copy-{turn}", title=article.title, text=text))
    return copies


@pytest.fixture(scope="module")
def archive(repository: Path) -> dict[str, list[Settled]]:
    """All originals and near-copies of all languages as one archive, shuffled: the family of each article id."""
    chance = random.Random(20_250_602)
    articles: list[Article] = []
    for language in LANGUAGES:
        for article in originals(repository, language):
            articles += [article, *near_copies(article, chance, by_letter=language in SPACELESS)]
    chance.shuffle(articles)
    families: dict[str, list[Settled]] = {}
    for settled in find_families(prepare(articles, Params()), Params()):
        for member in settled.members:
            families.setdefault(member.article_id, []).append(settled)
    return families


@pytest.mark.parametrize("language", LANGUAGES)
def test_at_least_19_of_20_near_copies_are_found(
    language: str, archive: dict[str, list[Settled]], repository: Path
) -> None:
    found = [
        archive[article.id] == archive[f"{article.id}/copy-{turn}"]
        for article in originals(repository, language)
        for turn in range(N_COPIES)
    ]
    assert len(found) == 20
    assert sum(found) >= 19


def test_no_two_different_texts_are_joined(archive: dict[str, list[Settled]]) -> None:
    for (settled,) in archive.values():
        assert len({member.article_id.partition("/")[0] for member in settled.members}) == 1


def test_every_article_is_in_one_family(archive: dict[str, list[Settled]]) -> None:
    assert len(archive) == len(LANGUAGES) * 5 * (1 + N_COPIES)
    assert {len(families) for families in archive.values()} == {1}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_copy_is_found_whatever_the_width_and_composition_of_its_letters(language: str, repository: Path) -> None:
    article = originals(repository, language)[0]
    respelt = [
        article.text.translate({ord("0") + digit: ord("０") + digit for digit in range(10)}).replace(" ", "\u00a0"),
        unicodedata.normalize("NFD", article.text),
        article.text.replace("\n", "\n\u200b"),
    ]
    copies = [Article(f"copy-{i}", text=text) for i, text in enumerate(respelt)]
    (family,) = find_families(prepare([article, *copies], Params()), Params())
    assert family.kinds == ("new", "copy", "copy", "copy")
