"""Story feeds are valid by the rules of their formats, and say of a story what a reader of it wants to know."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import feedparser
import httpx
from selectolax.lexbor import LexborHTMLParser

from tests.integration.feed_rules import atom_faults, json_feed_faults
from tests.integration.world import HOUR, about, altered, article, clusterer, drain, ingest, seed_lines, text
from worker.store.store import Store

NOW: Final = 1_767_323_045.0
SEED_STORY: Final = "s051f289c07fb4e79"


def told(store: Store, at: float = NOW) -> None:
    """A run over what has come."""
    drain(store)
    clusterer(store).run(at)


def read_atom(web: httpx.Client, **query: Any) -> Any:
    """The Atom feed, once it has been found valid."""
    answer = web.get("/feeds/stories.atom", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert atom_faults(answer.content) == []
    parsed = feedparser.parse(answer.content)
    assert not parsed.bozo, parsed.bozo_exception
    assert parsed.version == "atom10"
    return parsed


def read_json(web: httpx.Client, **query: Any) -> dict[str, Any]:
    """The JSON Feed, once it has been found valid."""
    answer = web.get("/feeds/stories.json", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/feed+json; charset=utf-8"
    document: dict[str, Any] = answer.json()
    assert json_feed_faults(document) == []
    return document


def test_feeds_of_no_stories_are_valid(web: httpx.Client) -> None:
    assert read_atom(web).entries == []
    assert read_json(web)["items"] == []


def test_both_feeds_have_one_entry_a_story_with_the_other_sources_and_its_place(
    web: httpx.Client, store: Store
) -> None:
    ingest(store, *seed_lines())
    clusterer(store).run(NOW)
    stories = {one["id"]: one for one in web.get("/stories").json()}
    atom, items = read_atom(web), read_json(web)["items"]
    assert [one.id for one in atom.entries] == [one["id"] for one in items]
    assert sorted(one["_story"]["id"] for one in items) == sorted(stories)
    for entry, item in zip(atom.entries, items, strict=True):
        story = stories[item["_story"]["id"]]
        assert entry.title == item["title"] == story["headline"]
        assert entry.updated == item["date_modified"] == story["updated_at"]
        assert entry.published == item["date_published"] == story["first_published_at"]
        assert entry.content[0].value == item["content_html"]
        assert entry.link == item["url"]
    second = next(one for one in items if one["_story"]["id"] == SEED_STORY)
    assert (second["_story"]["place"], second["_story"]["n_stories"]) == (2, 2)
    assert "Story 2 of 2 of its storyline" in second["content_html"]
    page = LexborHTMLParser(second["content_html"])
    links = [one.attributes["href"] for one in page.css("ul a")]
    wanted = {store.articles.fields([name], [], ["source"])[0][0] for name in store.stories.articles(SEED_STORY)}
    assert len(links) == len(wanted) == stories[SEED_STORY]["n_sources"]
    assert all(source in second["content_html"] for source in wanted)


def test_an_update_of_a_story_updates_its_entry_and_makes_no_other(web: httpx.Client, store: Store) -> None:
    ingest(store, about("flood", "a", source="s1"), about("flood", "b", source="s2"))
    told(store)
    (before,) = read_json(web)["items"]
    ingest(store, about("flood", "c", source="s3"))
    told(store, NOW + HOUR)
    (after,) = read_json(web)["items"]
    assert after["id"] == before["id"]
    assert after["date_modified"] > before["date_modified"]
    assert "s3" in after["content_html"]
    assert read_atom(web).feed.updated == after["date_modified"]


def test_a_reader_that_has_the_feed_is_told_so(web: httpx.Client, store: Store) -> None:
    ingest(store, article("a", text("a")))
    told(store)
    first = web.get("/feeds/stories.atom")
    again = web.get("/feeds/stories.atom", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    ingest(store, article("b", text("b")))
    told(store, NOW + HOUR)
    assert web.get("/feeds/stories.atom", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_feeds_are_filtered_by_their_query(web: httpx.Client, store: Store) -> None:
    ingest(store, *(about("flood", f"f{i}", source=f"s{i}", title="Flood in Harrowmere") for i in range(3)))
    ingest(store, article("alone", text("alone"), source="s9", title="Ferry back"))
    told(store)
    for query, titles in (({"min_articles": 2}, ["Flood in Harrowmere"]), ({"source": "s9"}, ["Ferry back"]),
                          ({"q": "FERRY"}, ["Ferry back"]), ({"q": "storm"}, [])):  # fmt: skip
        assert [one["title"] for one in read_json(web, **query)["items"]] == titles
        assert [one.title for one in read_atom(web, **query).entries] == titles
    assert len(read_json(web, limit=1)["items"]) == 1


def test_the_address_that_a_feed_gives_for_itself_is_the_one_it_has(web: httpx.Client) -> None:
    query = {"q": "ferry & <flood>", "min_articles": "2"}
    wanted = str(httpx.URL(f"{web.base_url}/feeds/stories.json", params=query))
    given = read_json(web, token="a-token-in-the-query", **query)["feed_url"]
    assert httpx.URL(given) == httpx.URL(wanted)
    assert read_atom(web, **query).feed.links[0].rel == "self"


HOSTILE: Final = '</content><script>alert("1")</script><img src=x onerror=alert(1)> & \u0001\ufffe\U000e0001'


def test_what_strangers_write_is_text_and_never_markup(web: httpx.Client, store: Store) -> None:
    body = text("hostile")
    ingest(
        store,
        article("a", body, title=HOSTILE, source=HOSTILE, url="javascript:alert(1)"),
        article("b", altered(body, "b"), title=HOSTILE, source='"><b>', url='https://e.example/"><script>'),
        article("c", altered(body, "c"), title="", source="", url="data:text/html,x"),
    )
    told(store)
    (entry,) = read_atom(web).entries
    (item,) = read_json(web)["items"]
    page = LexborHTMLParser(item["content_html"])
    names = {node.tag for node in page.body.traverse(include_text=False)} if page.body else set()
    assert names <= {"body", "p", "ul", "ol", "li", "b", "a"}
    assert not page.css("li li b, script, img")
    hrefs = [one.attributes["href"] or "" for one in page.css("a")]
    assert all(href.startswith(("http://", "https://")) for href in hrefs)
    assert "<script>" not in entry.content[0].value
    raw = web.get("/feeds/stories.atom").text
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", raw)
    assert json.loads(web.get("/feeds/stories.json").text)["items"]


def test_a_long_storyline_and_many_sources_are_told_in_part(web: httpx.Client, store: Store) -> None:
    body = text("wire", 200)
    ingest(store, *(article(f"a{i:02}", body, source=f"source {i:02}") for i in range(40)))
    told(store)
    (item,) = read_json(web)["items"]
    assert len(LexborHTMLParser(item["content_html"]).css("ul li")) == 30
    assert "And 10 more sources." in item["content_html"]
