"""Looking up: what became of an article, and the families, stories, storylines and changes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from dedup.article import parse_time
from dedup.story import Story
from worker import answers
from worker.answers import Answer
from worker.client import Client
from worker.explained.articles import ExplainedArticle
from worker.explained.stories import ExplainedPair
from worker.web import shapes
from worker.web.backend import Backend
from worker.web.events import EVENT_STREAM, EventStreams
from worker.web.problem import Refused

MOST_STORIES: Final = 200
MOST_CHANGES: Final = 1_000
Responses = dict[int | str, dict[str, Any]]

NOT_FOUND: Final[Responses] = {404: {"model": shapes.Problem, "description": "nothing is known by this id"}}

_MINTED: Final = re.compile(r"[fsl][0-9a-z]{1,40}")
_ENTRY: Final = r"^[0-9]{1,18}(-[0-9]{1,18})?$"
_EXPLANATION: Final = b"/explanation"
_MOVED: Final[Responses] = {308: {"description": "this id is retired; Location names the living one"}, **NOT_FOUND}
_STORY_EVENTS: Final = {
    "model": list[shapes.ChangeShape],
    "content": {EVENT_STREAM: {"schema": {"type": "string"}}},
    "description": "changes, oldest first; as server-sent events where `Accept` says `text/event-stream`",
}

ArticleId = Annotated[str, Path(description="an article's id, percent-encoded")]
Whole = Annotated[bool, Query(description="also which article it matches, its corrections, and who is in its family")]
WithStory = Annotated[bool, Query(description="also why it is in its story, which takes as long as a run")]
Other = Annotated[str, Query(max_length=2_000, description="another article's id: why the two are together or apart")]
MintedId = Annotated[str, Path(description="an id as articles and stories have it")]
Entry = Annotated[str, Query(pattern=_ENTRY, description="the entry of the last change dealt with; 0: from the first")]
Since = Annotated[str, Query(description="RFC 3339: changed then or later")]
MinArticles = Annotated[int, Query(ge=1, le=1_000_000, description="with so many articles")]
Source = Annotated[str, Query(max_length=500, description="with an article of this source")]
Limit = Annotated[int, Query(ge=1, le=MOST_STORIES, description="at most so many")]
Words = Annotated[str, Query(max_length=500, description="with all these words in the headline")]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which stories are asked for."""

    since: Since = ""
    min_articles: MinArticles = 1
    source: Source = ""
    q: Words = ""

    def stories(self, client: Client, most: int) -> list[Story]:
        """The stories, latest first. Raises `Refused` where `since` is no date."""
        since = parse_time(self.since) if self.since else None
        if self.since and since is None:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "since: no date; write it like 2026-11-21T14:00:00Z")
        return client.stories(most, since=since, min_articles=self.min_articles, source=self.source, words=self.q)


def look_ups(backend: Backend, streams: EventStreams) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["look up"])
    _add_articles(router, backend)
    _add_minted(router, backend.client)
    _add_lists(router, backend.client, streams)
    return router


def _add_articles(router: APIRouter, backend: Backend) -> None:
    def read_explanation(
        article_id: ArticleId, request: Request, other: Other = "", story: WithStory = False
    ) -> Response:
        """Why an article is in its family: which article it matches, by which figures, in what words. With `story` also
        why it is in its story, and of two articles why they are in one story or in two: both take as long as a run, one
        at a time.
        """
        if not request.scope["raw_path"].endswith(_EXPLANATION):
            # The id itself ends so, percent-encoded: then it is the article that is asked for.
            return read_article(f"{article_id}{_EXPLANATION.decode()}")
        if other:
            return JSONResponse(backend.explanations.of_pair(article_id, other))
        return _known(backend.explanations.of_article(article_id, with_story=story), "article")

    def read_article(article_id: ArticleId, whole: Whole = False) -> Response:
        """An article's family, kind, representative, story and storyline, in one round trip to the store."""
        read = answers.whole_article if whole else answers.article
        return _known(read(backend.client, article_id), "article")

    _add(
        router, "/articles/{article_id:path}/explanation", read_explanation, ExplainedArticle | ExplainedPair, NOT_FOUND
    )
    _add(router, "/articles/{article_id:path}", read_article, shapes.ArticleShape | shapes.WholeArticleShape, NOT_FOUND)


def _add_minted(router: APIRouter, client: Client) -> None:
    def read_family(family_id: MintedId) -> Response:
        """A near-duplicate family with its articles."""
        return _minted(client, "families", family_id, answers.family)

    def read_story(story_id: MintedId) -> Response:
        """A story with its articles, and the stories of its storyline."""
        return _minted(client, "stories", story_id, answers.story)

    def read_storyline(storyline_id: MintedId) -> Response:
        """A storyline with its stories, in order."""
        return _minted(client, "storylines", storyline_id, answers.storyline)

    _add(router, "/families/{family_id}", read_family, shapes.FamilyShape, _MOVED)
    _add(router, "/stories/{story_id}", read_story, shapes.WholeStoryShape, _MOVED)
    _add(router, "/storylines/{storyline_id}", read_storyline, shapes.StorylineShape, _MOVED)


def _add_lists(router: APIRouter, client: Client, streams: EventStreams) -> None:
    def list_stories(chosen: Annotated[Chosen, Depends()], limit: Limit = 20) -> Response:
        """The stories that changed last, latest first, of the latest 5,000."""
        return JSONResponse(answers.stories(chosen.stories(client, limit)))

    def list_changes(
        request: Request,
        after: Entry = "0",
        limit: Annotated[int, Query(ge=1, le=MOST_CHANGES)] = MOST_CHANGES,
        last_event_id: Annotated[str, Header(pattern=_ENTRY, description="the same as `after`, and before it")] = "",
    ) -> Response:
        """What happened to stories, oldest first; or as it happens, as server-sent events that can be resumed."""
        start = last_event_id or after
        if EVENT_STREAM in request.headers.get("accept", ""):
            return StreamingResponse(streams.follow(client, start), media_type=EVENT_STREAM)
        return JSONResponse([answers.change(*one) for one in client.changes(start, limit)])

    _add(router, "/stories", list_stories, list[shapes.StoryShape], {})
    _add(router, "/changes", list_changes, list[shapes.ChangeShape], {200: _STORY_EVENTS})


def _add(router: APIRouter, path: str, read: Callable[..., Response], shape: Any, more: Responses) -> None:
    """Adds a route that makes its own answer; `shape` is for the description."""
    router.get(path, response_model=None, responses={200: {"model": shape}, **more})(read)


def _known(answer: Answer | None, kind: str) -> Response:
    if answer is None:
        raise Refused(HTTPStatus.NOT_FOUND, f"no such {kind} is known: never seen, not worked on yet, or expired")
    return JSONResponse(answer)


def _minted(client: Client, kinds: str, asked: str, read: Callable[[Client, str], Answer | None]) -> Response:
    """The answer of an id that is minted here; of a retired one, the way to the living one."""
    answer = read(client, asked) if _MINTED.fullmatch(asked) else None
    if answer is not None and answer["id"] != asked:
        return RedirectResponse(f"/{kinds}/{quote(answer['id'], safe='')}", HTTPStatus.PERMANENT_REDIRECT)
    return _known(answer, {"families": "family", "stories": "story"}.get(kinds, "storyline"))
