"""Stories and storylines as users read them, and the profiles by which storylines are found again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args

from dedup.article import format_time, parse_time
from dedup.story import Story, Storyline, StoryStatus
from worker.store.commit import Fields, Unit
from worker.store.connection import Connection
from worker.store.keys import Keys

_READ_TOGETHER: Final = 5_000
_STATUSES: Final[Mapping[str, StoryStatus]] = {status: status for status in get_args(StoryStatus)}


@dataclass(frozen=True, slots=True)
class Stories:
    """Stories and storylines under one prefix."""

    connection: Connection
    keys: Keys

    def put_story(self, unit: Unit, story: Story) -> None:
        """Writes a story's own fields and its place among all stories."""
        unit.put(self.keys.story(story.id), story_fields(story))
        unit.add_scored(self.keys.stories, {story.id: story.updated_at})

    def leave(self, unit: Unit, story_id: str, article_ids: Sequence[str]) -> None:
        """Takes articles out of a story."""
        unit.gather("ZREM", self.keys.story_articles(story_id), words=article_ids)

    def drop_story(self, unit: Unit, story_id: str, storyline_id: str) -> None:
        """Takes a story's keys away, and its place in its storyline."""
        unit.do("DEL", self.keys.story(story_id), self.keys.story_articles(story_id))
        unit.gather("ZREM", self.keys.stories, words=[story_id])
        if storyline_id:
            unit.gather("ZREM", self.keys.storyline_stories(storyline_id), words=[story_id])

    def put_storyline(self, unit: Unit, storyline: Storyline, stories: Mapping[str, float]) -> None:
        """Writes a storyline and its stories, scored by the arrival of their first article."""
        unit.put(self.keys.storyline(storyline.id), storyline_fields(storyline))
        if stories:
            unit.add_scored(self.keys.storyline_stories(storyline.id), stories)

    def leave_storyline(self, unit: Unit, storyline_id: str, story_ids: Sequence[str]) -> None:
        """Takes stories out of a storyline they no longer belong to."""
        if story_ids:
            unit.gather("ZREM", self.keys.storyline_stories(storyline_id), words=story_ids)

    def put_profile(self, unit: Unit, storyline_id: str, story_id: str, packed: bytes, last_at: float) -> None:
        """Keeps a story's profile under its storyline; `last_at` (Unix seconds) is the storyline's latest activity,
        by which it expires.
        """
        unit.do("HSET", self._profile(storyline_id), story_id, packed)
        unit.add_scored(self._profiles, {storyline_id: last_at})

    def drop_profile(self, unit: Unit, storyline_id: str, story_id: str) -> None:
        """Takes a story's profile from a storyline it no longer belongs to."""
        unit.do("HDEL", self._profile(storyline_id), story_id)

    def drop_storyline(self, unit: Unit, storyline_id: str) -> None:
        """Takes a storyline and its profiles away."""
        unit.do(
            "DEL",
            self.keys.storyline(storyline_id),
            self.keys.storyline_stories(storyline_id),
            self._profile(storyline_id),
        )
        unit.gather("ZREM", self._profiles, words=[storyline_id])

    def profiles(self) -> dict[str, dict[str, bytes]]:
        """Every storyline's packed profiles, by story."""
        ids = [one.decode() for one in self.connection.zrange(self._profiles, 0, -1)]
        found: dict[str, dict[str, bytes]] = {}
        for start in range(0, len(ids), _READ_TOGETHER):
            part = ids[start : start + _READ_TOGETHER]
            pipeline = self.connection.pipeline(transaction=False)
            for one in part:
                pipeline.hgetall(self._profile(one))
            for one, held in zip(part, pipeline.execute(), strict=True):
                found[one] = {story.decode(): packed for story, packed in held.items()}
        return found

    def n_storylines(self) -> int:
        """How many storylines are kept."""
        return int(self.connection.zcard(self._profiles))

    def storyline_ids(self) -> set[str]:
        """Every storyline that is kept."""
        return {one.decode() for one in self.connection.zrange(self._profiles, 0, -1)}

    def storylines_older_than(self, at: float) -> list[str]:
        """Storylines whose latest activity was before a time (Unix seconds)."""
        return [one.decode() for one in self.connection.zrangebyscore(self._profiles, "-inf", f"({at}")]

    def get(self, story_ids: Iterable[str]) -> dict[str, Story]:
        """The stories with these ids that can be read."""
        return {
            story_id: story_of(story_id, fields)
            for story_id, fields in self._hashes(story_ids, self.keys.story).items()
        }

    def get_storylines(self, storyline_ids: Iterable[str]) -> dict[str, Storyline]:
        """The storylines with these ids that can be read."""
        return {
            storyline_id: _storyline_of(storyline_id, fields)
            for storyline_id, fields in self._hashes(storyline_ids, self.keys.storyline).items()
        }

    def articles(self, story_id: str, most: int = -1) -> list[str]:
        """The articles of a story in order of arrival; the first `most` of them."""
        stop = most - 1 if most >= 0 else -1
        return [one.decode() for one in self.connection.zrange(self.keys.story_articles(story_id), 0, stop)]

    def stories_of(self, storyline_id: str) -> list[str]:
        """The stories of a storyline, in order of their first article."""
        return [one.decode() for one in self.connection.zrange(self.keys.storyline_stories(storyline_id), 0, -1)]

    def scores_in(self, storyline_id: str) -> dict[str, float]:
        """The stories of a storyline, in order, with their scores: the arrival of the first article of each."""
        scored = self.connection.zrange(self.keys.storyline_stories(storyline_id), 0, -1, withscores=True)
        return {name.decode(): float(score) for name, score in scored}

    def latest_since(self, since: float, start: int, n: int) -> list[str]:
        """Of the stories updated at or after a time (Unix seconds), latest first, `n` from the `start`-th on."""
        span = self.connection.zrevrangebyscore(self.keys.stories, "+inf", since, start=start, num=n)
        return [one.decode() for one in span]

    def all_articles(self, story_ids: Sequence[str]) -> dict[str, list[str]]:
        """The articles of each of these stories, in order of arrival."""
        pipeline = self.connection.pipeline(transaction=False)
        for story_id in story_ids:
            pipeline.zrange(self.keys.story_articles(story_id), 0, -1)
        replies = pipeline.execute() if story_ids else []
        return {story_id: [one.decode() for one in reply] for story_id, reply in zip(story_ids, replies, strict=True)}

    def all_ids(self) -> list[str]:
        """Every story that can be read."""
        return [one.decode() for one in self.connection.zrange(self.keys.stories, 0, -1)]

    def count(self) -> int:
        """How many stories can be read."""
        return int(self.connection.zcard(self.keys.stories))

    def _hashes(self, ids: Iterable[str], key: Callable[[str], str]) -> dict[str, dict[str, str]]:
        wanted = list(ids)
        found: dict[str, dict[str, str]] = {}
        for start in range(0, len(wanted), _READ_TOGETHER):
            part = wanted[start : start + _READ_TOGETHER]
            pipeline = self.connection.pipeline(transaction=False)
            for one in part:
                pipeline.hgetall(key(one))
            for one, fields in zip(part, pipeline.execute(), strict=True):
                if fields:
                    found[one] = {name.decode(): value.decode() for name, value in fields.items()}
        return found

    @property
    def _profiles(self) -> str:
        return self.keys.private("storylines")

    def _profile(self, storyline_id: str) -> str:
        return self.keys.private(f"profiles:{storyline_id}")


def story_fields(story: Story) -> Fields:
    """A story as its hash says it."""
    return {
        "headline": story.headline,
        "representative": story.representative,
        "n_articles": story.n_articles,
        "n_families": story.n_families,
        "n_sources": story.n_sources,
        "first_published_at": format_time(story.first_published_at),
        "last_published_at": format_time(story.last_published_at),
        "created_at": format_time(story.created_at),
        "updated_at": format_time(story.updated_at),
        "storyline": story.storyline,
        "status": story.status,
    }


def story_of(story_id: str, fields: Mapping[str, str]) -> Story:
    """The story that a hash says."""
    return Story(
        id=story_id,
        headline=fields["headline"],
        representative=fields["representative"],
        n_articles=int(fields["n_articles"]),
        n_families=int(fields["n_families"]),
        n_sources=int(fields["n_sources"]),
        first_published_at=parse_time(fields["first_published_at"]),
        last_published_at=parse_time(fields["last_published_at"]),
        created_at=parse_time(fields["created_at"]) or 0.0,
        updated_at=parse_time(fields["updated_at"]) or 0.0,
        storyline=fields["storyline"],
        status=_STATUSES[fields["status"]],
    )


def storyline_fields(storyline: Storyline) -> Fields:
    """A storyline as its hash says it."""
    return {
        "headline": storyline.headline,
        "n_stories": storyline.n_stories,
        "n_articles": storyline.n_articles,
        "created_at": format_time(storyline.created_at),
        "updated_at": format_time(storyline.updated_at),
    }


def _storyline_of(storyline_id: str, fields: Mapping[str, str]) -> Storyline:
    return Storyline(
        id=storyline_id,
        headline=fields["headline"],
        n_stories=int(fields["n_stories"]),
        n_articles=int(fields["n_articles"]),
        created_at=parse_time(fields["created_at"]) or 0.0,
        updated_at=parse_time(fields["updated_at"]) or 0.0,
    )
