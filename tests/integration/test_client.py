"""What a Python program sees of the service, and how it is told when the server is not there."""

from __future__ import annotations

import dataclasses
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.world import HOUR, about, article, clusterer, drain, ingest, seed_lines, story_of, text
from worker import embedded
from worker.app import make_app
from worker.client import (
    Client,
    ContradictionError,
    CorrectionError,
    InboxFullError,
    StoreError,
    UnknownArticleError,
    UnknownCorrectionError,
)
from worker.service.reporting import Reporting
from worker.settings import Settings, load
from worker.store.connection import connect
from worker.store.store import Store, open_store

NOW = 1_767_323_045.0
NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def client(server_url: str) -> Iterator[Client]:
    with Client(server_url) as opened:
        yield opened


# Pushing and reading


def test_a_push_tells_the_ids_accepted_and_what_was_rejected_and_why(client: Client) -> None:
    pushed = client.push(
        [
            article("a", text("a")),
            {"url": "https://example.org/b?utm_source=x", "title": "B", "text": "some words"},
            {"title": "Only a title"},
            json.dumps(article("c", text("c"))),
            json.dumps(article("d", text("d"))).encode(),
            {"id": "bare"},
            "no JSON",
        ]
    )
    assert pushed.accepted[:2] == ["a", "https://example.org/b"]
    assert pushed.accepted[2].startswith("sha256:")
    assert pushed.accepted[3:] == ["c", "d"]
    assert [(error.article_id, error.field) for error in pushed.rejected] == [("bare", "text"), (None, "payload")]
    assert pushed.rejected_at == [5, 6]
    assert [(one.article_id, one.field) for one in client.rejected()] == [("", "payload"), ("bare", "text")]


def test_of_a_long_push_the_places_of_what_was_rejected_are_those_in_all_of_it(client: Client) -> None:
    pushed = client.push({} if i in (7, 199, 200, 420) else {"text": f"Text {i}."} for i in range(421))
    assert (pushed.rejected_at, len(pushed.accepted)) == ([7, 199, 200, 420], 417)


def test_what_was_pushed_is_found_under_the_ids_that_push_returned(client: Client, store: Store) -> None:
    pushed = client.push([article("a", text("a")), {"title": "Only a title"}, {"text": "Only a few words of text"}])
    assert client.lookup("a") is None
    drain(store)
    for article_id in pushed.accepted:
        found = client.lookup(article_id)
        assert found is not None
        assert (found.article_id, found.kind, found.status) == (article_id, "new", "admitted")
    clusterer(store).run(1.0)
    found = client.lookup("a")
    assert found is not None
    assert found.status == "clustered"
    story = client.story(found.story)
    assert story is not None
    assert (story.headline, story.n_articles, story.storyline) == ("On a", 1, found.storyline)
    assert client.story_articles(found.story) == ["a"]
    family = client.family(found.family)
    assert family is not None
    assert (family.articles, family.story) == (("a",), found.story)


def test_a_full_inbox_is_an_error_that_says_what_went_in(server_url: str) -> None:
    with Client(server_url, inbox_max=1) as client, pytest.raises(InboxFullError, match="the inbox is full") as raised:
        client.push([article("a", text("a")), article("b", text("b"))])
    assert raised.value.accepted == ["a"]


def test_an_article_too_large_is_rejected_at_the_door(server_url: str) -> None:
    with Client(server_url, max_article_bytes=100) as client:
        pushed = client.push([article("large", text("large"))])
    assert pushed.accepted == []
    assert [(error.article_id, error.field) for error in pushed.rejected] == [("large", "payload")]


def test_what_is_not_there_is_none_or_empty(client: Client) -> None:
    nothing = [client.lookup("x"), client.family("f0"), client.story("s0"), client.storyline("l0"), client.report()]
    assert nothing == [None] * 5
    none = [client.stories(), client.story_articles("s0"), client.storyline_stories("l0"), client.changes()]
    assert none == [[]] * 4


def test_a_retired_story_id_leads_to_the_story_it_went_into(client: Client, store: Store) -> None:
    ingest(store, *(about("flood", f"f{i}") for i in range(3)), *(about("fire", f"g{i}") for i in range(2)))
    holder = clusterer(store)
    holder.run(1.0)
    retired = story_of(store, "g0")
    ingest(store, *(about("flood", f"g{i}") for i in range(2)))
    holder.run(2.0)
    story = client.story(retired)
    assert story is not None
    assert story.id == story_of(store, "f0") != retired
    assert client.story_articles(retired) == ["f0", "f1", "f2", "g0", "g1"]


def test_the_storyline_of_the_two_rounds_has_them_in_order(client: Client, store: Store) -> None:
    ingest(store, *seed_lines())
    clusterer(store).run(1.0)
    found = client.lookup("seed-r2-wire")
    assert found is not None
    storyline = client.storyline(found.storyline)
    assert storyline is not None
    assert storyline.n_stories == 2
    rounds = [story.id for story in client.storyline_stories(found.storyline)]
    assert rounds == [story_of(store, "seed-r1-wire"), found.story]


def test_an_article_is_explained_with_types_its_story_and_its_corrections(client: Client, store: Store) -> None:
    ingest(store, *seed_lines())
    clusterer(store).run(NOW)
    client.link("seed-r2-wire-near", "seed-r2-analysis")
    found = client.explain("seed-r2-wire-near")
    assert found is not None
    assert found.match is not None
    assert found.exact is not None
    assert found.story is not None
    assert (found.match.id, found.match.kind, found.story.story) == (
        "seed-r2-wire", "near-duplicate", story_of(store, "seed-r2-wire"),
    )  # fmt: skip
    assert found.exact.shared[0].text
    assert [(one.kind, one.other) for one in found.corrections] == [("link", "seed-r2-analysis")]
    brief = client.explain("seed-r2-wire-near", story=False, passages=False)
    assert brief == dataclasses.replace(found, story=None, exact=None)
    assert client.explain("nobody") is None


def test_two_articles_are_explained_with_types(client: Client, store: Store) -> None:
    ingest(store, *seed_lines())
    clusterer(store).run(NOW)
    apart = client.explain_pair("seed-r1-wire", "seed-r2-wire")
    assert apart.apart is not None
    assert apart.storyline is not None
    assert (apart.together, apart.apart.cause, apart.joining) == ("storyline", "time", None)
    family = client.explain_pair("seed-r1-wire", "seed-r1-wire-near")
    assert (family.together, family.cosine, family.terms, family.apart) == ("family", None, (), None)
    for pair in (("seed-r1-wire", "nobody"), ("nobody", "seed-r1-wire")):
        with pytest.raises(UnknownArticleError, match="no article 'nobody' is known"):
            client.explain_pair(*pair)


def test_the_articles_of_a_family_are_told_in_order_of_arrival(client: Client, store: Store) -> None:
    body = text("family", 100)
    ingest(store, article("a", body, source="s1"), article("b", body, source="s2"), article("c", text("other")))
    first = client.lookup("a")
    assert first is not None
    told = [(one.article_id, one.kind, one.source) for one in client.family_articles(first.family)]
    assert told == [("a", "new", "s1"), ("b", "copy", "s2")]
    assert client.family_articles("f0") == []


def test_stories_are_chosen_by_time_size_source_and_words(client: Client, store: Store) -> None:
    ingest(store, *(about("flood", f"flood{i}", source=f"s{i}", title="Flood in Harrowmere") for i in range(3)))
    clusterer(store).run(NOW)
    ingest(store, article("alone", text("alone"), source="s9", title="Ferry back"))
    clusterer(store).run(NOW + HOUR)
    flood, alone = story_of(store, "flood0"), story_of(store, "alone")
    chosen: dict[str, Any]
    for chosen, wanted in (
        ({}, [alone, flood]), ({"since": NOW + 1}, [alone]), ({"min_articles": 2}, [flood]),
        ({"source": "s2"}, [flood]), ({"source": "s"}, []), ({"words": "ferry BACK"}, [alone]),
    ):  # fmt: skip
        assert [one.id for one in client.stories(**chosen)] == wanted
    assert [one.id for one in client.stories(1)] == [alone]


def test_two_articles_are_linked_and_unlinked_and_that_is_taken_back(client: Client, store: Store) -> None:
    ingest(store, *(about("flood", f"f{i}") for i in range(2)), *(about("fire", f"g{i}") for i in range(2)))
    holder = clusterer(store)
    holder.run(1.0)
    assert client.link("g0", "f0")
    assert not client.link("f0", "g0")
    assert client.unlink("f0", "f1")
    holder.run(2.0)
    assert story_of(store, "f0") == story_of(store, "g0") != story_of(store, "f1")
    assert [(m.correction.kind, m.correction.one, m.correction.other) for m in client.corrections()] == [
        ("link", "f0", "g0"),
        ("unlink", "f0", "f1"),
    ]
    assert [m.correction.kind for m in client.corrections("g0")] == ["link"]
    assert client.corrections("g1") == []
    with pytest.raises(ContradictionError) as raised:
        client.link("f1", "g0")
    assert raised.value.chain == ("f1", "g0", "f0")
    with pytest.raises(CorrectionError, match="no article 'nobody' is known"):
        client.unlink("nobody", "f0")
    assert client.link("f0", "g0", undo=True)
    with pytest.raises(UnknownCorrectionError):
        client.link("f0", "g0", undo=True)
    holder.run(3.0)
    assert story_of(store, "f0") != story_of(store, "g0")


def test_changes_resume_after_any_entry(client: Client, store: Store) -> None:
    holder = clusterer(store)
    for i in range(4):
        ingest(store, article(f"a{i}", text(i)))
        holder.run(1.0 + i)
    everything = client.changes()
    assert [change.articles for _, change in everything] == [(f"a{i}",) for i in range(4)]
    for i, (entry_id, _) in enumerate(everything):
        assert client.changes(entry_id) == everything[i + 1 :]
    assert client.changes(most=2) == everything[:2]
    follower = client.follow(everything[1][0], seconds=1)
    assert [next(follower), next(follower)] == everything[2:]


def test_following_begins_with_what_is_yet_to_come(client: Client, store: Store) -> None:
    holder = clusterer(store)
    ingest(store, article("before", text("before")))
    holder.run(1.0)
    follower = client.follow(client.changes()[-1][0], seconds=0.2)
    ingest(store, article("after", text("after")))
    holder.run(2.0)
    assert next(follower)[1].articles == ("after",)


def test_stories_come_with_the_latest_change_first(client: Client, store: Store) -> None:
    holder = clusterer(store)
    for i in range(3):
        ingest(store, article(f"a{i}", text(i)))
        holder.run(1.0 + i)
    assert [story.headline for story in client.stories(2)] == ["On a2", "On a1"]


def test_a_report_is_read_as_json_and_as_it_was_rendered(client: Client, store: Store) -> None:
    [*_, day] = Reporting(store, "UTC").make_due(1_760_000_000.0)
    report = client.report()
    assert report is not None
    assert report["period"]["name"] == day
    assert client.report("day", day) == report
    rendered = client.rendered_report("day", day)
    assert rendered is not None
    assert json.loads(rendered.json) == report


# Servers that are not there, and URLs


def test_a_server_that_is_gone_while_pushing_is_an_error_that_says_so(tmp_path: Path) -> None:
    server = embedded.start(tmp_path)
    with Client(server.url) as client:
        assert client.push([article("a", text("a"))]).accepted == ["a"]
        server.stop()
        with pytest.raises(StoreError, match=r"cannot reach the server.*Is it running"):
            client.push([article("b", text("b"))])
        with pytest.raises(StoreError, match="cannot reach"):
            client.lookup("a")


def test_what_was_pushed_before_the_server_went_is_there_when_it_is_back(tmp_path: Path) -> None:
    server = embedded.start(tmp_path)
    with Client(server.url) as client:
        client.push([article("a", text("a"))])
    server.stop()
    server = embedded.start(tmp_path)
    store = open_store(connect(server.url), "dedup:")
    assert drain(store) == 1
    store.connection.close()
    server.stop()


@pytest.mark.parametrize("call", ["lookup", "changes"])
def test_reading_without_a_server_is_an_error_of_ours(call: str) -> None:
    with Client(NOBODY) as client, pytest.raises(StoreError, match=r"127\.0\.0\.1:1"):
        getattr(client, call)("x")


def test_a_server_with_a_password_is_reached_with_it_and_not_without(tmp_path: Path) -> None:
    server = embedded.start(tmp_path, tcp_port=0)
    password = server.url.split(":")[2].split("@")[0]
    try:
        with Client(server.url) as client:
            assert client.push([article("a", text("a"))]).accepted == ["a"]
        for url in (server.url.replace(f":{password}@", ""), server.url.replace(password, "wrong-secret")):
            with Client(url) as client, pytest.raises(StoreError, match="password") as raised:
                client.lookup("a")
            assert "wrong-secret" not in str(raised.value)
    finally:
        server.stop()


def test_a_key_of_another_type_is_told_as_refused(server_url: str, store: Store) -> None:
    store.connection.set("dedup:article:a", "a string")
    with Client(server_url) as client, pytest.raises(StoreError, match="refused"):
        client.lookup("a")


def test_a_tls_url_means_a_checked_certificate_and_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connect("rediss://user:secret%21@store.example:6380/2")
    made = connection.connection_pool.make_connection()
    assert type(made).__name__ == "SSLConnection"
    assert (made.host, made.port, made.db, made.username, made.password) == (
        "store.example", 6380, 2, "user", "secret!",
    )  # fmt: skip
    assert made.cert_reqs == ssl.CERT_REQUIRED
    monkeypatch.setenv("REDIS_URL", "rediss://user:secret%21@store.example:6380/2")
    celery = make_app(load())
    assert celery.conf.broker_url == "rediss://user:secret%21@store.example:6380/2"
    assert celery.conf.broker_use_ssl == {"ssl_cert_reqs": ssl.CERT_REQUIRED}


def test_a_certificate_is_left_unchecked_only_where_the_url_says_so() -> None:
    url = "rediss://:secret@store.example:6380/0?ssl_cert_reqs=none"
    assert connect(url).connection_pool.make_connection().cert_reqs == ssl.CERT_NONE
    celery = make_app(Settings(redis_url=url))
    assert celery.conf.broker_url == "rediss://:secret@store.example:6380/0"
    assert celery.conf.broker_use_ssl == {"ssl_cert_reqs": ssl.CERT_NONE}


def test_a_tls_server_that_is_not_there_is_told_without_the_password() -> None:
    with Client("rediss://:top-secret@127.0.0.1:1/0") as client, pytest.raises(StoreError, match="reach") as raised:
        client.lookup("a")
    assert "top-secret" not in str(raised.value)


@pytest.mark.parametrize("url", ["", "localhost:6379", "http://localhost", "redis://host:port/0"])
def test_a_url_that_is_none_is_an_error_of_ours(url: str) -> None:
    with pytest.raises(StoreError, match="no address of a server"):
        Client(url)
