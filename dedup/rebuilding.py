"""A large window clustered anew, in pieces that different processes work on.

1. What is to be clustered is laid down once: the families, in order, by what they told then, and the background that
   they are all weighed by. A family that tells something else by now tells nothing here; it comes when it is followed.
2. `Neighbours`: who is like whom, by blocks of families, each held against itself and those before it. All blocks
   give the pairs of the whole window, whoever worked on which.
3. `living.Living.split`: HDBSCAN over the graph that these pairs make, and its cores in parts that no chain of likely
   merges connects.
4. `tell_part`: the stories and the events of one part, and what was scored to find them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from dedup.cluster import in_order
from dedup.episode import tell_apart
from dedup.graph import Index, Pairs, find_pairs
from dedup.groups import Earlier, Scored
from dedup.kept import Part, ToldPart
from dedup.known import Known
from dedup.pipeline import Background, Params, Telling, count_words, describe, merge_articles, published_days, weigh


@dataclass(slots=True)
class Neighbours:
    """Finds the neighbours of blocks of families, which are given in order: those before a block first."""

    background: Background
    params: Params
    index: Index = field(init=False)

    def __post_init__(self) -> None:
        self.index = Index.empty(self.background.vocabulary.counts.astype(np.int64), self.params.graph)

    @property
    def n(self) -> int:
        """How many families are laid out so far."""
        return len(self.index.days)

    def add(self, tellings: Sequence[Telling]) -> None:
        """Lays out the next families."""
        rows = weigh(tellings, self.params, self.background).rows
        self.index = self.index.appended(rows, count_words(tellings), published_days(tellings))

    def find(self, first: int) -> Pairs:
        """The pairs of families of which the later has a number from this on."""
        return find_pairs(self.index, first)


def tell_part(part: Part, tellings: Sequence[Telling], background: Background, params: Params) -> ToldPart:
    """The stories that these articles make, and the events that they tell."""
    articles = describe(tellings, weigh(tellings, params, background), params, background.weigher)
    cores = in_order(part.cores)
    named, numbers = (np.zeros(int(labels.max(initial=-1)) + 1, np.int64) for labels in (part.cores, cores))
    named[part.cores], numbers[cores] = cores, part.cores
    ties = Scored(named[part.ties.left], named[part.ties.right], part.ties.scores)
    earlier = Earlier(ties, numbers, Known())
    nobody = sparse.csr_matrix((len(cores), len(cores)))
    merged = merge_articles(cores, nobody, articles, params, earlier)
    earlier.known.settle()
    return ToldPart(merged, tell_apart(merged, cores, articles, params.episode), earlier.known)
