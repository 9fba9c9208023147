"""The plugin of the `reader` library, with the library itself: what it stores is pushed, once, whatever happens."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from reader import Reader, UpdateHookErrorGroup, make_reader

from tests.integration.feed_site import Site, rss, serving
from tests.integration.world import drain, text
from worker.client import Client
from worker.feeds import feed_id
from worker.reader_plugin import article_id, init_with
from worker.store.store import Store

ROOT = Path(__file__).parents[2]


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as one:
        yield one


@pytest.fixture
def client(server_url: str, store: Store) -> Iterator[Client]:
    assert store.inbox.n_waiting() == 0
    with Client(server_url) as one:
        yield one


@pytest.fixture
def reader(tmp_path: Path, client: Client) -> Iterator[Reader]:
    with make_reader(str(tmp_path / "db.sqlite"), plugins=[init_with(client)]) as one:
        yield one


def subscribe(reader: Reader, url: str) -> str:
    reader.add_feed(url)
    reader.update_feeds()
    return f"reader:{feed_id(url)}:"


def test_what_comes_is_pushed_and_what_changes_is_a_revision(reader: Reader, site: Site, store: Store) -> None:
    url = site.put("/feed", rss(("a", text("a")), ("b", text("b"))))
    prefix = subscribe(reader, url)
    drain(store)
    entry = store.articles.get(f"{prefix}a")
    assert entry is not None
    assert (entry.title, entry.source, entry.kind, entry.revision) == ("On a", "The News", "new", 0)
    reader.update_feed(url)
    assert store.inbox.n_waiting() == 0
    site.put("/feed", rss(("c", text("c")), ("a", text("another")), ("b", text("b"))))
    reader.update_feed(url)
    assert store.inbox.n_waiting() == 2
    drain(store)
    revised, same = store.articles.get(f"{prefix}a"), store.articles.get(f"{prefix}b")
    assert revised
    assert same
    assert (revised.revision, same.revision) == (1, 0)
    assert store.articles.get(f"{prefix}c") is not None


def test_all_that_an_entry_tells_is_pushed(reader: Reader, site: Site, store: Store) -> None:
    body = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de"><title>Atom News</title><id>x</id><entry>
<id>tag:1</id><title>In Atom</title><link href="https://news.example/1"/><published>2026-01-02T03:04:05Z</published>
<content type="html" xml:lang="de">&lt;p&gt;Die F\u00e4hre f\u00e4hrt wieder.&lt;/p&gt;</content></entry></feed>"""
    prefix = subscribe(reader, site.put("/feed", body.encode(), Content_Type="application/atom+xml"))
    drain(store)
    entry = store.articles.get(f"{prefix}tag:1")
    assert entry is not None
    assert (entry.url, entry.published_at, entry.language) == ("https://news.example/1", "2026-01-02T03:04:05Z", "de")
    assert (entry.title, entry.source, entry.warnings) == ("In Atom", "Atom News", ())


def causes(error: BaseException) -> Iterator[str]:
    """What hooks raised, by whatever way it is wrapped."""
    for one in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from causes(one)
    if error.__cause__ is not None:
        yield str(error.__cause__)


def test_what_could_not_be_pushed_is_pushed_by_the_next_update(
    tmp_path: Path, site: Site, store: Store, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = site.put("/feed", rss(("a", text("a")), ("b", text("b"))))
    monkeypatch.setattr("worker.store.connection._MOST_RETRIES", 0)
    with (
        Client(f"unix://{tmp_path}/nothing.sock") as away,
        make_reader(str(tmp_path / "db"), plugins=[init_with(away)]) as reader,
    ):
        with pytest.raises(UpdateHookErrorGroup) as raised:
            subscribe(reader, url)
        assert any("cannot reach the server" in one for one in causes(raised.value))
    with make_reader(str(tmp_path / "db"), plugins=[init_with(client)]) as reader:
        reader.update_feeds()
        assert store.inbox.n_waiting() == 2
        reader.update_feeds()
        assert store.inbox.n_waiting() == 2


def test_an_entry_keeps_its_id_when_its_feed_moves(reader: Reader, site: Site) -> None:
    url = site.put("/feed", rss(("a", text("a"))))
    subscribe(reader, url)
    [before] = reader.get_entries()
    reader.change_feed_url(url, site.put("/moved", rss(("a", text("a")))))
    [after] = reader.get_entries()
    assert article_id(before) == article_id(after) == f"reader:{feed_id(url)}:a"


def test_an_entry_that_cannot_be_accepted_is_rejected_and_the_rest_goes_in(
    reader: Reader, site: Site, store: Store
) -> None:
    body = b"""<rss version='2.0'><channel><title>T</title><item><guid>empty</guid></item>
<item><guid>a</guid><description>The ferry sails again.</description></item></channel></rss>"""
    url = site.put("/feed", body)
    subscribe(reader, url)
    assert store.inbox.n_waiting() == 1
    assert len(store.rejected.latest(9)) == 1
    reader.update_feed(url)
    assert len(store.rejected.latest(9)) == 1


def test_the_plugin_is_loaded_by_name_and_reaches_the_server_that_the_environment_names(
    tmp_path: Path, site: Site, store: Store, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", server_url)
    monkeypatch.delenv("DEDUP_PREFIX", raising=False)
    with make_reader(str(tmp_path / "db"), plugins=["worker.reader_plugin"]) as reader:
        subscribe(reader, site.put("/feed", rss(("a", text("a")))))
    assert store.inbox.n_waiting() == 1


def test_importing_it_needs_neither_celery_nor_numpy_nor_reader() -> None:
    code = (
        "import sys, worker.reader_plugin; "
        "print([name for name in ('celery', 'kombu', 'numpy', 'scipy', 'sklearn', 'reader') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
