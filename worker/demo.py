"""`dedup demo`: the whole service on the sample articles, from nothing to a report, and everything gone at the end."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dedup.errors import DedupError
from dedup.report import period_of
from dedup.story import Story, Storyline
from worker.client import ArticleEntry, Client
from worker.service.runtime import make_runtime
from worker.settings import Settings
from worker.up import Supervisor, own_server

PATIENCE_SECONDS: Final = 120.0
N_INGEST: Final = 2


class DemoError(DedupError):
    """The demonstration did not come to its end; the message says where it stopped."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demonstration found: counts, stories with their articles, storylines, families of several articles,
    and where the report lies.
    """

    n_pushed: int
    n_articles: int
    seconds: float
    stories: tuple[tuple[Story, tuple[ArticleEntry, ...]], ...]
    storylines: tuple[tuple[Storyline, tuple[Story, ...]], ...]
    families: tuple[tuple[ArticleEntry, ...], ...]
    report: Path


def seeds() -> Path:
    """The sample articles, in the package or beside it."""
    here = Path(__file__).parent
    for place in (here / "seeds", here.parent / "seeds"):
        if (place / "articles.jsonl").is_file():
            return place / "articles.jsonl"
    raise DemoError("the sample articles (seeds/articles.jsonl) are not part of this installation")


@contextlib.contextmanager
def service(settings: Settings, tell: Callable[[str], None], environ: Mapping[str, str]) -> Iterator[str]:
    """A service in a directory of its own, for the length of the block; gives its server's URL."""
    with tempfile.TemporaryDirectory(prefix="dedup-demo-") as directory:
        own = dataclasses.replace(settings, redis_url="", broker_url="", data_dir=Path(directory))
        plain = {name: value for name, value in environ.items() if not name.startswith(("DEDUP_", "REDIS_URL"))}
        with own_server(own, None) as (url, _):
            supervisor = Supervisor(own, url, N_INGEST, tell, plain)
            try:
                supervisor.start()
                yield url
            finally:
                supervisor.stop()


def run(settings: Settings, tell: Callable[[str], None], environ: Mapping[str, str], report: Path) -> Shown:
    """Starts a service, pushes the samples, waits for their stories and writes the report."""
    lines = [line for line in seeds().read_bytes().splitlines() if line.strip()]
    own = dataclasses.replace(Settings(), web=False, report_timezone=settings.report_timezone)
    with service(own, tell, environ) as url:
        tell(f"server, {N_INGEST} ingest workers, cluster worker and beat are starting")
        begun = time.monotonic()
        with Client(url) as client:
            pushed = client.push(lines)
            ids = list(dict.fromkeys(pushed.accepted))
            tell(f"{_counted(len(pushed.accepted), len(ids))} from {seeds().parent.name}/{seeds().name}")
            articles = _wait(client, ids)
            seconds = time.monotonic() - begun
            tell(f"all of them are in stories, {seconds:.1f} s after the push")
            _write_report(own, url, client, report)
            return _shown(client, articles, len(pushed.accepted), seconds, report)


def _wait(client: Client, ids: list[str]) -> list[ArticleEntry]:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        found = [client.lookup(article_id) for article_id in ids]
        articles = [one for one in found if one is not None and one.status == "clustered"]
        if len(articles) == len(ids):
            return articles
        time.sleep(0.2)
    raise DemoError(f"not all of the {len(ids)} articles had a story after {PATIENCE_SECONDS:g} s")


def _write_report(settings: Settings, url: str, client: Client, report: Path) -> None:
    now = time.time()
    period = period_of("day", now, settings.report_timezone)
    make_runtime(settings, url).reporting.make(period, now)
    rendered = client.rendered_report("day", period.name)
    if rendered is None:
        raise DemoError(f"the report of {period.name} was not kept")
    report.write_text(rendered.html, encoding="utf-8")


def _counted(n_pushed: int, n_articles: int) -> str:
    """What was pushed, told so that it adds up."""
    n_revisions = n_pushed - n_articles
    revisions = f" and {n_revisions} revision{'s' if n_revisions > 1 else ''} of them" if n_revisions else ""
    return f"{n_articles} articles{revisions} pushed"


def _shown(client: Client, articles: list[ArticleEntry], n_pushed: int, seconds: float, report: Path) -> Shown:
    by_id = {one.article_id: one for one in articles}
    stories = sorted(client.stories(1_000), key=lambda one: (one.first_published_at or 0.0, one.id))
    members = [(story, tuple(by_id[name] for name in client.story_articles(story.id))) for story in stories]
    lines = sorted({story.storyline for story in stories})
    found = [(line, tuple(client.storyline_stories(line.id))) for name in lines if (line := client.storyline(name))]
    families: dict[str, list[ArticleEntry]] = {}
    for one in articles:
        families.setdefault(one.family, []).append(one)
    several = tuple(tuple(one) for one in families.values() if len(one) > 1)
    return Shown(n_pushed, len(articles), seconds, tuple(members), tuple(found), several, report)
