"""Accounts of feed readers by the command line, with readers on loopback, and docs/readers.md line by line."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.service import running, wait_for
from tests.e2e.test_docs import blocks
from tests.integration.reader_site import AUTH, KEY, PASSWORD, USER, ReaderSite, reading
from tests.integration.world import altered, drain, text
from worker import tasks
from worker.cli import main
from worker.client import Client
from worker.service.runtime import runtime
from worker.store.connection import connect
from worker.store.store import Store, open_store

Run = Callable[..., Any]
DOCUMENT = "docs/readers.md"
BODY = text("wire", 200)


@pytest.fixture
def sites(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ReaderSite]]:
    """A Miniflux, a FreshRSS, and another one that speaks the Google Reader API."""
    monkeypatch.setenv("DEDUP_FEEDS_ALLOW", "127.0.0.1/32")
    monkeypatch.setenv("DEDUP_FEEDS_HOST_SECONDS", "0.01")
    with reading("miniflux") as one, reading("freshrss") as two, reading("miniflux") as three:
        yield {"reader": one, "rss": two, "other": three}


@pytest.fixture
def store(server_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("REDIS_URL", server_url)
    one = open_store(connect(server_url), "dedup:")
    yield one
    one.connection.close()


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "readers.txt"
    file.write_text(f"freshrss={PASSWORD}\nother={PASSWORD}\n", encoding="utf-8")
    file.chmod(0o600)
    monkeypatch.setenv("DEDUP_READERS", f"miniflux={KEY}")
    monkeypatch.setenv("DEDUP_READERS_FILE", str(file))


def fill(site: ReaderSite) -> None:
    """A report, a copy and a near-duplicate of it."""
    site.add(1, f"<p>{BODY}</p>", "Ferry sails")
    site.add(2, f"<p>{BODY}</p>", "Ferry sails again", feed=53)
    site.add(3, f"<p>{altered(BODY, 'post', 3)}</p>", "Ferry back in service", feed=53)


@pytest.mark.usefixtures("secrets")
def test_every_line_of_the_page_on_readers_runs_and_prints_what_it_shows(
    dedup: Run, sites: dict[str, ReaderSite], store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fill(sites["reader"])
    said: list[str] = []
    for block in blocks(DOCUMENT):
        if block.language == "python":
            names: dict[str, Any] = {"__name__": "document"}
            exec(compile(block.text, DOCUMENT, "exec"), names)  # noqa: S102 - our own documents
            names["reader"].close()
        elif block.language == "text":
            printed = {" ".join(line.split()) for line in said[-1].splitlines()}
            assert [line for line in block.text.splitlines() if " ".join(line.split()) not in printed] == []
        for line in block.text.splitlines() if block.language == "sh" else ():
            words = shlex.split(line)
            if words[0] == "dedup":
                ran = dedup(*(_on_loopback(word, sites) for word in words[1:]))
                assert ran.code == 0, (line, ran.said)
                said.append(ran.out)
                work(store)
    marks = {name: mark.state for name, mark in store.readers.marks("miniflux").items()}
    assert marks == {"miniflux:2": "undone", "miniflux:3": "undone"}
    assert sites["reader"].unread_ids() == [1, 2, 3]


def _on_loopback(word: str, sites: dict[str, ReaderSite]) -> str:
    found = re.fullmatch(r"https://(\w+)\.example\.org(/.*)", word)
    return f"{sites[found[1]].root}{found[2]}" if found else word


@pytest.mark.usefixtures("store", "secrets")
def test_an_account_is_added_listed_and_removed_and_no_secret_is_ever_printed(
    dedup: Run, sites: dict[str, ReaderSite]
) -> None:
    sites["rss"].add(1_795_342_545_000_001, "<p>The ferry sails again.</p>")
    told = [
        dedup("feeds", "add", sites["rss"].root, "--reader", "freshrss", "--user", USER),
        dedup("feeds", "add", f"{sites['rss'].root}/api/greader.php", "--reader", "freshrss", "--user", USER),
        dedup("feeds", "poll", "freshrss"),
        dedup("feeds", "list"),
        dedup("feeds", "list", "--json"),
        dedup("feeds", "remove", "freshrss"),
        dedup("feeds", "list", "--json"),
    ]
    assert [one.code for one in told] == [0] * 7
    assert told[0].said == ["dedup: 1 feeds added, 0 were there already, 0 could not be read"]
    assert told[1].said == ["dedup: 0 feeds added, 1 were there already, 0 could not be read"]
    assert "1 new or changed" in told[2].out
    [listed] = json.loads(told[4].out)
    assert (listed["first_url"], listed["reader"], listed["user"], listed["articles"]) == (
        "freshrss",
        "freshrss",
        USER,
        1,
    )
    assert told[5].said == ["dedup: freshrss is not polled any more; its articles stay"]
    assert json.loads(told[6].out) == []
    printed = "".join(one.out + "".join(one.said) for one in told)
    assert not any(secret in printed for secret in (PASSWORD, KEY, AUTH))


@pytest.mark.usefixtures("store", "secrets")
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--user", "alice"), "--user and --name are of an account of a feed reader: say which one with --reader"),
        (("--reader", "freshrss"), "who logs in there? Say --user"),
        (("--reader", "miniflux", "--name", "feed"), "no name for an account"),
        (("--reader", "miniflux", "--name", "A B"), "no name for an account"),
        (("--reader", "miniflux", "--name", "work"), "work: no secret for it: put the right work=... into"),
    ],
)
def test_what_cannot_be_added_is_refused_with_a_reason(
    dedup: Run, sites: dict[str, ReaderSite], words: tuple[str, ...], reason: str
) -> None:
    ran = dedup("feeds", "add", sites["reader"].root, *words)
    assert (ran.code, ran.out) == (1, "")
    assert reason in ran.said[0]


def test_a_wrong_secret_is_told_with_what_to_do_and_is_not_shown(
    dedup: Run, sites: dict[str, ReaderSite], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEDUP_READERS", "miniflux=not-the-key")
    ran = dedup("feeds", "add", sites["reader"].root, "--reader", "miniflux")
    assert ran.code == 1
    assert "401 Unauthorized: put the right miniflux=... into DEDUP_READERS" in ran.said[0]
    assert "not-the-key" not in ran.said[0]
    assert store.feeds.ids() == []


@pytest.mark.usefixtures("secrets")
def test_marks_are_looked_at_switched_on_and_undone(dedup: Run, sites: dict[str, ReaderSite], store: Store) -> None:
    fill(sites["reader"])
    for words in (("add", sites["reader"].root, "--reader", "miniflux"), ("poll", "miniflux")):
        assert dedup("feeds", *words).code == 0
    drain(store)
    looked = dedup("feeds", "once", "miniflux")
    assert looked.said == ["dedup: miniflux: off, and nothing is marked until --on; 2 articles to be marked read now"]
    assert json.loads(dedup("feeds", "once", "miniflux", "--category", "News", "--json").out) == {
        "account": "miniflux", "on": False, "scope": {"feeds": [], "categories": ["News"], "sources": []},
        "would_mark": [],
    }  # fmt: skip
    assert sites["reader"].unread_ids() == [1, 2, 3]
    switched = dedup("feeds", "once", "miniflux", "--on", "--category", "local")
    assert switched.said == [
        "dedup: miniflux: on from now on (categories local); 2 articles to be marked read now",
        "dedup: the service marks them after a poll, if it was started with the secret of miniflux (DEDUP_READERS)",
    ]
    [listed] = json.loads(dedup("feeds", "list", "--json").out)
    assert listed["once"] == {"feeds": [], "categories": ["local"], "sources": []}
    [due] = store.feeds.marking_due(2e9)
    assert due == store.feeds.ids()[0]
    looked = json.loads(dedup("feeds", "once", "miniflux", "--json").out)
    assert (looked["on"], looked["scope"]["categories"]) == (True, ["local"])
    assert [(one["article_id"], one["kept"], one["kind"]) for one in looked["would_mark"]] == [
        ("miniflux:2", "miniflux:1", "copy"), ("miniflux:3", "miniflux:1", "near-duplicate"),
    ]  # fmt: skip
    work(store)
    assert store.feeds.marking_due(2e9) == []
    assert sites["reader"].unread_ids() == [1]
    refused = dedup("feeds", "remove", "miniflux")
    assert (refused.code, "2 articles are marked read there: `dedup feeds undo miniflux`" in refused.said[0]) == (
        1,
        True,
    )
    listed = json.loads(dedup("feeds", "undo", "miniflux", "--dry-run", "--json").out)
    assert [(one["article_id"], one["state"]) for one in listed] == [("miniflux:2", "marked"), ("miniflux:3", "marked")]
    undone = dedup("feeds", "undo", "miniflux")
    still = "what comes from now on is still marked: `dedup feeds once miniflux --off` ends that"
    assert undone.said == [f"dedup: miniflux: 2 articles are unread again; {still}"]
    assert sites["reader"].unread_ids() == [1, 2, 3]
    off = dedup("feeds", "once", "miniflux", "--off")
    assert "off; what is marked read stays so until" in off.said[0]
    assert dedup("feeds", "remove", "miniflux").code == 0


def work(store: Store) -> None:
    """What the workers do: families are decided, then the feeds worker polls and marks."""
    drain(store)
    runtime.cache_clear()
    tasks.poll()
    runtime().store.connection.close()
    runtime.cache_clear()


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("words", [("once", "nobody"), ("undo", "nobody"), ("poll", "nobody"), ("remove", "nobody")])
def test_an_account_that_is_not_there_is_told(dedup: Run, words: tuple[str, ...]) -> None:
    ran = dedup("feeds", *words)
    assert ran.code == 1
    assert ran.said == ["dedup: no feed 'nobody' is subscribed to; `dedup feeds list` tells which are"]


@pytest.mark.slow
def test_an_account_is_read_and_marked_in_while_the_service_runs_and_undone_by_hand(
    sites: dict[str, ReaderSite], tmp_path: Path
) -> None:
    fill(sites["reader"])
    environ = {
        "DEDUP_FEEDS_ALLOW": "127.0.0.1/32", "DEDUP_FEEDS_HOST_SECONDS": "0.05", "DEDUP_FEEDS_POLL_SECONDS": "2",
        "DEDUP_READERS": f"miniflux={KEY}",
    }  # fmt: skip
    with running(tmp_path / "data", 1, environ) as service, Client(service.url) as client:

        def feeds(*words: str) -> int:
            with pytest.MonkeyPatch.context() as patched:
                for name, value in {**environ, "REDIS_URL": service.url}.items():
                    patched.setenv(name, value)
                return main(["feeds", *words])

        assert feeds("add", sites["reader"].root, "--reader", "miniflux") == 0
        wait_for(lambda: client.lookup("miniflux:3"), 60, "the articles can be read")
        assert sites["reader"].unread_ids() == [1, 2, 3]
        assert feeds("once", "miniflux", "--on") == 0
        wait_for(lambda: sites["reader"].unread_ids() == [1], 60, "copies are marked read")
        sites["reader"].add(4, f"<p>{altered(BODY, 'late', 3)}</p>", "Ferry still sails")
        wait_for(lambda: sites["reader"].entries[4].is_read, 60, "one that came later, too")
        assert feeds("once", "miniflux", "--off") == 0
        assert feeds("undo", "miniflux") == 0
        assert sites["reader"].unread_ids() == [1, 2, 3, 4]
        assert all(secret not in log.read_text() for log in (tmp_path / "data").rglob("*.log") for secret in (KEY,))
