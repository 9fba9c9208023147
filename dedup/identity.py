"""Who keeps which story id after a run, and what changed: a pure decision over the run's clusters.

Clustering says which families belong together now; the standing stories say what they were called so far.

1. A run in which nothing changed changes nothing: the same ids, no change told.
2. An id never means two stories: no two clusters get one id, and an id once retired is not given out again.
3. The larger overlap carries the id. Overlap is counted in articles the story had before this run and that lie in
   the cluster. Ids go to clusters one-to-one, with the greatest overlap in total. Ties go to clusters that hold a
   family of the story rather than articles that left their family, then to the older story (founded first), then to
   the part with the story's first-arrived article.
4. A merge retires one id. A story that no cluster carries retires into the story that most of its articles joined
   (ties: the older one), if these are more than the articles it has outside the window, or it has none there. All it
   has outside the window follows, and its id resolves to the living one in one hop, also after further merges. If
   more of it lies outside the window, that part stays under its own id: the articles that went are moved, and the
   story ends. (One copy that comes back weeks later and joins the next round must not take the old round with it.)
5. A split keeps the id with the larger part. The other part gets an id minted from its founding article, the one
   that arrived first.
6. Ids and order come from arrival. A publisher's date is no input here.
7. The same log replayed gives the same ids: the order of the inputs does not matter.
8. Each article is told at most once a run, each change once, in one order: born, split, moved, merged, grew, ended;
   within a kind by the story's founding. Cases in between:
   - born: a cluster without any standing article. split: a new id for a cluster with articles of living stories,
     told from the story most of them come from (ties: the older); the others' articles are moved to the new id.
   - moved: articles that went to another story without their own being merged into it, one change per pair of
     stories. What left a retiring story for a third one is moved too, told before the merge.
   - merged: told with all that followed, in the window and outside. grew: articles placed for the first time in a
     story that is not born in this run (it may have been split off in it); a reopened story always tells grew, with
     no article if none is new.
   - ended: an open story none of whose families is in the window any more.
9. A back-dated or revised article steals nothing: an article that changes its family or cluster goes alone, and does
   not take along the id of a story that keeps other articles in the window. A story whose only article in the window
   goes is merged or ends, by rule 4. (Two halves of a story are a split, by rule 3, whatever drove them apart.)
10. An ended story whose family comes back into the window continues under its id: reopened, and told as grew.
11. A correction by hand may call families back that are outside the window, for it holds for them too. They are placed
    like others and open nothing: a story that has none but these is ended after the run, and told so if it was open
    or is new.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from heapq import heappop, heappush
from itertools import chain, count
from typing import Final, Literal

from dedup.errors import DedupError
from dedup.story import Change, ChangeKind, StoryStatus

MAX_TOLD_ARTICLES: Final = 100
"""How many article ids a change lists; `n_articles` counts them all."""

_LETTERS: Final = {"story": "s", "storyline": "l", "family": "f"}
_TOLD_FIRST: Final[tuple[ChangeKind, ...]] = ("born", "split", "moved", "merged", "grew", "ended")


class IdentityError(DedupError):
    """Clusters, families and standing stories that contradict each other; the message names which."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A family in the window, with every article of it that is kept.

    `articles` are in order of arrival; `seen_at` (arrival keys) and `stories` (the story each article has so far, ""
    if it was never placed) match them one to one. `story` is the family's own so far, "" if it has none yet; an
    article that changed its family may have another.
    """

    family: str
    articles: tuple[str, ...]
    seen_at: tuple[int, ...]
    story: str
    stories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """A family that left the window and is still kept, with its articles and their arrival keys."""

    family: str
    articles: tuple[str, ...]
    seen_at: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """A story as the run before left it: `founded` is the arrival key of its founding article."""

    id: str
    founded: int
    status: StoryStatus
    left: tuple[Left, ...] = ()


@dataclass(frozen=True, slots=True)
class Assigned:
    """A cluster under its id.

    `families` are those in the window, by arrival; `left` those of the story outside it, the ones of stories merged
    into it included. `reopened` says that the story had ended, `is_open` that it has a family in the window.
    """

    story_id: str
    founded: int
    families: tuple[str, ...]
    left: tuple[Left, ...]
    is_new: bool
    reopened: bool
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Intent:
    """A change to be told, before the run, its time and the storyline are known. `articles` are all, by arrival."""

    kind: ChangeKind
    story: str
    other: str
    articles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run changes.

    `stories` has one entry a cluster, by founding. `aliases` are those to write: retired id to living id, earlier
    aliases that must point elsewhere included. `relocated` maps every article that had a story and has another now
    to the new one, in the window or outside it.
    """

    stories: tuple[Assigned, ...]
    ended: tuple[str, ...]
    aliases: Mapping[str, str]
    relocated: Mapping[str, str]
    changes: tuple[Intent, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """A cluster to be named: its families by arrival, the stories they had, and their articles.

    `members` are (arrival key, article, story so far), family by family: the first one is the founding article.
    """

    families: tuple[str, ...]
    homes: frozenset[str]
    members: tuple[tuple[int, str, str], ...]


@dataclass(frozen=True, slots=True)
class _Overlaps:
    """How many articles each story has in each part (0: a family without any article of the story).

    `founders` maps a story to the part with its first-arrived article in the window.
    """

    parts_of: Mapping[str, Mapping[int, int]]
    stories_of: Mapping[int, Sequence[str]]
    founders: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Named:
    """The parts under their ids; `founded` holds the founding of every story standing or new, `closed` the parts that
    are outside the window.
    """

    parts: Sequence[_Part]
    ids: Sequence[str]
    founded: Mapping[str, int]
    new: frozenset[str]
    closed: frozenset[str]
    reopened: frozenset[str]
    retired: Mapping[str, str]


def mint(kind: Literal["story", "storyline", "family"], founding_article: str, taken: Callable[[str], bool]) -> str:
    """A new id from the article that founds what it names: a letter for the kind and 16 hex digits of BLAKE2b.

    If that one is `taken`, it is hashed again with a counter. No article id has a line feed, so the two never meet.
    """
    named = _named(kind, founding_article)
    turns = count(1)
    while taken(named):
        named = _named(kind, f"{founding_article}\n{next(turns)}")
    return named


@lru_cache(4_096)
def _named(kind: Literal["story", "storyline", "family"], text: str) -> str:
    return _LETTERS[kind] + blake2b(text.encode(), digest_size=8).hexdigest()


def decide(
    placed: Iterable[Placed],
    clusters: Iterable[Sequence[str]],
    standing: Mapping[str, Standing],
    aliases: Mapping[str, str] | None = None,
    taken: Callable[[str], bool] = lambda _: False,
    called_back: Collection[str] = (),
) -> Outcome:
    """Who keeps which id, by the rules above.

    `placed` is every family in the window, `clusters` a partition of their ids. `standing` has, by id, every story
    that is open, or that a placed family or article belongs to. `aliases` are the ones kept so far, `taken` says of
    other ids whether they were used. `called_back` are the placed families that are outside the window. Raises
    `IdentityError` if these contradict each other.
    """
    parts = _gather(placed, clusters)
    _check_left(parts, standing)
    named = _settle(parts, standing, aliases or {}, taken, frozenset(called_back))
    gone = (standing.keys() - set(named.ids) - named.retired.keys()) | named.closed
    was_open = (s for s in gone if s in named.new or standing[s].status == "open")
    ended = tuple(sorted(was_open, key=lambda s: (named.founded[s], s)))
    changes = _tell(named, standing, ended)
    return Outcome(
        stories=_assign(named, standing),
        ended=ended,
        aliases=_redirect(named.retired, aliases or {}),
        relocated={article: _goal(change) for change in changes if change.other for article in change.articles},
        changes=changes,
    )


def to_change(intent: Intent, *, storyline: str, run: int, at: float) -> Change:
    """The intent as it is told: with its storyline, run and time (Unix seconds), and at most 100 article ids."""
    told = intent.articles[:MAX_TOLD_ARTICLES]
    return Change(intent.kind, intent.story, intent.other, storyline, told, len(intent.articles), run, at)


def _settle(
    parts: Sequence[_Part],
    standing: Mapping[str, Standing],
    aliases: Mapping[str, str],
    taken: Callable[[str], bool],
    called_back: frozenset[str],
) -> _Named:
    """Every part under its id."""
    overlaps = _count_overlaps(parts, standing)
    carried = _carry(parts, overlaps, standing)
    ids = _name(parts, carried, lambda story: story in standing or story in aliases or taken(story))
    founded = {ids[index]: part.members[0][0] for index, part in enumerate(parts) if index not in carried}
    closed = frozenset(story for story, part in zip(ids, parts, strict=True) if called_back.issuperset(part.families))
    return _Named(
        parts=parts,
        ids=ids,
        founded={story: known.founded for story, known in standing.items()} | founded,
        new=frozenset(founded),
        closed=closed,
        reopened=frozenset(story for story in carried.values() if standing[story].status == "ended") - closed,
        retired=_retire(overlaps, carried, standing),
    )


def _gather(placed: Iterable[Placed], clusters: Iterable[Sequence[str]]) -> list[_Part]:
    """The clusters with their families and articles by arrival, the one with the oldest article first."""
    by_family: dict[str, Placed] = {}
    for family in placed:
        if family.family in by_family:
            raise IdentityError(f"family {family.family} is placed twice")
        by_family[family.family] = family
        if not len(family.articles) == len(family.seen_at) == len(family.stories) > 0:
            raise IdentityError(f"family {family.family}: articles, seen_at and stories must match and not be empty")
    parts = [_part(cluster, by_family) for cluster in clusters if cluster]
    if by_family:
        raise IdentityError(f"in no cluster: families {', '.join(sorted(by_family)[:5])}")
    return sorted(parts, key=lambda part: part.members[0])


def _part(cluster: Sequence[str], unclaimed: dict[str, Placed]) -> _Part:
    families = []
    for family in cluster:
        if family not in unclaimed:
            raise IdentityError(f"family {family} is in two clusters, or in one without being placed")
        families.append(unclaimed.pop(family))
    families.sort(key=lambda family: (family.seen_at[0], family.family))
    members = chain.from_iterable(zip(f.seen_at, f.articles, f.stories, strict=True) for f in families)
    homes = frozenset(family.story for family in families if family.story)
    return _Part(tuple(family.family for family in families), homes, tuple(members))


def _check_left(parts: Sequence[_Part], standing: Mapping[str, Standing]) -> None:
    known: set[str] = set()
    left = (left.articles for story in standing.values() for left in story.left)
    for articles in chain(((article for _, article, _ in part.members) for part in parts), left):
        for article in articles:
            if article in known:
                raise IdentityError(f"article {article} is in two families, or both in the window and outside it")
            known.add(article)


def _count_overlaps(parts: Sequence[_Part], standing: Mapping[str, Standing]) -> _Overlaps:
    parts_of: dict[str, dict[int, int]] = {}
    stories_of: dict[int, list[str]] = {}
    first: dict[str, tuple[int, str, int]] = {}
    for index, part in enumerate(parts):
        shares = dict.fromkeys(sorted(part.homes), 0)
        for seen_at, article, story in part.members:
            if story:
                shares[story] = shares.get(story, 0) + 1
                first[story] = min(first.get(story, (seen_at, article, index)), (seen_at, article, index))
        for story, n_articles in shares.items():
            parts_of.setdefault(story, {})[index] = n_articles
        stories_of[index] = list(shares)
    if unknown := sorted(parts_of.keys() - standing.keys()):
        raise IdentityError(f"articles of the window belong to stories that do not stand: {', '.join(unknown[:5])}")
    return _Overlaps(parts_of, stories_of, {story: index for story, (_, _, index) in first.items()})


def _carry(parts: Sequence[_Part], overlaps: _Overlaps, standing: Mapping[str, Standing]) -> dict[int, str]:
    """The story each part carries on, by rule 3; parts that carry none are left out."""
    carried: dict[int, str] = {}
    by_age = sorted(overlaps.parts_of, key=lambda story: (standing[story].founded, story))
    rank = {story: turn for turn, story in enumerate(by_age)}
    for connected in _components(by_age, overlaps):
        if len(connected) == len(overlaps.parts_of[connected[0]]) == 1:
            carried[next(iter(overlaps.parts_of[connected[0]]))] = connected[0]
            continue
        connected.sort(key=rank.__getitem__)
        weights = _weigh(connected, parts, overlaps)
        carried |= {index: connected[row] for index, row in match_heaviest(weights).items()}
    return carried


def _components(stories: Iterable[str], overlaps: _Overlaps) -> Iterator[list[str]]:
    """Stories that share clusters, directly or through others."""
    reached: set[str] = set()
    for start in stories:
        if start in reached:
            continue
        reached.add(start)
        connected = [start]
        for story in connected:
            for index in overlaps.parts_of[story]:
                fresh = [other for other in overlaps.stories_of[index] if other not in reached]
                reached.update(fresh)
                connected.extend(fresh)
        yield connected


def _weigh(by_age: Sequence[str], parts: Sequence[_Part], overlaps: _Overlaps) -> list[dict[int, int]]:
    """Rule 3 as one integer for each story and part: no sum of a lesser criterion outweighs 1 of a greater.

    The sets of stories that heaviest matchings cover are the bases of a matroid, so falling ranks as the bonus for
    age pick the set that is oldest story by story, as powers of two would.
    """
    n_stories = len(by_age)
    age = n_stories + 1
    home = age * (n_stories * (n_stories + 1) // 2 + 1)
    article = home * (n_stories + 1)
    return [
        {
            index: n_articles * article
            + home * (story in parts[index].homes)
            + age * (n_stories - row)
            + (overlaps.founders.get(story) == index)
            for index, n_articles in overlaps.parts_of[story].items()
        }
        for row, story in enumerate(by_age)
    ]


def match_heaviest(weights: Sequence[Mapping[int, int]]) -> dict[int, int]:
    """Column to row, one-to-one, with the greatest sum of weights.

    `weights[row]` maps columns (0 or more) to positive integers of any size; a row may stay alone. Successive shortest
    augmenting paths with potentials (Jonker and Volgenant 1987), on the sparse graph and in exact integers: a float
    assignment cannot hold the tie-breaks of a large component, and its matrix would be dense.
    """
    costs = [{column: -weight for column, weight in row.items()} | {-1 - i: 0} for i, row in enumerate(weights)]
    prices = dict.fromkeys(chain.from_iterable(costs), 0)
    gains: list[int] = []
    row_of: dict[int, int] = {}
    for row, row_costs in enumerate(costs):
        gains.append(min(cost - prices[column] for column, cost in row_costs.items()))
        _augment(row, costs, gains, prices, row_of)
    return {column: row for column, row in sorted(row_of.items()) if column >= 0}


def _augment(
    start: int, costs: Sequence[Mapping[int, int]], gains: list[int], prices: dict[int, int], row_of: dict[int, int]
) -> None:
    """Match row `start` along the cheapest alternating path, and keep all reduced costs at 0 or more."""
    distance: dict[int, int] = {}
    reached_from: dict[int, int] = {}
    settled: list[int] = []
    heap: list[tuple[int, int]] = []
    row, travelled = start, 0
    while True:
        for column, cost in costs[row].items():
            through = travelled + cost - gains[row] - prices[column]
            if column not in distance or through < distance[column]:
                distance[column], reached_from[column] = through, row
                heappush(heap, (through, column))
        travelled, column = heappop(heap)
        while travelled > distance[column]:
            travelled, column = heappop(heap)
        if column not in row_of:
            break
        settled.append(column)
        row = row_of[column]
    gains[start] += travelled
    for done in settled:
        gains[row_of[done]] += travelled - distance[done]
        prices[done] -= travelled - distance[done]
    column_of = {row_of[done]: done for done in settled}
    while (row := reached_from[column]) != start:
        row_of[column] = row
        column = column_of[row]
    row_of[column] = start


def _name(parts: Sequence[_Part], carried: Mapping[int, str], taken: Callable[[str], bool]) -> list[str]:
    minted: set[str] = set()
    ids = []
    for index, part in enumerate(parts):
        story = carried.get(index) or mint("story", part.members[0][1], lambda s: s in minted or taken(s))
        minted.add(story)
        ids.append(story)
    return ids


def _retire(overlaps: _Overlaps, carried: Mapping[int, str], standing: Mapping[str, Standing]) -> dict[str, str]:
    """Rule 4: retired id to living id. A heaviest matching leaves a story alone only where all its parts have ids."""
    retired = {}
    for story in overlaps.parts_of.keys() - set(carried.values()):
        shares = {carried[index]: n for index, n in overlaps.parts_of[story].items()}
        heir = min(shares, key=lambda s: (-shares[s], standing[s].founded, s))
        n_left = sum(len(left.articles) for left in standing[story].left)
        if shares[heir] > n_left or not n_left:
            retired[story] = heir
    return dict(sorted(retired.items()))


def _redirect(retired: Mapping[str, str], aliases: Mapping[str, str]) -> dict[str, str]:
    earlier = {alias: retired[living] for alias, living in aliases.items() if living in retired} if retired else {}
    return dict(sorted((earlier | dict(retired)).items()))


def _assign(named: _Named, standing: Mapping[str, Standing]) -> tuple[Assigned, ...]:
    heirlooms: dict[str, list[Left]] = {}
    for story, heir in named.retired.items():
        heirlooms.setdefault(heir, []).extend(standing[story].left)
    stories = []
    for story, part in zip(named.ids, named.parts, strict=True):
        left = (*(standing[story].left if story in standing else ()), *heirlooms.get(story, ()))
        ordered = tuple(sorted(left, key=lambda family: (family.seen_at[:1], family.family)))
        new, reopened = story in named.new, story in named.reopened
        is_open = story not in named.closed
        stories.append(Assigned(story, named.founded[story], part.families, ordered, new, reopened, is_open))
    return tuple(sorted(stories, key=lambda assigned: (assigned.founded, assigned.story_id)))


def _tell(named: _Named, standing: Mapping[str, Standing], ended: Sequence[str]) -> tuple[Intent, ...]:
    """Rule 8: every change of the run, in order."""
    followers = {
        story: [item for left in standing[story].left for item in zip(left.seen_at, left.articles, strict=True)]
        for story in named.retired
    }
    told = [Intent("ended", story, "", ()) for story in ended]
    for story, part in zip(named.ids, named.parts, strict=True):
        arrivals: dict[str, list[tuple[int, str]]] = {}
        for seen_at, article, before in part.members:
            if before != story:
                arrivals.setdefault(before, []).append((seen_at, article))
        for before in [before for before in arrivals if named.retired.get(before) == story]:
            followers[before].extend(arrivals.pop(before))
        told.extend(_tell_part(story, arrivals, named))
    told.extend(Intent("merged", story, named.retired[story], _ids(told_of)) for story, told_of in followers.items())
    return tuple(sorted(told, key=lambda intent: _order(intent, named.founded)))


def _tell_part(story: str, arrivals: Mapping[str, list[tuple[int, str]]], named: _Named) -> Iterator[Intent]:
    """What is told of one cluster: `arrivals` are its articles that were not in `story`, by the story they had."""
    sources = sorted((before for before in arrivals if before), key=lambda s: (-len(arrivals[s]), named.founded[s], s))
    for turn, before in enumerate(sources):
        kind: ChangeKind = "split" if story in named.new and turn == 0 else "moved"
        yield Intent(kind, story, before, _ids(arrivals[before]))
    if "" in arrivals or story in named.reopened:
        born = story in named.new and not sources
        yield Intent("born" if born else "grew", story, "", _ids(arrivals.get("", ())))


def _order(intent: Intent, founded: Mapping[str, int]) -> tuple[int, int, str, int, str]:
    other = intent.other
    kind = _TOLD_FIRST.index(intent.kind)
    return kind, founded[intent.story], intent.story, founded[other] if other else 0, other


def _goal(change: Intent) -> str:
    """The story the articles of a change are in after it."""
    return change.other if change.kind == "merged" else change.story


def _ids(arrivals: Iterable[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(article for _, article in sorted(arrivals))
