"""Families as articles come and go: after each step they are what their verified edges make of what is there.

An archive is prepared and its edges are found once; a step settles anew only what it touches, by the functions that
settle the families of an inbox.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dedup.family import Content, Edge, Member, Settled, edges_of_pairs, group, reprints, settle, source_key
from dedup.identity import mint
from dedup.lsh import pairs_in_common
from dedup.pipeline import Params, Prepared


@dataclass(slots=True)
class GrowingFamilies:
    """The families of those articles of an archive that are there at the moment.

    `contents` are the archive's texts by number, `content_of` the number of each article's, `edges_of` the verified
    edges at each number.
    """

    params: Params
    contents: Sequence[Content]
    content_of: dict[str, int]
    edges_of: dict[int, list[Edge]]
    present: dict[int, dict[str, Member]] = field(default_factory=dict)
    family_of: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, prepared: Sequence[Prepared], params: Params) -> GrowingFamilies:
        """Those of an archive none of whose articles is there yet."""
        numbers: dict[bytes, int] = {}
        content_of = {one.article.id: numbers.setdefault(one.content_hash, len(numbers)) for one in prepared}
        firsts: dict[int, Prepared] = {}
        for one in prepared:
            firsts.setdefault(content_of[one.article.id], one)
        contents = [firsts[number].content(number) for number in range(len(numbers))]
        pairs = pairs_in_common([firsts[number].keys for number in range(len(numbers))])
        edges_of: dict[int, list[Edge]] = defaultdict(list)
        for edge in edges_of_pairs(contents, pairs, params.family):
            edges_of[edge.one].append(edge)
            edges_of[edge.other].append(edge)
        return cls(params, contents, content_of, dict(edges_of))

    def step(
        self, arrivals: Iterable[tuple[tuple[int, int], Prepared]], departures: Iterable[str]
    ) -> tuple[list[Settled], set[str]]:
        """The families there are now of all that a step touches, and the ids of those it touched.

        `arrivals` are articles that are new, each with the order it arrives in; `departures` are ids.
        """
        touched: set[int] = set()
        named: set[str] = set()
        for article_id in departures:
            number = self.content_of[article_id]
            named.add(self.family_of.pop(article_id))
            touched |= {number, *self._beside(number)}
            del self.present[number][article_id]
            if not self.present[number]:
                del self.present[number]
        for seen_at, one in arrivals:
            number, article = self.content_of[one.article.id], one.article
            member = Member(seen_at, article.id, number, "", source=source_key(article.source))
            self.present.setdefault(number, {})[article.id] = member
            touched.add(number)
        settled: list[Settled] = []
        for numbers in self._connected(touched):
            named |= {self.family_of[name] for n in numbers for name in self.present[n] if name in self.family_of}
            settled += self._settle(numbers)
        return settled, named | {one.family_id for one in settled}

    def _beside(self, number: int) -> list[int]:
        return [edge.other if edge.one == number else edge.one for edge in self.edges_of.get(number, ())]

    def _connected(self, touched: Iterable[int]) -> list[list[int]]:
        """The contents that are there and connected with these, set by set."""
        reached: set[int] = set()
        sets = []
        for start in sorted(touched):
            if start in reached or start not in self.present:
                continue
            connected = [start]
            reached.add(start)
            for number in connected:
                fresh = [n for n in self._beside(number) if n in self.present and n not in reached]
                reached.update(fresh)
                connected += dict.fromkeys(fresh)
            sets.append(sorted(connected))
        return sets

    def _settle(self, numbers: Sequence[int]) -> Iterable[Settled]:
        within = set(numbers)
        edges = sorted(
            {edge for number in numbers for edge in self.edges_of.get(number, ()) if {edge.one, edge.other} <= within},
            key=lambda edge: (edge.one, edge.other),
        )
        groups = group([self.contents[number] for number in numbers], edges, self.params.family)
        members = [
            Member(m.seen_at, m.article_id, m.content, self.family_of.get(m.article_id, ""), source=m.source)
            for number in numbers
            for m in self.present[number].values()
        ]
        settlement = settle(
            groups,
            members,
            lambda founder: mint("family", founder, self.used.__contains__),
            reprints(groups, edges),
            self.params.family.source_priority,
        )
        for one in settlement.families:
            self.used.add(one.family_id)
            self.family_of.update((member.article_id, one.family_id) for member in one.members)
        return settlement.families
