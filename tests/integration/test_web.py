"""The web service over a socket: what it accepts, what it answers, what it refuses, and what it keeps to itself."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import hmac
import json
import re
import select
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest

from benchmarks.service import wait_for
from tests.integration.web_service import (
    FRESHRSS_TOKEN,
    MINIFLUX_SECRET,
    READ_TOKEN,
    TOKEN,
    WRITES,
    everything,
    serving,
)
from tests.integration.world import HOUR, about, altered, article, clusterer, drain, ingest, seed_lines, text
from worker import answers, embedded
from worker.answers import Answer
from worker.client import Client
from worker.store.store import Store
from worker.web import WebError

NOW: Final = 1_767_323_045.0
WRONG: Final = {"Authorization": f"Bearer {TOKEN[:-1]}x", "Content-Type": "application/json"}
READS: Final = {"Authorization": f"Bearer {READ_TOKEN}"}


@pytest.fixture(scope="module")
def bare(live_server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service with no setting at all."""
    with serving(live_server.url, tmp_path_factory.mktemp("bare") / "log") as client:
        yield client


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the guarded service writes its log."""
    return tmp_path_factory.mktemp("guarded") / "log"


@pytest.fixture(scope="module")
def guarded(live_server: embedded.Server, log: Path) -> Iterator[httpx.Client]:
    """A service beyond loopback, with a read token and a name of its own, and an inbox of three articles."""
    settings = everything() | {
        "DEDUP_WEB_HOST": "0.0.0.0", "DEDUP_WEB_READ_TOKEN": READ_TOKEN, "DEDUP_WEB_HOSTS": "news.example",
        "DEDUP_INBOX_MAX": "3",
    }  # fmt: skip
    with serving(live_server.url, log, **settings) as client:
        client.base_url = httpx.URL(str(client.base_url).replace("0.0.0.0", "127.0.0.1"))
        yield client


def told(store: Store, at: float = NOW) -> None:
    """A run over what has come."""
    drain(store)
    clusterer(store).run(at)


def pushed(web: httpx.Client, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return web.post("/articles", content=content, headers=WRITES | headers)


def waiting(store: Store) -> list[dict[str, Any]]:
    """What is in the inbox."""
    return [json.loads(payload) for _, payload in store.inbox.scan()]


# What is pushed


def test_an_article_that_is_pushed_can_be_looked_up(web: httpx.Client, store: Store) -> None:
    answer = pushed(web, article("mine:1", text("one")))
    assert (answer.status_code, answer.json()) == (202, {"accepted": ["mine:1"], "rejected": []})
    told(store)
    assert web.get("/articles/mine:1").json()["status"] == "clustered"


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson; charset=utf-8", "application/jsonl"])
def test_an_array_and_lines_tell_for_each_article_what_became_of_it(web: httpx.Client, store: Store, kind: str) -> None:
    articles = [article("a", "Ferry."), {"id": "b", "title": 3}, {"id": "c"}, {"text": "No id and no address."}]
    lines = "\n".join(map(json.dumps, articles)).encode()
    for body in (lines, json.dumps(articles).encode()):
        answer = pushed(web, body, **{"Content-Type": kind})
        assert answer.status_code == 202
        assert [one[:6] for one in answer.json()["accepted"]] == ["a", "sha256"]
        refused = [(one["position"], one["id"], one["field"]) for one in answer.json()["rejected"]]
        assert refused == [(1, "b", "title"), (2, "c", "text")]
    assert store.rejected.size() == 4


def test_the_same_delivery_again_changes_nothing(web: httpx.Client, store: Store) -> None:
    for _ in range(2):
        assert pushed(web, [article("a", text("a")), article("b", text("b"))]).status_code == 202
        told(store)
    changes = web.get("/changes").json()
    assert sorted(one["kind"] for one in changes) == ["born", "born"]
    assert web.get("/articles/a").json()["revision"] == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"garbage", 400),
        (b"", 400),
        (b" \n ", 400),
        (b"\xff\xfe\x00", 400),
        (b'"text"', 400),
        (b"[1, 2]", 400),
        (b"[" * 100_000, 400),
        (b"{}", 422),
        (b"[]", 202),
        (json.dumps({"id": "x", "text": "y" * 300_000}).encode(), 400),
        (b"x" * 1_000_001, 413),
        (b"{}\n" * 10_001, 413),
        (b"x" * 50_000_000, 413),
    ],
)
def test_what_cannot_be_accepted_is_refused_with_the_right_status(
    web: httpx.Client, store: Store, body: bytes, status: int
) -> None:
    answer = pushed(web, body)
    assert answer.status_code == status, answer.text[:300]
    assert store.inbox.n_waiting() == 0


def test_a_body_without_an_announced_length_is_limited_too(web: httpx.Client) -> None:
    answer = web.post("/articles", content=(b"x" * 100_000 for _ in range(20)), headers=WRITES)
    assert answer.status_code == 413


def test_bodies_that_are_sent_by_halves_do_not_fill_the_memory(web: httpx.Client, store: Store) -> None:
    head = (
        b"POST /hooks/miniflux HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999\r\n"
        b"Content-Type: application/json\r\n\r\n"
    )
    with ExitStack() as held:
        links = [
            held.enter_context(socket.create_connection(("127.0.0.1", web.base_url.port or 0), 20)) for _ in range(9)
        ]
        for link in links:
            link.sendall(head + b" " * 999_000)
        answered, _, _ = select.select(links, [], [], 20)
        assert len(answered) == 1, "eight bodies have room, whichever they are"
        answer = answered[0].recv(10_000).lower()
        assert answer.startswith(b"http/1.1 503 "), answer
        assert re.search(rb"\r\nretry-after: [1-9]", answer), answer
    wait_for(lambda: pushed(web, [article("b", "x" * 10_000)]).status_code == 202, 20, "there is room again")
    assert [one["id"] for one in waiting(store)] == ["b"]


def test_a_full_inbox_is_told_with_what_went_in_and_loses_nothing(guarded: httpx.Client, store: Store) -> None:
    answer = pushed(guarded, [article(str(i), f"Text {i}.") for i in range(5)])
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["accepted"] == [one["id"] for one in waiting(store)] == ["0", "1", "2"]
    drain(store)
    assert pushed(guarded, [article(str(i), f"Text {i}.") for i in (3, 4)]).json()["accepted"] == ["3", "4"]


def test_a_full_inbox_is_told_to_the_hooks_too(guarded: httpx.Client, store: Store) -> None:
    for i in range(3):
        assert from_freshrss(guarded, b'{"id": "%d", "title": "Ferry"}' % i).status_code == 202
    for answer in (from_miniflux(guarded, NEW_ENTRIES), from_freshrss(guarded, b'{"id": "3", "title": "Ferry"}')):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.json()["accepted"] == []
    drain(store)
    assert from_miniflux(guarded, NEW_ENTRIES).status_code == 202


def test_fifty_megabytes_are_refused_where_no_limit_is_set(server_url: str, store: Store, tmp_path: Path) -> None:
    with serving(server_url, tmp_path / "log", DEDUP_WEB_TOKEN=TOKEN) as client:
        answer = pushed(client, b"[" + b" " * 50_000_000 + b"]")
    assert (answer.status_code, "DEDUP_WEB_MAX_BYTES" in answer.text) == (413, True)
    assert store.inbox.n_waiting() == 0


# Hooks


def entry(number: int, **fields: Any) -> dict[str, Any]:
    """An entry with every field that Miniflux sends."""
    return {
        "id": number, "user_id": 1, "feed_id": 8, "status": "unread", "hash": "af32", "title": f"Entry {number}",
        "url": f"https://news.example/{number}", "comments_url": "", "published_at": "2026-01-02T03:04:05Z",
        "created_at": "2026-01-02T03:05:00.12Z", "changed_at": "2026-01-02T03:05:00.12Z",
        "content": f"<p>{text(number)}</p>", "author": "", "share_code": "", "starred": False, "reading_time": 1,
        "enclosures": None, "tags": [], **fields,
    }  # fmt: skip


FEED: Final = {
    "id": 8, "user_id": 1, "feed_url": "https://news.example/feed", "site_url": "https://news.example/",
    "title": "Harbour Post", "checked_at": "2026-01-02T03:05:00Z",
}  # fmt: skip
NEW_ENTRIES: Final = {"event_type": "new_entries", "feed": FEED, "entries": [entry(231), entry(232)]}


def from_miniflux(web: httpx.Client, event: Any, secret: str = MINIFLUX_SECRET) -> httpx.Response:
    """Posts as Miniflux does."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Miniflux/2.2",
        "X-Miniflux-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
        "X-Miniflux-Event-Type": "new_entries",
    }
    return web.post("/hooks/miniflux", content=body, headers=headers)


def test_new_entries_of_miniflux_become_articles_with_stories(web: httpx.Client, store: Store) -> None:
    answer = from_miniflux(web, NEW_ENTRIES)
    assert (answer.status_code, answer.json()["accepted"]) == (202, ["miniflux:231", "miniflux:232"])
    told(store)
    found = web.get("/articles/miniflux:231").json()
    assert {name: found[name] for name in ("title", "url", "source", "published_at", "status")} == {
        "title": "Entry 231", "url": "https://news.example/231", "source": "Harbour Post",
        "published_at": "2026-01-02T03:04:05Z", "status": "clustered",
    }  # fmt: skip
    assert web.get(f"/stories/{found['story']}").json()["articles"] == ["miniflux:231"]


def test_a_saved_entry_and_a_replay_of_it_change_nothing(web: httpx.Client, store: Store) -> None:
    for event in (NEW_ENTRIES, {"event_type": "save_entry", "entry": entry(231, starred=True) | {"feed": FEED}}):
        for _ in range(2):
            assert "miniflux:231" in from_miniflux(web, event).json()["accepted"]
            told(store)
    assert [one["kind"] for one in web.get("/changes").json()] == ["born", "born"]


SAVED_AS_SENT: Final = (
    rb'{"event_type":"save_entry","entry":{"id":9007199254740993,"user_id":1,"feed_id":8,"status":"unread",'
    rb'"hash":"1ab2","title":"Ferry \u0026 harbour \u003creopened\u003e","url":"https://news.example/9?a=1\u0026b=2",'
    rb'"comments_url":"","published_at":"2026-01-02T05:04:05+02:00","created_at":"2026-01-02T03:05:00.123456Z",'
    rb'"changed_at":"2026-01-02T03:05:00.123456Z","content":"\u003cp\u003eThe ferry sails\u2028again.\u003c/p\u003e",'
    rb'"author":"","share_code":"","starred":true,"reading_time":1,"enclosures":null,"tags":[],"feed":{"id":8,'
    rb'"user_id":1,"feed_url":"https://news.example/feed","site_url":"https://news.example/","title":"Harbour Post",'
    rb'"checked_at":"2026-01-02T03:05:00.1Z"}}}'
)
SIGNED_BY_OPENSSL: Final = "66715b50a6c6545726cad9b65cf6f893c31cba0a47047e48db319a877a3ef674"


def test_the_bytes_that_miniflux_sends_are_taken_with_a_signature_made_elsewhere(
    web: httpx.Client, store: Store
) -> None:
    headers = {"Content-Type": "application/json", "X-Miniflux-Signature": SIGNED_BY_OPENSSL,
               "X-Miniflux-Event-Type": "save_entry", "User-Agent": "Miniflux/2.2.19"}  # fmt: skip
    answer = web.post("/hooks/miniflux", content=SAVED_AS_SENT, headers=headers)
    assert (answer.status_code, answer.json()["accepted"]) == (202, ["miniflux:9007199254740993"])
    (found,) = waiting(store)
    assert {name: found[name] for name in ("title", "url", "source")} == {
        "title": "Ferry & harbour <reopened>", "url": "https://news.example/9?a=1&b=2", "source": "Harbour Post",
    }  # fmt: skip
    changed = SAVED_AS_SENT.replace(b"again", b"never")
    assert web.post("/hooks/miniflux", content=changed, headers=headers).status_code == 401


@pytest.mark.parametrize("secret", ["another-secret-of-anyone", ""])
def test_an_invalid_signature_is_refused_and_nothing_is_stored(web: httpx.Client, store: Store, secret: str) -> None:
    assert from_miniflux(web, NEW_ENTRIES, secret).status_code == 401
    foreign = {b"X-Miniflux-Signature": "\u00e9".encode(), b"Content-Type": b"application/json"}
    unsigned = web.post("/hooks/miniflux", content=json.dumps(NEW_ENTRIES), headers=foreign)
    assert unsigned.status_code == 401
    assert web.post("/hooks/miniflux", json=NEW_ENTRIES, headers=WRITES).status_code == 401
    assert store.inbox.n_waiting() == 0


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (b"garbage", 400),
        (b"[" * 50_000, 400),
        ([], 400),
        ({"entries": [entry(1)]}, 400),
        ({"event_type": "new_entries", "entries": [{"title": "no id"}]}, 400),
        ({"event_type": "new_entries", "entries": None}, 202),
        ({"event_type": "something_new", "of": "later versions"}, 202),
        (b" " * 2_000_000, 413),
    ],
)
def test_an_event_that_is_none_is_refused_and_one_of_another_kind_ignored(
    web: httpx.Client, store: Store, event: Any, status: int
) -> None:
    assert from_miniflux(web, event).status_code == status
    assert store.inbox.n_waiting() == 0


def from_freshrss(web: httpx.Client, body: bytes, token: str = FRESHRSS_TOKEN) -> httpx.Response:
    return web.post(f"/hooks/freshrss?token={token}", content=body, headers={"Content-Type": "application/json"})


FILLED: Final = (
    '{{\n\t"title": "{title}",\n\t"feed": "Harbour Post",\n\t"url": "https://news.example/7",\n\t'
    '"content": "{content}",\n\t"created": "1767323045"\n}}'
)


@pytest.mark.parametrize(
    ("title", "content", "title_read", "content_read"),
    [
        ("Ferry back", "The ferry sails.", "Ferry back", "The ferry sails."),
        ("Ferry\tback", "The ferry\nsails.", "Ferry\tback", "The ferry\nsails."),
        (r"On C:\new \path", "Sails, again: now", r"On C:\new \path", "Sails, again: now"),
        (r"Ferry \"Anna\" back", r"It \\ sails", 'Ferry "Anna" back', "It \\ sails"),
        (r"Ferry \"Anna\" \q", "It sails \\", 'Ferry "Anna" \\q', "It sails \\"),
        ('Ferry "Anna" back', "It {sails}", 'Ferry "Anna" back', "It {sails}"),
    ],
)
def test_what_freshrss_sends_is_read_though_it_be_no_json(
    web: httpx.Client, store: Store, title: str, content: str, title_read: str, content_read: str
) -> None:
    answer = from_freshrss(web, FILLED.format(title=title, content=content).encode())
    assert answer.status_code == 202, answer.text
    (found,) = waiting(store)
    assert answer.json()["accepted"] == [found["id"]]
    assert found["id"].startswith("freshrss:sha256:")
    assert {name: found[name] for name in ("title", "html", "url", "source", "published_at")} == {
        "title": title_read, "html": content_read, "url": "https://news.example/7", "source": "Harbour Post",
        "published_at": "2026-01-02T03:04:05Z",
    }  # fmt: skip


def test_freshrss_may_give_an_id_or_send_a_form_and_a_repeat_has_the_same_id(web: httpx.Client, store: Store) -> None:
    assert from_freshrss(web, b'{"id": "17", "title": "Ferry"}').json()["accepted"] == ["freshrss:17"]
    body = b"title=Ferry+back&url=https%3A%2F%2Fnews.example%2F7"
    ids = {from_freshrss(web, body).json()["accepted"][0] for _ in range(2)}
    assert ids == set(from_freshrss(web, FILLED.format(title="T", content="C").encode()).json()["accepted"])
    assert store.inbox.n_waiting() == 4


def test_the_test_button_of_freshrss_pushes_nothing(web: httpx.Client, store: Store) -> None:
    body = b'{"title": "__TITLE__", "feed": "__FEED__", "url": "__URL__", "created": "__DATE_TIMESTAMP__"}'
    assert (from_freshrss(web, body).status_code, store.inbox.n_waiting()) == (202, 0)


@pytest.mark.parametrize(
    ("body", "token", "status"),
    [(b"garbage", FRESHRSS_TOKEN, 400), (b"", FRESHRSS_TOKEN, 400), (b'{"title": "T"}', FRESHRSS_TOKEN, 400),
     (b"{" * 90_000, FRESHRSS_TOKEN, 400), (b'{"url": "https://e.example/"}', FRESHRSS_TOKEN[1:], 401),
     (b'{"url": "https://e.example/"}', "", 401), (b" " * 2_000_000, FRESHRSS_TOKEN, 413)],
)  # fmt: skip
def test_freshrss_is_refused_garbage_and_a_wrong_token(
    web: httpx.Client, store: Store, body: bytes, token: str, status: int
) -> None:
    assert from_freshrss(web, body, token).status_code == status
    assert store.inbox.n_waiting() == 0


# Looking up


def of_explained(client: Client, *, story: bool) -> Answer:
    found = client.explain("seed-r2-wire-near", story=story)
    assert found is not None
    assert (found.story is not None) == story
    return dataclasses.asdict(found)


def test_every_answer_is_what_the_command_says(web: httpx.Client, store: Store, server_url: str) -> None:
    ingest(store, *seed_lines())
    clusterer(store).run(NOW)
    with Client(server_url) as client:
        own = answers.whole_article(client, "seed-r2-wire-near")
        assert own is not None
        assert own["match"]
        wanted = {
            "/articles/seed-r2-wire-near": answers.article(client, "seed-r2-wire-near"),
            "/articles/seed-r2-wire-near?whole=true": own,
            f"/stories/{own['story']}": answers.story(client, own["story"]),
            f"/storylines/{own['storyline']}": answers.storyline(client, own["storyline"]),
            f"/families/{own['family']}": answers.family(client, own["family"]),
            "/changes": [answers.change(*one) for one in client.changes()],
            "/stories": answers.stories(client.stories()),
            "/articles/seed-r2-wire-near/explanation": of_explained(client, story=False),
            "/articles/seed-r2-wire-near/explanation?story=true": of_explained(client, story=True),
            "/articles/seed-r2-wire-near/explanation?other=seed-r1-wire": dataclasses.asdict(
                client.explain_pair("seed-r2-wire-near", "seed-r1-wire")
            ),
        }
    for path, answer in wanted.items():
        assert answer
        assert web.get(path).json() == json.loads(json.dumps(answer)), path


def test_one_explanation_of_a_story_is_made_at_a_time_and_the_others_are_told_to_try_again(
    web: httpx.Client, store: Store
) -> None:
    ingest(store, article("a", text("a")))
    told(store)
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(web.get, ["/articles/a/explanation?story=true"] * 3))
    assert {answer.status_code for answer in answers} == {200, 503}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers if answer.status_code == 503)
    assert web.get("/articles/a/explanation?story=true").json()["story"]["why"].startswith("alone")


@pytest.mark.parametrize(
    "article_id", ["https://news.example/a?b=c#d", "a/b/explanation", "ünïcode %41", "//", "../x", "a b\u2028c"]
)
def test_any_id_can_be_looked_up_percent_encoded(web: httpx.Client, store: Store, article_id: str) -> None:
    ingest(store, article(article_id, text("any")))
    path = f"/articles/{quote(article_id, safe='')}"
    assert web.get(path).json()["id"] == article_id
    assert web.get(f"{path}/explanation").json()["id"] == article_id


def test_a_retired_id_leads_to_the_living_one(web: httpx.Client, store: Store) -> None:
    body = text("merged", 200)
    ingest(store, article("a", body), article("b", altered(body, "b", 28)))
    told(store)
    before = {name: web.get(f"/articles/{name}").json() for name in "ab"}
    assert before["a"]["family"] != before["b"]["family"]
    retired, living = f"s{'0' * 16}", before["a"]["story"]
    store.connection.set(store.keys.alias(retired), living)
    store.connection.set(store.keys.alias("l" + "0" * 16), before["a"]["storyline"])
    store.connection.set(store.keys.alias("f" + "0" * 16), before["a"]["family"])
    for kinds, name, wanted in (("stories", retired, living), ("storylines", "l" + "0" * 16, before["a"]["storyline"]),
                                ("families", "f" + "0" * 16, before["a"]["family"])):  # fmt: skip
        answer = web.get(f"/{kinds}/{name}")
        assert (answer.status_code, answer.headers["Location"]) == (308, f"/{kinds}/{wanted}")
        assert web.get(f"/{kinds}/{name}", follow_redirects=True).json()["id"] == wanted


@pytest.mark.parametrize(
    "path",
    ["/articles/none", "/articles/none/explanation", "/articles/none/explanation?story=true",
     "/articles/none/explanation?other=nobody", "/articles/", "/articles/%00", "/articles/%ff%fe", "/stories/none",
     "/stories/s0000000000000000", "/storylines/l0", "/families/f0", "/nothing", "/docs", "/redoc", "/"],
)  # fmt: skip
def test_what_is_not_known_is_told_so(web: httpx.Client, path: str) -> None:
    answer = web.get(path)
    assert answer.status_code == 404
    assert list(answer.json()) == ["error"]


def test_a_key_of_another_kind_cannot_be_reached_by_an_id(web: httpx.Client, store: Store) -> None:
    ingest(store, article("a", text("a")))
    told(store)
    found = web.get("/articles/a").json()
    for kinds, name in (("stories", f"{found['story']}:articles"), ("families", f"{found['family']}:articles"),
                        ("storylines", f"{found['storyline']}:stories")):  # fmt: skip
        assert web.get(f"/{kinds}/{name}").status_code == 404


def test_stories_are_chosen_by_time_size_source_and_words(web: httpx.Client, store: Store) -> None:
    ingest(store, *(about("flood", f"flood{i}", source=f"s{i}", title="Flood in Harrowmere") for i in range(3)))
    told(store)
    ingest(store, article("alone", text("alone"), source="s9", title="Ferry back"))
    told(store, NOW + HOUR)
    flood, alone = (web.get(f"/articles/{name}").json()["story"] for name in ("flood0", "alone"))
    assert flood != alone

    def ids(**query: Any) -> list[str]:
        return [one["id"] for one in web.get("/stories", params=query).json()]

    assert ids() == [alone, flood]
    assert ids(limit=1) == [alone]
    assert ids(since="2026-01-02T03:30:00Z") == [alone]
    assert ids(min_articles=2) == ids(source="s2") == ids(q="harrowmere FLOOD") == [flood]
    assert ids(source="s") == ids(q="flood ferry") == []


@pytest.mark.parametrize(
    "query",
    ["since=yesterday", "min_articles=0", "min_articles=x", "limit=0", "limit=201", f"source={'x' * 600}"],
)
def test_a_parameter_that_cannot_be_used_is_named_and_not_repeated(web: httpx.Client, query: str) -> None:
    name, _, value = query.partition("=")
    for path in ("/stories", "/feeds/stories.atom"):
        answer = web.get(f"{path}?{query}")
        assert answer.status_code == 422
        assert answer.json()["error"].startswith(f"{name}: ")
        assert len(value) < 9 or value not in answer.text


@pytest.mark.parametrize("after", ["x", "1-2-3", "-", "$", "+", "9" * 30, "1 0"])
def test_changes_are_resumed_only_after_an_entry(web: httpx.Client, after: str) -> None:
    assert web.get("/changes", params={"after": after}).status_code == 422


def test_changes_can_be_read_in_parts(web: httpx.Client, store: Store) -> None:
    ingest(store, *(article(str(i), text(i)) for i in range(4)))
    told(store)
    parts, after = [], "0"
    while part := web.get("/changes", params={"after": after, "limit": 3}).json():
        parts.append(part)
        after = part[-1]["entry"]
    assert [len(part) for part in parts] == [3, 1]
    assert [one for part in parts for one in part] == web.get("/changes").json()


def events(lines: Iterator[str], n: int) -> list[dict[str, str]]:
    """The next events of a stream, each as its fields."""
    found: list[dict[str, str]] = []
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value
        elif fields:
            found.append(fields)
            fields = {}
        if len(found) == n:
            break
    return found


def test_changes_come_as_they_happen_and_resume_where_a_reader_left(web: httpx.Client, store: Store) -> None:
    ingest(store, article("a", text("a")))
    told(store)
    headers = {"Accept": "text/event-stream"}
    with web.stream("GET", "/changes", headers=headers) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        (first,) = events(lines, 1)
        ingest(store, article("b", text("b")))
        told(store, NOW + HOUR)
        (second,) = events(lines, 1)
    assert [json.loads(one["data"]) for one in (first, second)] == web.get("/changes").json()
    assert (first["event"], json.loads(first["data"])["entry"]) == ("born", first["id"])
    with web.stream("GET", "/changes", headers=headers | {"Last-Event-ID": first["id"]}) as stream:
        assert events(stream.iter_lines(), 1) == [second]


def test_a_head_is_answered_as_the_get_would_be_without_its_body(web: httpx.Client, store: Store) -> None:
    ingest(store, article("a", text("a")))
    told(store)
    for path in ("/articles/a", "/stories", "/feeds/stories.atom", "/openapi.json", "/articles/x", "/stories?limit=0"):
        got, headed = web.get(path), web.head(path)
        assert (headed.status_code, headed.content) == (got.status_code, b"")
        assert {**headed.headers, "date": ""} == {**got.headers, "date": ""}
    assert web.head("/hooks/miniflux").status_code == web.get("/hooks/miniflux").status_code == 405
    stream = web.head("/changes", headers={"Accept": "text/event-stream"})
    assert (stream.headers["Content-Type"].partition(";")[0], stream.content) == ("text/event-stream", b"")
    assert web.get("/articles/a").status_code == 200


# Who may do what


def written_to(log: Path, line: str) -> str:
    """The log, once this is in it: a request's line is written after its answer."""
    wait_for(lambda: line in log.read_text(encoding="utf-8"), 10, f"the log has: {line}")
    return log.read_text(encoding="utf-8")


def test_without_a_token_nothing_can_be_pushed_and_it_is_told_what_to_set(bare: httpx.Client, store: Store) -> None:
    for path, setting in (("/articles", "DEDUP_WEB_TOKEN"), ("/hooks/miniflux", "DEDUP_WEB_MINIFLUX_SECRET"),
                          ("/hooks/freshrss?token=", "DEDUP_WEB_FRESHRSS_TOKEN")):  # fmt: skip
        answer = bare.post(path, json=article("a", "Text."), headers={"Authorization": "Bearer"})
        assert answer.status_code == 403
        assert setting in answer.json()["error"]
    assert store.inbox.n_waiting() == 0
    assert bare.get("/stories").json() == []


@pytest.mark.parametrize("headers", [{}, WRONG, {"Authorization": TOKEN}, {"Authorization": f"Basic {TOKEN}"}, READS])
def test_a_push_needs_the_write_token(guarded: httpx.Client, store: Store, headers: dict[str, str]) -> None:
    answer = guarded.post("/articles", json=article("a", "Text."), headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert store.inbox.n_waiting() == 0


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_push_must_say_that_it_is_json(web: httpx.Client, store: Store, kind: str) -> None:
    assert pushed(web, article("a", "Text."), **{"Content-Type": kind}).status_code == 415
    assert store.inbox.n_waiting() == 0


def test_a_compressed_push_is_refused_as_such(web: httpx.Client, store: Store) -> None:
    body = gzip.compress(b'{"id": "a", "text": "Text."}')
    answer = web.post("/articles", content=body, headers={**WRITES, "Content-Encoding": "gzip"})
    assert (answer.status_code, store.inbox.n_waiting()) == (415, 0)
    assert "Content-Encoding" in answer.json()["error"]
    assert pushed(web, article("a", "Text."), **{"Content-Encoding": "identity"}).status_code == 202


def test_beyond_loopback_every_look_up_needs_a_token(guarded: httpx.Client, store: Store) -> None:
    ingest(store, article("a", "Text."))
    paths = ["/articles/a", "/stories", "/changes", "/feeds/stories.atom", "/feeds/stories.json", "/openapi.json", "/x"]
    for path in paths:
        assert guarded.get(path).status_code == 401
        assert guarded.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert guarded.get(path, headers=READS).status_code in {200, 404}
        assert guarded.get(path, headers={"Authorization": f"Bearer {TOKEN}"}).status_code in {200, 404}


def test_a_token_in_the_query_opens_story_feeds_alone_and_is_told_nowhere(guarded: httpx.Client, log: Path) -> None:
    query = {"token": READ_TOKEN, "q": "some-private-search"}
    for path in ("/feeds/stories.atom", "/feeds/stories.json"):
        answer = guarded.get(path, params=query)
        assert answer.status_code == 200
        assert READ_TOKEN not in answer.text
        assert guarded.get(path, params={"token": READ_TOKEN[1:]}).status_code == 401
    assert guarded.get("/stories", params=query).status_code == 401
    written = written_to(log, "GET /stories 401")
    assert "GET /feeds/stories.atom 200" in written
    assert READ_TOKEN not in written
    assert "some-private-search" not in written


def test_logs_have_ids_and_neither_texts_nor_tokens(guarded: httpx.Client, store: Store, log: Path) -> None:
    pushed(guarded, article("mine:77", "A text of nobody's business."))
    from_freshrss(guarded, FILLED.format(title="Secret headline", content="Of nobody's business").encode())
    from_miniflux(guarded, {"event_type": "new_entries", "entries": [entry(5, content="nobody's business")]})
    drain(store)
    guarded.get("/articles/mine:77%0Aforged%1b", headers=READS)
    written = written_to(log, "GET /articles/mine:77%0Aforged%1b 404")
    for secret in ("business", "Secret headline", TOKEN, FRESHRSS_TOKEN, MINIFLUX_SECRET):
        assert secret not in written


# A page on another origin


def test_a_host_that_is_not_listed_is_refused(guarded: httpx.Client, web: httpx.Client) -> None:
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::1", "localhost.evil.example"):
        assert web.get("/stories", headers={"Host": host}).status_code in {400, 421}
        assert pushed(web, article("a", "Text."), Host=host).status_code in {400, 421}
    for host in ("localhost", "LOCALHOST:8040", "[::1]:8040"):
        assert web.get("/stories", headers={"Host": host}).status_code == 200
    assert guarded.get("/stories", headers=READS | {"Host": "news.example"}).status_code == 200
    assert web.get("/stories", headers={"Host": "news.example"}).status_code == 421


def test_two_hosts_or_none_are_refused(web: httpx.Client) -> None:
    for hosts in (b"Host: localhost\r\nHost: evil.example\r\n", b""):
        with socket.create_connection(("127.0.0.1", web.base_url.port or 0), 10) as link:
            link.sendall(b"GET /stories HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
            status = int(link.makefile("rb").readline().split()[1])
        assert status in {400, 421}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000", "http://127.0.0.1"])
def test_another_origin_can_neither_read_nor_push(web: httpx.Client, store: Store, origin: str) -> None:
    assert web.get("/stories", headers={"Origin": origin}).status_code == 403
    assert pushed(web, article("a", "Text."), Origin=origin).status_code == 403
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST",
                 "Access-Control-Request-Headers": "authorization, content-type"}  # fmt: skip
    answer = web.options("/articles", headers=preflight)
    assert answer.status_code == 403
    assert store.inbox.n_waiting() == 0


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_what_a_browser_says_another_site_asks_for_is_refused_but_for_a_link_followed(
    web: httpx.Client, site: str
) -> None:
    asked = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}
    framed = asked | {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    for headers in (asked, framed):
        assert web.get("/articles/a/explanation?story=true", headers=headers).status_code == 403
    followed = asked | {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert web.get("/stories", headers=followed).status_code == 200


def test_a_page_of_the_service_itself_may(web: httpx.Client) -> None:
    own = f"http://127.0.0.1:{web.base_url.port}"
    for site in ("same-origin", "none"):
        assert web.get("/stories", headers={"Origin": own, "Sec-Fetch-Site": site}).status_code == 200


def test_no_answer_lets_another_origin_in_and_each_forbids_all_content(web: httpx.Client) -> None:
    seen = [web.get("/stories"), web.get("/x"), web.get("/stories?limit=0"), web.options("/articles"),
            web.get("/feeds/stories.atom"), web.get("/stories", headers={"Host": "evil.example"}), pushed(web, b"x"),
            web.post("/articles")]  # fmt: skip
    assert {answer.status_code for answer in seen} >= {200, 404, 422, 401, 421, 400}
    for answer in seen:
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "server" not in answer.headers


def test_beyond_loopback_it_does_not_start_without_a_read_token(live_server: embedded.Server, tmp_path: Path) -> None:
    settings = {"DEDUP_WEB_HOST": "0.0.0.0", "DEDUP_WEB_TOKEN": TOKEN}
    with (
        pytest.raises(AssertionError, match="DEDUP_WEB_READ_TOKEN"),
        serving(live_server.url, tmp_path / "log", **settings),
    ):
        pass


@pytest.mark.fault
def test_a_store_that_is_away_is_told_as_something_to_try_again(tmp_path: Path) -> None:
    server = embedded.start(tmp_path / "data")
    try:
        with serving(server.url, tmp_path / "log", **everything()) as client:
            assert client.get("/stories").status_code == 200
            server.stop()
            for answer in (client.get("/articles/a"), pushed(client, article("a", "Text."))):
                assert answer.status_code == 503
                assert int(answer.headers["Retry-After"]) > 0
                assert str(tmp_path) not in answer.text
    finally:
        server.stop()


def test_an_error_of_starting_is_one_of_this_project() -> None:
    from dedup.errors import DedupError

    assert issubclass(WebError, DedupError)
