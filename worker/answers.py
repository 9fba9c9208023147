"""What is answered about articles, stories and the rest, as JSON says it: `dedup ... --json` and the web service say
the same, and say it from here. Explanations are `worker.explained`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from dedup.article import format_time
from dedup.story import Change, Story
from worker.client import Client, Made, Pushed

Answer = dict[str, Any]


def as_mapping(value: Any) -> Answer:
    """A value's fields, with times in RFC 3339 (None where unknown)."""
    return {field.name: _told(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)}


def article(client: Client, article_id: str) -> Answer | None:
    """What became of one article, in one round trip; None where it is not known."""
    entry = client.lookup(article_id)
    if entry is None:
        return None
    own = as_mapping(entry)
    return {"id": own.pop("article_id"), **own}


def whole_article(client: Client, article_id: str) -> Answer | None:
    """The same, which article it matches, its corrections, and who else is in its family."""
    answer = article(client, article_id)
    if answer is None:
        return None
    found = client.explain(article_id, story=False, passages=False)
    return answer | {
        "match": dataclasses.asdict(found.match) if found is not None and found.match is not None else None,
        "corrections": [dataclasses.asdict(one) for one in found.corrections] if found is not None else [],
        "family_articles": [
            {"id": one.article_id, "kind": one.kind, "source": one.source, "title": one.title}
            for one in client.family_articles(answer["family"])
        ],
    }


def family(client: Client, family_id: str) -> Answer | None:
    """One family with the ids of its articles, in order of arrival; None where it is not known."""
    found = client.family(family_id)
    if found is None:
        return None
    own = as_mapping(found)
    return {"id": own.pop("family_id"), **own}


def story(client: Client, story_id: str) -> Answer | None:
    """One story with the ids of its articles, and the stories of its storyline; None where it is not known."""
    found = client.story(story_id)
    if found is None:
        return None
    line = client.storyline_stories(found.storyline)
    return as_mapping(found) | {
        "articles": client.story_articles(found.id),
        "storyline_stories": [{"id": one.id, "headline": one.headline} for one in line],
    }


def stories(found: list[Story]) -> list[Answer]:
    """Stories without their articles."""
    return [as_mapping(one) for one in found]


def storyline(client: Client, storyline_id: str) -> Answer | None:
    """One storyline with its stories, in order of their first article; None where it is not known."""
    found = client.storyline(storyline_id)
    if found is None:
        return None
    return as_mapping(found) | {"stories": stories(client.storyline_stories(found.id))}


def change(entry_id: str, happened: Change) -> Answer:
    """One change, with the id to resume after."""
    return {"entry": entry_id} | as_mapping(happened)


def pushed(told: Pushed) -> Answer:
    """What became of a push; `position` is the place among all that were pushed, from 0 on."""
    return {
        "accepted": told.accepted,
        "rejected": [
            {"position": place, "id": one.article_id, "field": one.field, "reason": one.reason}
            for place, one in zip(told.rejected_at, told.rejected, strict=True)
        ],
    }


def correction(made: Made) -> Answer:
    """A correction that stands."""
    return {
        "kind": made.correction.kind,
        "articles": [made.correction.one, made.correction.other],
        "made_at": format_time(made.at),
    }


def _told(name: str, content: object) -> object:
    if name.endswith("_at") or name == "at":
        return content or None if isinstance(content, str) else format_time(content) or None  # type: ignore[arg-type]
    return content
