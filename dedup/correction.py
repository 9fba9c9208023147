"""Corrections by hand: two articles that must be in one story, or must not, and what follows from all of them together.

1. Links hold in a chain: A linked with B and B linked with C puts A and C into one story.
2. Who is linked shares what the other is kept apart from: A linked with B and B unlinked from C keeps A from C.
3. Two articles that are kept apart are in no family together either, for a family is in one story.
4. A correction that contradicts those that stand is refused, with the chain that it contradicts.
5. What follows does not depend on the order in which corrections were made.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from dedup.errors import DedupError

CorrectionKind = Literal["link", "unlink"]

Thing = int | str
"""What is tied: articles by id, contents, members of a clustering and its labels by number."""


class CorrectionError(DedupError):
    """A correction that cannot be made or taken back; the message names the articles and the reason."""


class ContradictionError(CorrectionError):
    """A correction that contradicts others. `chain` has the articles from one end to the other: each is linked with
    the next one.
    """

    def __init__(self, message: str, chain: Sequence[str]) -> None:
        self.chain = tuple(chain)
        super().__init__(message)


@dataclass(frozen=True, slots=True, order=True)
class Correction:
    """Two articles, `one` before `other` by id, that must be in one story (link) or must not (unlink)."""

    kind: CorrectionKind
    one: str
    other: str

    @classmethod
    def of(cls, kind: CorrectionKind, article_id: str, other_id: str) -> Correction:
        """The correction, whichever article is named first. Raises `CorrectionError` for one article named twice."""
        if article_id == other_id:
            raise CorrectionError(f"{article_id!r} is named twice: a correction is about two articles")
        return cls(kind, *sorted((article_id, other_id)))

    def opposite(self, article_id: str) -> str:
        """The article that is not this one."""
        return self.other if article_id == self.one else self.one


class Ties:
    """Sets of things that belong together, and which sets are kept apart: a union-find that refuses some unions."""

    def __init__(self) -> None:
        self._parent: dict[Thing, Thing] = {}
        self._apart: dict[Thing, set[Thing]] = defaultdict(set)

    def root(self, thing: Thing) -> Thing:
        """One of the things that this one belongs together with, the same for all of them."""
        top = thing
        while top in self._parent:
            top = self._parent[top]
        while thing != top:
            self._parent[thing], thing = top, self._parent[thing]
        return top

    def part(self, one: Thing, other: Thing) -> bool:
        """Keeps two sets apart; False where they are one already."""
        roots = self.root(one), self.root(other)
        if roots[0] == roots[1]:
            return False
        self._apart[roots[0]].add(roots[1])
        self._apart[roots[1]].add(roots[0])
        return True

    def join(self, one: Thing, other: Thing) -> bool:
        """Makes two sets one; False where they are kept apart."""
        kept, gone = self.root(one), self.root(other)
        if kept == gone:
            return True
        if self.are_apart(kept, gone):
            return False
        self._parent[gone] = kept
        for opponent in self._apart.pop(gone, ()):
            self._apart[opponent].remove(gone)
            self.part(opponent, kept)
        return True

    def are_apart(self, one: Thing, other: Thing) -> bool:
        """Whether two things are in sets that are kept apart."""
        return bool(self._apart) and self.root(other) in self._apart.get(self.root(one), ())


@dataclass(frozen=True)
class Corrections:
    """All corrections that stand."""

    standing: frozenset[Correction] = frozenset()

    @classmethod
    def of(cls, standing: Iterable[Correction]) -> Corrections:
        """These corrections, which must not contradict each other."""
        return cls(frozenset(standing))

    def __bool__(self) -> bool:
        return bool(self.standing)

    @cached_property
    def about(self) -> Mapping[str, tuple[Correction, ...]]:
        """The corrections that name each article."""
        found: dict[str, list[Correction]] = defaultdict(list)
        for correction in sorted(self.standing):
            found[correction.one].append(correction)
            found[correction.other].append(correction)
        return {article_id: tuple(named) for article_id, named in found.items()}

    def without(self, article_ids: Collection[str]) -> Corrections:
        """Those that name none of these articles."""
        gone = {correction for name in article_ids for correction in self.about.get(name, ())}
        return Corrections(self.standing - gone) if gone else self

    def ties(self) -> Ties:
        """What follows for all articles named."""
        ties: Ties = Ties()
        for correction in sorted(self.standing):
            (ties.join if correction.kind == "link" else ties.part)(correction.one, correction.other)
        return ties

    def check(self, new: Correction) -> None:
        """Raises `ContradictionError` where a new correction contradicts those that stand."""
        if new.kind == "unlink":
            if chain := self._path(new.one, new.other):
                raise ContradictionError(
                    f"{new.one!r} and {new.other!r} cannot be unlinked, for they are linked: {' - '.join(chain)}. "
                    "Take a link of these back first",
                    chain,
                )
        elif chain := self._forbidden(new):
            raise ContradictionError(
                f"{new.one!r} and {new.other!r} cannot be linked: {' - '.join(chain)} would be one story, and "
                f"{chain[0]!r} and {chain[-1]!r} are unlinked. Take one of these corrections back first",
                chain,
            )

    def between(self, one: str, other: str) -> tuple[CorrectionKind, tuple[str, ...]] | None:
        """What follows for two articles, with the articles that it follows from: a chain of links from one to the
        other, or one that would be closed between two that are unlinked, which are its ends; None where nothing does.
        """
        if chain := self._path(one, other):
            return "link", tuple(chain)
        chain = self._forbidden(Correction.of("link", one, other))
        return ("unlink", tuple(chain)) if chain else None

    def _path(self, start: str, end: str) -> list[str]:
        """The shortest chain of links from one article to another, none where there is no chain."""
        before = self._reached(start)
        chain = [end] if end in before else []
        while chain and chain[-1] != start:
            chain.append(before[chain[-1]])
        return chain[::-1]

    def _forbidden(self, link: Correction) -> list[str]:
        """The shortest chain that a link would close between two articles that are unlinked."""
        chains = []
        here, there = self._reached(link.one), self._reached(link.other)
        for unlink in self.standing:
            if unlink.kind == "unlink":
                for near, far in ((unlink.one, unlink.other), (unlink.other, unlink.one)):
                    if near in here and far in there:
                        chains.append([*self._path(near, link.one), *self._path(link.other, far)])
        return min(chains, key=lambda chain: (len(chain), chain), default=[])

    def _reached(self, start: str) -> dict[str, str]:
        """Every article linked with one, in a chain, and the one before it on the shortest way there."""
        before, waiting = {start: ""}, deque([start])
        while waiting:
            here = waiting.popleft()
            for correction in self.about.get(here, ()):
                there = correction.opposite(here)
                if correction.kind == "link" and there not in before:
                    before[there] = here
                    waiting.append(there)
        return before


def divide(article_ids: Iterable[str], ties: Ties) -> list[list[str]]:
    """Articles of one text in as few parts as their ties ask for, usually one: in order of id each joins the first part
    that it is not apart from, and is tied to it from then on. An article that nothing is said of is in the first part.
    """
    parts: list[list[str]] = []
    for article_id in sorted(article_ids):
        for part in parts:
            if ties.join(part[0], article_id):
                part.append(article_id)
                break
        else:
            parts.append([article_id])
    return parts
