"""Which articles of a family need not be shown to somebody who is shown others of it.

1. The representative is always shown.
2. Of the others, in the order of their sources' priority and then of their arrival, one is shown unless it is a copy
   or a near-duplicate of one that is: the same text, or verified similarity of these two, whatever others link them.
   What only contains another, or is contained in it, is shown.
3. So each one that is not shown has one that is and says the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dedup.family import Content, FamilyParams, Member, bar, source_key, verify
from dedup.story import Kind


@dataclass(frozen=True, slots=True)
class Covered:
    """Why an article need not be shown: `kept` says the same, being a copy or a near-duplicate of it (`kind`), by a
    similarity that reaches the bar for texts of their length.
    """

    kept: str
    kind: Kind
    jaccard: float
    bar: float


def covered(
    members: Sequence[Member], contents: Mapping[int, Content], representative: str, params: FamilyParams
) -> dict[str, Covered]:
    """The articles of one family that need not be shown, by article id.

    `members` are those that somebody has, `contents` their texts by number; one whose text is not known is shown.
    `representative` is the family's, whether it is among them or not.
    """
    priority = {source_key(source): i for i, source in enumerate(params.source_priority)}
    shown: list[Member] = []
    found: dict[str, Covered] = {}
    for member in sorted(
        members, key=lambda one: (one.article_id != representative, priority.get(one.source, len(priority)), one)
    ):
        is_free = member.article_id != representative
        reason = next(filter(None, (_same(member, one, contents, params) for one in shown if is_free)), None)
        if reason is None:
            shown.append(member)
        else:
            found[member.article_id] = reason
    return found


def _same(member: Member, other: Member, contents: Mapping[int, Content], params: FamilyParams) -> Covered | None:
    """How a member says the same as another one, None where it does not."""
    one, two = contents.get(member.content), contents.get(other.content)
    if one is None or two is None:
        return None
    needed = bar(min(one.n_words, two.n_words), params)
    if member.content == other.content:
        return Covered(other.article_id, "copy", 1.0, needed)
    edge = next(iter(verify(one, [two], params)), None)
    if edge is None or edge.containment:
        return None
    return Covered(other.article_id, "near-duplicate", edge.jaccard, needed)
