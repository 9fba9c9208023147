"""`dedup feeds` as it is used, with sites on loopback: subscribed to, polled, listed, ended."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.service import running, wait_for
from tests.integration.feed_rules import atom_faults, json_feed_faults
from tests.integration.feed_site import Answer, Site, rss, serving
from worker.cli import main
from worker.client import Client
from worker.feeds import feed_id

Run = Callable[..., Any]
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Atom News</title><id>x</id>
<entry><id>tag:1</id><title>In Atom</title><content type="html">The ferry sails again.</content></entry></feed>"""
RDF = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel><title>RDF News</title></channel><item rdf:about="https://news.example/rdf"><title>In RDF</title>
<link>https://news.example/rdf</link><description>A harbour reopens.</description></item></rdf:RDF>"""
JSON_FEED = json.dumps({
    "version": "https://jsonfeed.org/version/1.1", "title": "JSON News",
    "items": [{"id": "j1", "title": "In JSON", "content_text": "A bridge is closed."}],
}).encode()  # fmt: skip


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site that may be fetched from, and may be asked as often as one likes."""
    monkeypatch.setenv("DEDUP_FEEDS_ALLOW", "127.0.0.1/32")
    monkeypatch.setenv("DEDUP_FEEDS_HOST_SECONDS", "0.01")
    with serving() as one:
        yield one


@pytest.fixture
def feeds(dedup: Run, tmp_path: Path) -> Run:
    def run(command: str, *words: object) -> Any:
        return dedup("feeds", command, *words, "--data-dir", tmp_path / "data")

    return run


def ten_feeds(site: Site, path: Path) -> tuple[Path, dict[str, str]]:
    """An OPML list of ten feeds of all kinds; and which article each of those that can be read brings."""
    site.put("/one", rss(("one", "First text.")))
    site.put("/two", ATOM)
    site.put("/three", RDF)
    site.put("/four", JSON_FEED)
    site.put("/five", gzip.compress(rss(("five", "Fifth text."))), Content_Encoding="gzip")
    site.put("/six", status=301, Location="/six-now")
    site.put("/six-now", rss(("six", "Sixth text.")))
    site.put("/dead", status=404)
    site.put("/huge", b"x" * (8 * 1024 * 1024 + 1))
    site.put("/inside", status=302, Location="http://10.0.0.1/feed")
    site.put("/gone", status=410)
    guids = {"/one": "one", "/two": "tag:1", "/three": "https://news.example/rdf", "/four": "j1", "/five": "five",
             "/six": "six"}  # fmt: skip
    outlines = "".join(
        f'<outline text="{name}"><outline type="rss" text="Feed {name}" xmlUrl="{site.url(f"/{name}")}"/></outline>'
        for name in ("one", "two", "three", "four", "five", "six", "dead", "huge", "inside", "gone")
    )
    path.write_text(f'<opml version="2.0"><body>{outlines}</body></opml>', encoding="utf-8")
    return path, {f"feed:{feed_id(site.url(name))}:{guid}": name for name, guid in guids.items()}


def test_a_feed_is_added_polled_listed_and_removed(feeds: Run, site: Site) -> None:
    url = site.put("/feed", rss(("b", "two"), ("a", "one")))
    assert feeds("add", url).said == ["dedup: 1 feeds added, 0 were there already, 0 could not be read"]
    assert feeds("add", url).said == ["dedup: 0 feeds added, 1 were there already, 0 could not be read"]
    polled = feeds("poll", url)
    assert polled.code == 0
    assert "2 new or changed" in polled.out
    [again] = json.loads(feeds("poll", "--json").out)
    assert (again["url"], again["pushed"], again["error"]) == (url, 0, "")
    [listed] = json.loads(feeds("list", "--json").out)
    assert (listed["url"], listed["title"], listed["articles"], listed["failures"]) == (url, "The News", 2, 0)
    assert listed["next_at"] > listed["succeeded_at"] >= listed["polled_at"] > listed["added_at"]
    header, row = feeds("list").out.splitlines()
    assert header.split("\t")[:4] == ["url", "title", "category", "articles"]
    assert row.split("\t")[:4] == [url, "The News", "", "2"]
    assert feeds("remove", url).said == [f"dedup: {url} is not polled any more; its articles stay"]
    assert json.loads(feeds("list", "--json").out) == []
    gone = feeds("remove", url)
    assert gone.code == 1
    assert gone.said == [f"dedup: no feed {url!r} is subscribed to; `dedup feeds list` tells which are"]
    assert feeds("poll", url).code == 1


def test_a_list_is_added_with_its_bad_outlines_told_by_name(feeds: Run, tmp_path: Path) -> None:
    listed = tmp_path / "mine.opml"
    listed.write_text(
        '<opml><body><outline text="World"><outline text="A" xmlUrl="https://a.example/"/></outline>'
        '<outline text="Local \u202e" xmlUrl="file:///etc/passwd"/><outline type="rss" text="Empty"/></body></opml>',
        encoding="utf-8",
    )
    ran = feeds("add", listed)
    assert ran.code == 1
    assert ran.said == [
        "dedup: 1 feeds added, 0 were there already, 2 could not be read",
        "dedup: not added: Local : only http and https are fetched, not file",
        "dedup: not added: Empty: no xmlUrl",
    ]
    told = json.loads(feeds("add", listed, "--json").out)
    assert (told["added"], told["known"]) == ([], ["https://a.example/"])
    assert [one["name"] for one in told["bad"]] == ["Local \u202e", "Empty"]
    [kept] = json.loads(feeds("list", "--json").out)
    assert (kept["category"], kept["polled_at"], kept["error"]) == ("World", None, "")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("http://10.0.0.1/feed", "refused: 10.0.0.1 is a private address"),
        ("http://u:p@news.example/", "a user name or password in the URL is not accepted"),
        ("nothing.opml", "cannot read nothing.opml: No such file or directory"),
        (__file__, "no OPML list of feeds. A feed is added by its URL"),
    ],
)
def test_what_cannot_be_added_is_refused_with_a_reason(feeds: Run, given: str, reason: str) -> None:
    ran = feeds("add", given)
    assert (ran.code, ran.out) == (1, "")
    assert reason in ran.said[0]


@pytest.mark.parametrize("words", [("feeds",), ("feeds", "add"), ("feeds", "remove"), ("feeds", "poll", "a", "b")])
def test_wrong_usage_is_told(dedup: Run, words: tuple[str, ...]) -> None:
    assert dedup(*words).code == 2


def test_a_poll_tells_of_each_feed_what_came(feeds: Run, site: Site, tmp_path: Path) -> None:
    listed, articles = ten_feeds(site, tmp_path / "ten.opml")
    assert feeds("add", listed).code == 0
    ran = feeds("poll", "--json")
    assert ran.code == 1
    told = {one["url"].rpartition("/")[2]: one for one in json.loads(ran.out)}
    assert len(told) == 10
    assert sum(one["pushed"] for one in told.values()) == len(articles)
    assert told["six"]["moved_to"] == site.url("/six-now")
    errors = {"dead": "404", "huge": "larger than", "inside": "private address", "gone": "410"}
    assert {name for name, one in told.items() if one["error"]} == set(errors)
    assert all(reason in told[name]["error"] for name, reason in errors.items())
    assert len(json.loads(feeds("poll", "--json").out)) == 9


@pytest.mark.slow
def test_ten_feeds_of_a_list_become_readable_articles_while_the_service_runs(site: Site, tmp_path: Path) -> None:
    listed, articles = ten_feeds(site, tmp_path / "ten.opml")
    environ = {"DEDUP_FEEDS_ALLOW": "127.0.0.1/32", "DEDUP_FEEDS_HOST_SECONDS": "0.05", "DEDUP_FEEDS_POLL_SECONDS": "2"}
    with running(tmp_path / "data", 1, environ) as service, Client(service.url) as client:
        assert _cli(service.url, "add", listed) == 0
        wait_for(lambda: all(client.lookup(name) for name in articles), 60, "every article can be read")
        site.answers["/one"] = Answer(rss(("later", "Later text."), ("one", "First text.")))
        later = f"feed:{feed_id(site.url('/one'))}:later"
        wait_for(lambda: client.lookup(later), 30, "what came later can be read")
        entry = client.lookup(later)
        assert entry is not None
        assert (entry.title, entry.source) == ("On later", "The News")
        assert site.paths().count("/gone") == 1


@pytest.mark.slow
def test_ten_feeds_of_a_list_become_a_story_feed_that_is_valid(site: Site, tmp_path: Path) -> None:
    listed, articles = ten_feeds(site, tmp_path / "ten.opml")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    environ = {"DEDUP_FEEDS_ALLOW": "127.0.0.1/32", "DEDUP_FEEDS_HOST_SECONDS": "0.05", "DEDUP_WEB": "1",
               "DEDUP_WEB_PORT": port}  # fmt: skip
    begun = time.monotonic()
    with (
        running(tmp_path / "data", 2, environ) as service,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/feeds/", trust_env=False) as web,
    ):
        assert _cli(service.url, "add", listed) == 0
        wait_for(lambda: len(_items(web)) == len(articles), 120, "every article is in a story of the feed", every=0.5)
        assert time.monotonic() - begun < 300
        assert atom_faults(web.get("stories.atom").content) == []
        assert json_feed_faults(web.get("stories.json").json()) == []
        titles = {"In Atom", "In RDF", "In JSON", "On one", "On five", "On six"}
        assert {one["title"] for one in _items(web)} == titles


def _items(web: httpx.Client) -> list[dict[str, Any]]:
    """The stories of the feed; [] where nobody answers yet."""
    try:
        items: list[dict[str, Any]] = web.get("stories.json").json()["items"]
    except httpx.TransportError:
        return []
    return items


def _cli(url: str, *words: object) -> int:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("REDIS_URL", url)
        return main(["feeds", *map(str, words)])
