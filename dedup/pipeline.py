"""The order of the stages: the only module that knows it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup.article import Article
from dedup.family import Content, FamilyParams
from dedup.lsh import LshParams, band_keys
from dedup.minhash import batches, sign
from dedup.shingle import shingle
from dedup.terms import TermParams, Terms, read_terms
from dedup.text import body_text, normalise, words

SHORT_BODY_WORDS: Final = 20
"""A body of fewer words ("Read more", a teaser) is compared together with its title."""
_LONG_WORD: Final = 20
"""Letters; a text of more than this for each word of a short body is surely no short body."""


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of all stages."""

    lsh: LshParams = field(default_factory=LshParams)
    family: FamilyParams = field(default_factory=FamilyParams)
    terms: TermParams = field(default_factory=TermParams)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """An article with all that can be computed from it alone.

    `band_keys`: uint64, shape (bands,), or (0,) for an article that has a title only and so is nobody's
    near-duplicate: the same title is never enough.
    """

    article: Article
    content_hash: bytes
    n_words: int
    signature: NDArray[np.uint32]
    band_keys: NDArray[np.uint64]
    terms: Terms

    def content(self, number: int) -> Content:
        return Content(number, self.content_hash, self.n_words, self.signature)


def prepare(articles: Sequence[Article], params: Params) -> list[Prepared]:
    """Text, shingles, signature, band keys and terms of each article."""
    bodies = [body_text(article) for article in articles]
    compared = [_compared(article.title, body) for article, body in zip(articles, bodies, strict=True)]
    prepared: list[Prepared] = []
    for batch in batches(compared):
        shingles = shingle(batch)
        signatures = sign(shingles)
        keys = band_keys(signatures, params.lsh)
        for i in range(len(batch)):
            article, body = articles[len(prepared)], bodies[len(prepared)]
            has_body = shingles.n_words[i] > 0
            prepared.append(
                Prepared(
                    article,
                    shingles.content_hashes[i] if has_body else _own_hash(article),
                    int(shingles.n_words[i]),
                    signatures[i],
                    keys[i] if has_body else np.empty(0, np.uint64),
                    read_terms(article.title, body, params.terms),
                )
            )
    return prepared


def _compared(title: str, body: str) -> str:
    """The normalised text by which an article is compared with others; "" where it has no body."""
    normalised = normalise(body)
    if len(normalised) > SHORT_BODY_WORDS * _LONG_WORD:
        return normalised
    n_words = len(words(normalised))
    return normalised if n_words >= SHORT_BODY_WORDS or not n_words else f"{normalise(title)}\n{normalised}"


def _own_hash(article: Article) -> bytes:
    """A content hash that no other article has, and that changes with the title."""
    return hashlib.blake2b(f"{article.id}\n{normalise(article.title)}".encode(), digest_size=16).digest()
