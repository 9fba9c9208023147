"""What readers of a story id see from run to run: who was moved with a word, who without, and when it was for good."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from dedup.roster import HeldArticle
from dedup.story import Change

_MOVING: Final = ("moved", "split", "merged")
"""Kinds of changes by which articles come from one story into another."""


@dataclass(slots=True)
class _Entry:
    """An article's story, the run and time (Unix seconds) that placed it first, and those that placed it last."""

    story: str
    first: tuple[int, float]
    last: tuple[int, float]


@dataclass(slots=True)
class Ledger:
    """The story that each article was last told to be in, and how it came there.

    `told` counts the articles of changes by kind, and a change that names none as one; `unexplained` are articles whose
    story changed without a change that says so, with the story before, the one after and the run.
    """

    entries: dict[str, _Entry] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    unexplained: list[tuple[str, str, str, int]] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)

    def note(
        self,
        articles: Iterable[HeldArticle],
        changes: Sequence[Change],
        retired: Mapping[str, str],
        run: int,
        now: float,
    ) -> None:
        """Takes down a run: all articles that can be read after it, what it told, and the ids it retired."""
        for change in changes:
            self.told[change.kind] += change.n_articles or 1
        self.aliases |= retired
        pairs = {(change.story, change.other): change for change in changes if change.kind in _MOVING}
        for article in articles:
            entry = self.entries.get(article.article_id)
            if entry is None:
                self.entries[article.article_id] = _Entry(article.story, (run, now), (run, now))
            elif entry.story != article.story:
                if not _is_told(article.article_id, entry.story, article.story, pairs):
                    self.unexplained.append((article.article_id, entry.story, article.story, run))
                entry.story, entry.last = article.story, (run, now)

    def home(self, article_id: str) -> str:
        """The story that an article's last one resolves to."""
        return follow(self.entries[article_id].story, self.aliases)

    def waits(self) -> list[tuple[int, float]]:
        """For each article, runs and days from its first story to its last."""
        return [
            (entry.last[0] - entry.first[0], (entry.last[1] - entry.first[1]) / 86_400)
            for entry in self.entries.values()
        ]


def follow(name: str, aliases: Mapping[str, str]) -> str:
    """What an id resolves to."""
    while name in aliases:
        name = aliases[name]
    return name


def _is_told(article_id: str, before: str, after: str, pairs: Mapping[tuple[str, str], Change]) -> bool:
    """Whether a change says that this article went from one story to another: it is named, or one of more than a change
    names, or its whole story was merged.
    """
    for change in (pairs.get((after, before)), pairs.get((before, after))):
        if change is not None and (
            change.kind == "merged" or article_id in change.articles or change.n_articles > len(change.articles)
        ):
            return True
    return False
