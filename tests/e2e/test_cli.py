"""The command `dedup` without a running service: what it prints, what it refuses, and how it says so."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import pty
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import redis

from dedup.article import parse_article
from dedup.pipeline import Background, Params, Telling, cluster_articles
from dedup.terms import NO_TERMS
from worker import embedded
from worker.cli import parser
from worker.cli.bar import COSTS
from worker.client import Client
from worker.service.draining import drain
from worker.service.rebuilding import Rebuilder
from worker.service.runtime import make_runtime
from worker.settings import Settings
from worker.store.commit import Unit

Run = Callable[..., Any]

SEEDS = Path(__file__).parents[2] / "seeds" / "articles.jsonl"
COMMANDS = (
    "demo", "up", "web", "push", "show", "story", "stories", "explain", "changes", "report", "forget", "status", "link",
    "unlink", "corrections", "feeds", "cluster", "evaluate",
)  # fmt: skip
FIELDS = ("id", "family_id", "story_id", "storyline_id")
SEVERAL = b'{"id": "one", "text": "first"}\n{"id": "two", "title": "second"}\n'
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>T</title>
<item><guid>g2</guid><title>Later</title><description>two</description></item>
<item><guid>g1</guid><title>Earlier</title><description>one</description></item></channel></rss>"""
ATOM = b"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><id>t</id>
<entry><id>g2</id><title>Later</title><summary>two</summary></entry>
<entry><id>g1</id><title>Earlier</title><summary>one</summary></entry></feed>"""
JSON_FEED = json.dumps({
    "version": "https://jsonfeed.org/version/1.1", "title": "T",
    "items": [{"id": "g2", "content_text": "two"}, {"id": "g1", "content_text": "one"}],
}).encode()  # fmt: skip
EMPTY_FEED = b'<rss version="2.0"><channel><title>Nothing yet</title></channel></rss>'
PAGE = b"<!doctype html><html><head><title>x</title></head><body>No feed.</body></html>"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """A file of two articles."""
    return put(tmp_path / "articles.jsonl", SEVERAL)


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


# Offline


@pytest.mark.slow
def test_cluster_gives_the_same_bytes_whatever_the_hash_seed_and_packed_or_not(shell: Run, tmp_path: Path) -> None:
    packed = put(tmp_path / "packed.jsonl.gz", gzip.compress(SEEDS.read_bytes()))
    runs = [
        shell("cluster", SEEDS, PYTHONHASHSEED="0"),
        shell("cluster", SEEDS, PYTHONHASHSEED="4711"),
        shell("cluster", packed),
    ]
    assert [(one.code, one.err) for one in runs] == [(0, "")] * 3
    assert runs[0].out == runs[1].out == runs[2].out
    assert len(runs[0].out.splitlines()) == 25


def test_cluster_gives_a_line_out_for_each_line_in_with_the_final_ids_of_a_repeated_one(dedup: Run) -> None:
    told = lines_of(dedup("cluster", SEEDS).out)
    assert [one["id"] for one in told] == [one["id"] for one in lines_of(SEEDS.read_text(encoding="utf-8"))]
    assert all(tuple(one) == FIELDS and all(one.values()) for one in told)
    versions = [one for one in told if one["id"] == "seed-r1-live"]
    assert len(versions) == 2
    assert versions[0] == versions[1]


def test_cluster_shows_on_a_terminal_which_stage_it_is_at_and_how_far(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    shown = on_terminal("cluster", str(SEEDS), "-o", str(out), stream="stderr")
    seen = [name for name in COSTS if name in shown]
    assert {"prepare", "storylines"} <= set(seen)
    assert [int(share) for share in re.findall(r"(\d+)%", shown)] == sorted(map(int, re.findall(r"(\d+)%", shown)))
    assert "100%" in shown
    assert len(out.read_bytes().splitlines()) == len(SEEDS.read_bytes().splitlines())


def test_cluster_says_nothing_of_its_stages_where_there_is_no_terminal(shell: Run) -> None:
    assert shell("cluster", SEEDS, TTY_COMPATIBLE="1").err == ""


def test_every_stage_of_clustering_has_its_share_of_the_bar() -> None:
    told: list[str] = []
    cluster_articles([parse_article(line) for line in SEEDS.read_bytes().splitlines()], done=told.append)
    assert ["read", *told] == [*COSTS]


def test_cluster_of_the_source_documents_gives_two_stories_of_one_storyline(dedup: Run, shared: Path) -> None:
    source = shared / "seeds" / "articles.jsonl"
    gold = {one["id"]: one["story"] for one in lines_of(source.read_text(encoding="utf-8"))}
    told = lines_of(dedup("cluster", source).out)
    assert len({(one["story_id"], gold[one["id"]]) for one in told}) == 2
    assert len({one["story_id"] for one in told}) == 2
    assert len({one["storyline_id"] for one in told}) == 1


def test_cluster_answers_a_bad_line_in_its_place_and_ends_with_1(dedup: Run, tmp_path: Path) -> None:
    bad = put(tmp_path / "bad.jsonl", b"\n".join([
        b'{"id": "good", "text": "alpha"}', b"{", b"[1]", b'{"id": "empty"}', b'{"id": 3, "text": "x"}', b'"\xff"', b"",
        b'{"id": "also good", "text": "beta"}',
    ]))  # fmt: skip
    ran = dedup("cluster", bad)
    told = lines_of(ran.out)
    assert ran.code == 1
    assert "5 of 7 lines" in ran.err
    assert [one["id"] for one in told] == ["good", None, None, "empty", None, None, "also good"]
    reasons = ("not JSON", "not a JSON object", "no text at all", "must be a string", "not UTF-8")
    for one, reason in zip(told[1:6], reasons, strict=True):
        assert tuple(one) == (*FIELDS, "error")
        assert [one[name] for name in FIELDS[1:]] == [None] * 3
        assert reason in one["error"]
    assert told[0]["family_id"]
    assert told[6]["family_id"]


def test_cluster_writes_to_a_file_what_it_would_have_printed(dedup: Run, tmp_path: Path, articles: Path) -> None:
    target = put(tmp_path / "out.jsonl", b"what was there before")
    ran = dedup("cluster", articles, "-o", target)
    assert (ran.code, ran.out) == (0, "")
    assert target.read_text(encoding="utf-8") == dedup("cluster", articles).out
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~mask


def test_a_file_that_cannot_be_written_whole_is_not_written_at_all(shell: Run, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    target = put(folder / "out.jsonl", b"what was there before")
    limited = ("sh", "-c", 'ulimit -f 1 && exec "$0" "$@"')
    ran = shell("cluster", SEEDS, "-o", target, before=limited, PYTHONDONTWRITEBYTECODE="1")
    assert (ran.code, ran.out) == (1, "")
    assert ran.said == [f"dedup: cannot write {target}: File too large"]
    assert target.read_bytes() == b"what was there before"
    assert list(folder.iterdir()) == [target]


@pytest.mark.parametrize("command", ["cluster", "evaluate", "push"])
@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("missing.jsonl", None, "No such file or directory"),
        ("", None, "Is a directory"),
        ("cut.jsonl.gz", gzip.compress(SEEDS.read_bytes())[:2000], "ended before the end"),
        ("spoilt.jsonl.gz", gzip.compress(SEVERAL)[:-8] + b"\0" * 8, "CRC"),
    ],
    ids=["missing", "directory", "cut", "spoilt"],
)
def test_input_that_cannot_be_read_is_named_with_the_reason(
    dedup: Run, tmp_path: Path, command: str, name: str, content: bytes | None, reason: str
) -> None:
    source = tmp_path / name
    if content is not None:
        put(source, content)
    ran = dedup(command, source)
    assert (ran.code, ran.out, len(ran.said)) == (1, "", 1)
    assert ran.said[0].startswith(f"dedup: cannot read {source}: ")
    assert reason in ran.said[0]


def test_input_that_cannot_be_read_leaves_the_earlier_output(dedup: Run, tmp_path: Path) -> None:
    target = put(tmp_path / "out.jsonl", b"what was there before")
    assert dedup("cluster", tmp_path / "missing.jsonl", "-o", target).code == 1
    assert target.read_bytes() == b"what was there before"


@pytest.mark.parametrize("target", ["missing/out.jsonl", "articles.jsonl/out.jsonl", "."])
def test_a_target_that_cannot_be_written_is_named(dedup: Run, tmp_path: Path, articles: Path, target: str) -> None:
    before = sorted(tmp_path.iterdir())
    ran = dedup("cluster", articles, "-o", tmp_path / target)
    assert (ran.code, ran.out, len(ran.said)) == (1, "", 1)
    assert ran.said[0].startswith(f"dedup: cannot write {tmp_path / target}: ")
    assert sorted(tmp_path.iterdir()) == before


def test_an_empty_file_gives_nothing_and_is_no_failure(dedup: Run, tmp_path: Path) -> None:
    ran = dedup("cluster", put(tmp_path / "empty.jsonl", b"\n\n"))
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_the_offline_commands_start_no_server(dedup: Run, home: Path, articles: Path) -> None:
    assert dedup("cluster", articles).code == 0
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        (), ("frobnicate",), ("cluster",), ("cluster", "a", "b"), ("evaluate",), ("push",), ("show",), ("story",),
        ("explain",), ("explain", "a", "b", "c"), ("explain", "a", "b", "--family"), ("forget",), ("forget", "a", "b"),
        ("stories", "--limit", "0"), ("stories", "--limit", "many"), ("changes", "--limit", "-1"),
        ("report", "--period", "year"), ("report", "--format", "pdf"), ("up", "--workers", "0"),
        ("up", "--tcp-port", "65536"), ("status", "--frobnicate"), ("cluster", "a", "--json"),
    ],
)  # fmt: skip
def test_wrong_usage_ends_with_2(dedup: Run, words: tuple[str, ...]) -> None:
    ran = dedup(*words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("usage: dedup")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(dedup: Run, command: str) -> None:
    ran = dedup(command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"usage: dedup {command} ")


def test_the_help_lists_every_command_and_no_other(dedup: Run) -> None:
    ran = dedup("--help")
    assert ran.code == 0
    assert tuple(re.findall(r"^ {4}(\w+)(?:  |$)", ran.out, re.MULTILINE)) == COMMANDS
    assert parser().prog == "dedup"


def test_the_version_is_told(dedup: Run) -> None:
    ran = dedup("--version")
    assert ran.code == 0
    assert re.fullmatch(r"dedup (\d+\.\d+\.\d+|\(not installed\))\n", ran.out)


def test_the_samples_come_out_as_their_gold_says(dedup: Run) -> None:
    scores = json.loads(dedup("evaluate", SEEDS, "--json").out)
    by_storyline = scores.pop("story_by_storyline")["bcubed"]
    assert {level: one["bcubed"]["f1"] for level, one in scores.items()} == {
        "family": 1.0, "story": 1.0, "storyline": 1.0,
    }  # fmt: skip
    assert (by_storyline["precision"] < 1.0, by_storyline["recall"]) == (True, 1.0)


@pytest.mark.parametrize("name", ["seeds/articles.jsonl", "gold/rounds.jsonl.gz", "gold/ecbplus.jsonl.gz"])
def test_evaluate_counts_as_the_independent_script_does(dedup: Run, shared: Path, tmp_path: Path, name: str) -> None:
    spec = importlib.util.spec_from_file_location("score", shared / "score.py")
    if spec is None or spec.loader is None or not (shared / name).is_file():
        pytest.skip(f"score.py or {name} is absent from {shared}")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    told = json.loads(dedup("evaluate", shared / name, "--json").out)
    dedup("cluster", shared / name, "-o", tmp_path / "out.jsonl")
    found = {one["id"]: one for one in script.lines(str(tmp_path / "out.jsonl"))}
    assert told
    assert told == json.loads(dedup("evaluate", shared / name, "--output", tmp_path / "out.jsonl", "--json").out)
    for compared, one in told.items():
        level, _, ids = compared.partition("_by_")
        gold = {row["id"]: row[level] for row in script.lines(str(shared / name)) if row.get(level) is not None}
        wanted = script.score(gold, {name: row[f"{ids or level}_id"] for name, row in found.items()})
        assert (one["n_articles"], one["n_gold_clusters"]) == (wanted["articles"], wanted["gold_clusters"])
        assert one["n_predicted_clusters"] == wanted["predicted_clusters"]
        for measure in ("bcubed", "pairwise"):
            assert [round(value, 4) for value in one[measure].values()] == list(wanted[measure].values())
        assert (round(one["ari"], 4), round(one["v_measure"], 4)) == (wanted["ari"], wanted["v_measure"])


def test_evaluate_prints_a_line_a_level(dedup: Run) -> None:
    rows = [line.split("\t") for line in dedup("evaluate", SEEDS).out.splitlines()]
    assert [row[0] for row in rows] == ["gold", "family", "story", "storyline", "story"]
    assert [row[1] for row in rows] == ["ids", "family_id", "story_id", "storyline_id", "storyline_id"]
    assert rows[2][2:4] == ["24", "5"]


def test_evaluate_without_dates_is_the_clustering_of_a_file_without_dates(dedup: Run, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in SEEDS.read_bytes().splitlines()]
    dateless = [json.dumps({k: v for k, v in line.items() if k != "published_at"}).encode() for line in lines]
    plain = dedup("evaluate", put(tmp_path / "dateless.jsonl", b"\n".join(dateless)), "--json")
    assert dedup("evaluate", SEEDS, "--undated", "--json").out == plain.out


def test_evaluate_replays_a_file_as_the_service_would_have_met_it(dedup: Run) -> None:
    told = json.loads(dedup("evaluate", SEEDS, "--replay", "--json").out)
    replayed = told["replay"]
    assert replayed["scores"] == {level: one for level, one in told.items() if level != "replay"}
    assert {level: one["bcubed"]["f1"] for level, one in replayed["same_as_one_window"].items()} == {
        "story": 1.0, "storyline": 1.0,
    }  # fmt: skip
    assert (replayed["unexplained"], replayed["n_articles"], replayed["n_days"]) == (0, 24, 19)
    assert replayed["stories_per_gold_story"] == {"mean": 1.0, "most": 1, "n_whole": 5}
    assert replayed["days_until_final"] == {"mean": 0.0, "p95": 0.0, "most": 0.0}
    plain = dedup("evaluate", SEEDS, "--replay").out
    assert "story\tstory_id, replayed\t24\t5" in plain
    assert re.search(r"^ids changed without a word +0$", plain, re.MULTILINE)


def test_evaluate_replays_over_the_window_that_is_set(dedup: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WINDOW", "RETENTION", "STORYLINE"):
        monkeypatch.setenv(f"DEDUP_{name}_DAYS", "2")
    replayed = json.loads(dedup("evaluate", SEEDS, "--replay", "--json").out)["replay"]
    assert replayed["scores"]["storyline"]["n_predicted_clusters"] == 5


def test_evaluate_says_what_is_wrong_with_an_output_or_an_order(dedup: Run, tmp_path: Path) -> None:
    ran = dedup("evaluate", SEEDS, "--output", put(tmp_path / "out.jsonl", b'{"id": "a", "story_id": "s"}\n'))
    assert (ran.code, ran.out) == (1, "")
    assert "out.jsonl: line 1 is no line of `dedup cluster`" in ran.err
    ran = dedup("evaluate", put(tmp_path / "gold.jsonl", b'{"id": "a", "text": "t", "story": "s"}'), "--replay")
    assert (ran.code, ran.out) == (1, "")
    assert "no article is dated" in ran.err
    assert dedup("evaluate", SEEDS, "--replay", "--undated").code == 2


def test_evaluate_needs_gold_in_every_line_that_it_can_read(dedup: Run, tmp_path: Path, articles: Path) -> None:
    ran = dedup("evaluate", articles)
    assert (ran.code, ran.out) == (1, "")
    assert "no line has a gold field (family, story, storyline)" in ran.err
    bad = dedup("evaluate", put(tmp_path / "bad.jsonl", b'{"id": "empty", "story": "s"}\n'))
    assert (bad.code, bad.out) == (1, "")
    assert "bad.jsonl: article empty: text: no text at all" in bad.err


# Pushing


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("lines.jsonl", SEVERAL),
        ("lines.jsonl.gz", gzip.compress(SEVERAL)),
        ("windows.jsonl", b"\xef\xbb\xbf" + SEVERAL.replace(b"\n", b"\r\n")),
        ("array.json", b'[{"id": "one", "text": "first"},\n {"id": "two", "text": "second"}]'),
    ],
    ids=["lines", "packed", "with mark and CRLF", "array"],
)
def test_articles_are_pushed_from_json_of_any_form(
    dedup: Run, tmp_path: Path, data_dir: Path, name: str, content: bytes
) -> None:
    ran = dedup("push", put(tmp_path / name, content), "--data-dir", data_dir)
    assert (ran.code, ran.out) == (0, "one\ntwo\n")
    assert ran.said == ["dedup: 2 articles accepted, 0 rejected"]


def test_one_article_is_pushed_from_an_object_of_several_lines(dedup: Run, tmp_path: Path, data_dir: Path) -> None:
    one = put(tmp_path / "one.json", json.dumps({"id": "one", "text": "first"}, indent=2).encode())
    told = json.loads(dedup("push", one, "--data-dir", data_dir, "--json").out)
    assert told == {"accepted": ["one"], "rejected": []}


@pytest.mark.parametrize("body", [RSS, ATOM, JSON_FEED], ids=["RSS", "Atom", "JSON Feed"])
def test_a_feed_in_a_file_is_pushed_earliest_first(dedup: Run, tmp_path: Path, data_dir: Path, body: bytes) -> None:
    ran = dedup("push", put(tmp_path / "feed", body), "--data-dir", data_dir)
    assert ran.code == 0
    assert [one.split(":", 2)[2] for one in ran.out.split()] == ["g1", "g2"]
    assert all(one.startswith("feed:") for one in ran.out.split())


def test_standard_input_is_pushed(shell: Run, data_dir: Path) -> None:
    ran = shell("push", "-", "--data-dir", data_dir, given=SEVERAL)
    assert (ran.code, ran.out) == (0, "one\ntwo\n")


def test_what_was_pushed_without_a_service_waits_for_the_next_command(
    shell: Run, dedup: Run, data_dir: Path, articles: Path
) -> None:
    pushed = shell("push", articles, "--data-dir", data_dir)
    status = dedup("status", "--json", "--data-dir", data_dir)
    for ran in (pushed, status):
        assert ran.code == 0
        assert f"no service is running on {data_dir}; its server was started for this command alone" in ran.err
    told = json.loads(status.out)
    assert (told["waiting_in_inbox"], told["articles"], told["data_dir"]) == (2, 0, str(data_dir))
    assert embedded.find(data_dir) is None


def test_what_is_rejected_is_named_and_kept_and_the_rest_goes_through(
    dedup: Run, tmp_path: Path, data_dir: Path
) -> None:
    mixed = put(tmp_path / "mixed.jsonl", b'{"id": "empty"}\nnot JSON\n{"id": "good", "text": "x"}\n{"id": "a\\nb"}\n')
    ran = dedup("push", mixed, "--data-dir", data_dir)
    assert (ran.code, ran.out) == (1, "good\n")
    assert ran.said[0] == "dedup: 1 articles accepted, 3 rejected"
    assert ran.said[1].startswith("dedup: rejected empty: text: no text at all")
    assert ran.said[2].startswith(
        "dedup: rejected article 2 (no id): payload: not JSON: Expecting value at character 1"
    )
    assert ": id: has a control character" in ran.said[3]
    told = json.loads(dedup("status", "--json", "--data-dir", data_dir).out)
    assert (told["rejected"], told["waiting_in_inbox"]) == (3, 1)


def test_what_is_rejected_is_told_as_json_too(dedup: Run, tmp_path: Path, data_dir: Path) -> None:
    ran = dedup("push", put(tmp_path / "a.json", b'[{"id": "empty"}]'), "--data-dir", data_dir, "--json")
    [one] = json.loads(ran.out)["rejected"]
    assert ran.code == 1
    assert (one["id"], one["field"]) == ("empty", "text")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (EMPTY_FEED, "no articles in it"), (b"", "no articles in it"), (b" \n\n", "no articles in it"),
        (b"[]", "no articles in it"), (PAGE, "an HTML page, not a feed"), (b"<opml/>", "an OPML list of feeds"),
    ],
    ids=["empty feed", "empty file", "blank file", "empty array", "HTML", "OPML"],
)  # fmt: skip
def test_a_source_without_articles_is_refused(
    dedup: Run, tmp_path: Path, data_dir: Path, body: bytes, reason: str
) -> None:
    ran = dedup("push", put(tmp_path / "source", body), "--data-dir", data_dir)
    assert (ran.code, ran.out, len(ran.said)) == (1, "", 1)
    assert "source" in ran.said[0]
    assert reason in ran.said[0]


class Site(BaseHTTPRequestHandler):
    """Answers by path."""

    def do_GET(self) -> None:
        body = {"/feed": RSS, "/empty": EMPTY_FEED, "/page": PAGE}.get(self.path)
        self.send_response(200 if body else 404)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_feed_on_a_private_network_is_fetched_only_where_that_network_is_allowed(
    dedup: Run, data_dir: Path, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = dedup("push", f"{site}/feed", "--data-dir", data_dir)
    assert (refused.code, refused.out) == (1, "")
    assert refused.said == [f"dedup: {site}/feed: refused: 127.0.0.1 is a loopback address"]
    monkeypatch.setenv("DEDUP_FEEDS_ALLOW", "127.0.0.0/8")
    allowed = dedup("push", f"{site}/feed", "--data-dir", data_dir)
    assert allowed.code == 0
    assert [one.split(":", 2)[2] for one in allowed.out.split()] == ["g1", "g2"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/empty", "no articles in it"), ("/page", "an HTML page, not a feed"), ("/none", "answered 404 Not Found")],
)
def test_an_address_without_articles_is_refused(
    dedup: Run, data_dir: Path, site: str, monkeypatch: pytest.MonkeyPatch, path: str, reason: str
) -> None:
    monkeypatch.setenv("DEDUP_FEEDS_ALLOW", "127.0.0.0/8")
    ran = dedup("push", site + path, "--data-dir", data_dir)
    assert (ran.code, ran.out, len(ran.said)) == (1, "", 1)
    assert ran.said[0].startswith(f"dedup: {site}{path}: ")
    assert reason in ran.said[0]


@pytest.mark.parametrize("address", ["http://[", "http://", "HTTPS://x:y@example.org/", "ftp://example.org/feed"])
def test_an_address_that_is_none_is_refused_in_one_line(dedup: Run, data_dir: Path, address: str) -> None:
    ran = dedup("push", address, "--data-dir", data_dir)
    assert (ran.code, ran.out, len(ran.said)) == (1, "", 1)


def test_a_full_inbox_is_told_with_what_had_gone_in(
    dedup: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEDUP_INBOX_MAX", "5")
    ran = dedup("push", SEEDS, "--data-dir", data_dir)
    assert (ran.code, ran.out, len(ran.said)) == (1, "", 1)
    assert "the inbox is full (inbox_max = 5 articles waiting): 5 articles were accepted" in ran.said[0]
    assert "'seed-r1-broadcast' and what follows it were not" in ran.said[0]
    assert ran.said[0].count("accepted") == 1
    assert json.loads(dedup("status", "--json", "--data-dir", data_dir).out)["waiting_in_inbox"] == 5


# Servers that are not there


@contextmanager
def tcp_server(data_dir: Path) -> Iterator[embedded.Server]:
    server = embedded.start(data_dir, tcp_port=0)
    try:
        yield server
    finally:
        server.stop()


def password_of(server: embedded.Server) -> str:
    return server.url.partition("://:")[2].partition("@")[0]


def test_a_server_that_goes_away_during_a_push_is_told_with_what_had_gone_in(tmp_path: Path, data_dir: Path) -> None:
    long = put(tmp_path / "long.jsonl", b"".join(b'{"id": "%d", "text": "text %d"}\n' % (i, i) for i in range(60_000)))
    with tcp_server(data_dir) as server, redis.Redis.from_url(server.url) as connection:
        command = [sys.executable, "-m", "worker.cli", "push", str(long)]
        environ = {**os.environ, "REDIS_URL": server.url}
        with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as pushing:
            wait_until(lambda: connection.xlen("dedup:inbox") > 0)
            os.kill(server.pid, signal.SIGKILL)
            out, err = pushing.communicate(timeout=60)
    [line] = err.decode().splitlines()
    assert (pushing.returncode, out) == (1, b"")
    assert line.startswith(f"dedup: cannot reach the server at redis://:***@127.0.0.1:{server.port}/0: ")
    found = re.search(r"\(([\d,]+) of 60,000 articles had been accepted\)", line)
    assert found
    assert 0 <= int(found[1].replace(",", "")) < 60_000
    assert password_of(server) not in line


def wait_until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds:g} s"
        time.sleep(0.005)


READERS = (
    ("status",), ("stories",), ("changes",), ("show", "x"), ("story", "x"), ("explain", "x"), ("report",),
    ("push", str(SEEDS)), ("forget", "x"),
)  # fmt: skip


@pytest.mark.parametrize("words", READERS, ids=lambda words: words[0])
def test_a_server_that_nothing_answers_for_is_named_without_its_password(
    dedup: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://:s3cret@127.0.0.1:{free_port()}/0")
    ran = dedup(*words)
    assert (ran.code, ran.out, len(ran.said)) == (1, "", 1)
    assert ran.said[0].startswith("dedup: cannot reach the server at redis://:***@127.0.0.1:")
    assert "s3cret" not in ran.err


@pytest.mark.parametrize("words", [("status",), ("stories",), ("push", str(SEEDS))], ids=lambda words: words[0])
def test_a_wrong_password_is_told_and_not_shown(
    dedup: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    with tcp_server(data_dir) as server:
        monkeypatch.setenv("REDIS_URL", f"redis://:s3cret@127.0.0.1:{server.port}/0")
        ran = dedup(*words)
    assert (ran.code, ran.out, len(ran.said)) == (1, "", 1)
    assert "wrong or missing password" in ran.said[0]
    assert "s3cret" not in ran.err


@pytest.mark.parametrize(
    "url",
    [
        "http://:s3cret@localhost/0", "localhost:6379", "redis://:s3cret@[::1/0", "redis://:s3cret@localhost:port/0",
        "redis://:s3cret@localhost:99999/0", "redis://:s3/cr#et@localhost:6379/0", "redis://localhost/?db=x",
    ],
)  # fmt: skip
def test_a_url_that_is_none_is_refused_without_its_password(
    dedup: Run, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    for words in (("status",), ("push", str(SEEDS))):
        ran = dedup(*words)
        assert (ran.code, ran.out, len(ran.said)) == (1, "", 1)
        assert "REDIS_URL" in ran.said[0]
        assert "s3" not in ran.err


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# Data directories and settings


@pytest.mark.parametrize("words", [("status",), ("push", str(SEEDS)), ("up",)], ids=lambda words: words[0])
def test_an_impossible_data_directory_is_named(dedup: Run, articles: Path, words: tuple[str, ...]) -> None:
    ran = dedup(*words, "--data-dir", articles / "data")
    assert (ran.code, ran.out, len(ran.said)) == (1, "", 1)
    assert str(articles / "data") in ran.said[0]
    assert "Not a directory" in ran.said[0]


@pytest.mark.parametrize("words", [("status",), ("push", str(SEEDS)), ("up",)], ids=lambda words: words[0])
def test_a_read_only_data_directory_is_named(shell: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    ran = shell(*words, "--data-dir", closed, before=unprivileged())
    assert (ran.code, ran.out, len(ran.said)) == (1, "", 1)
    assert str(closed) in ran.said[0]
    assert "Permission denied" in ran.said[0]


def unprivileged() -> tuple[str, ...]:
    """What starts a command for which the modes of files hold: nothing, but for root."""
    if os.geteuid() != 0:
        return ()
    dropping = ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override")
    if shutil.which("setpriv") is None or subprocess.run([*dropping, "true"], check=False).returncode:
        pytest.skip("root may write everywhere, and cannot be kept from it here")
    return dropping


def test_a_taken_port_is_named_with_what_to_do(shell: Run, data_dir: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        ran = shell("up", "--data-dir", data_dir, "--tcp-port", port)
    assert (ran.code, ran.out, len(ran.said)) == (1, "", 1)
    assert ran.said[0].startswith(f"dedup: TCP port {port} on 127.0.0.1 cannot be used: Address already in use")
    assert embedded.find(data_dir) is None


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("DEDUP_WINDOW_DAYS", "abc", "could not convert"), ("DEDUP_WINDOW_DAYS", "-1", "above 0"),
        ("DEDUP_WINDOW_DAYS", "nan", "above 0"), ("DEDUP_WINDOW_DAYS", "31", "DEDUP_RETENTION_DAYS=30 is less"),
        ("DEDUP_INBOX_MAX", "0", "above 0"), ("DEDUP_INBOX_MAX", "1.5", "invalid literal"),
        ("DEDUP_MAX_ARTICLE_BYTES", "8M", "invalid literal"), ("DEDUP_REPORT_TIMEZONE", "../etc", "subdirectories"),
        ("DEDUP_REPORT_TIMEZONE", "Mars/Base", "no such time zone"), ("DEDUP_FEEDS_ALLOW", "home", "does not appear"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["status", "up"])
def test_a_setting_that_cannot_be_used_is_named_with_its_value(
    dedup: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch, command: str, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(name, value)
    ran = dedup(command, "--data-dir", data_dir)
    assert (ran.code, ran.out, len(ran.said)) == (1, "", 1)
    assert name in ran.said[0]
    assert value in ran.said[0]
    assert reason in ran.said[0]
    assert not data_dir.exists()


# Reading what a service has left


HOSTILE = [
    {
        "id": f"strange-\u202e\u2066{i}", "url": f"https://example.org/{i}", "source": "\x1b]0;owned\x07So\u200furce",
        "title": "\x1b[31mRed\x9b2J \u202eand back\nwards [bold]markup[/bold]\x07",
        "text": "The harbour master closed \u202ethe northern\x9b2J quay [red]after[/red] moorings tore loose. " * 3,
    }
    for i in range(2)
]  # fmt: skip


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that a service has worked on, and that no service runs on now."""
    folder = tmp_path_factory.mktemp("worked")
    work_on(folder, Settings(), [*SEEDS.read_bytes().splitlines(), *HOSTILE])
    return folder


def work_on(folder: Path, chosen: Settings, articles: list[Any]) -> None:
    """Leaves in a data directory what a service makes of articles."""
    settings = replace(chosen, data_dir=folder)
    server = embedded.start(folder)
    try:
        parts = make_runtime(settings, server.url)
        with Client(server.url) as client:
            client.push(articles)
        drain(parts.store, parts.params, "only", 15, settings.max_article_bytes, settings.retention_seconds)
        parts.clusterer.run(time.time())
        parts.clusterer.release()
        parts.store.connection.close()
    finally:
        server.stop()


def story_of(dedup: Run, worked: Path, article_id: str) -> str:
    return str(json.loads(dedup("show", article_id, "--json", "--data-dir", worked).out)["story"])


def test_an_article_is_shown_with_its_family_and_story(dedup: Run, worked: Path) -> None:
    ran = dedup("show", "seed-r1-wire-copy", "--data-dir", worked)
    told = json.loads(dedup("show", "seed-r1-wire-copy", "--data-dir", worked, "--json").out)
    assert ran.code == 0
    assert told["kind"] == "copy"
    assert told["representative"] == "seed-r1-wire-near"
    assert told["status"] == "clustered"
    assert told["published_at"].startswith("2025-05-16T")
    assert {one["id"] for one in told["family_articles"]} == {"seed-r1-wire", "seed-r1-wire-copy", "seed-r1-wire-near"}
    assert f"family          {told['family']}\n" in ran.out
    assert "seed-r1-wire-near\tnear-duplicate\t" in ran.out


def test_an_article_is_shown_with_the_article_that_it_matches(dedup: Run, worked: Path) -> None:
    told = json.loads(dedup("show", "seed-r1-wire-near", "--data-dir", worked, "--json").out)["match"]
    assert (told["id"], told["kind"], told["came"]) == ("seed-r1-wire", "near-duplicate", "earlier")
    assert 0.5 < told["bar"] < told["estimated_jaccard"] < 1
    shown = dedup("show", "seed-r1-wire-near", "--data-dir", worked).out
    assert re.search(r"^matches +seed-r1-wire \(near-duplicate, similarity 0\.\d\d ± 0\.0[23]\)$", shown, re.MULTILINE)
    copy = dedup("show", "seed-r1-wire-copy", "--data-dir", worked).out
    assert re.search(r"^matches +seed-r1-wire \(copy, the same words\)$", copy, re.MULTILINE)
    assert json.loads(dedup("show", "seed-r1-analysis", "--data-dir", worked, "--json").out)["match"] is None


def test_a_near_duplicate_is_explained_by_its_figures_and_passages(dedup: Run, worked: Path) -> None:
    ran = dedup("explain", "seed-r1-wire-near", "--data-dir", worked, "--json")
    told = json.loads(ran.out)
    assert ran.code == 0
    assert re.match(r"near-duplicate of seed-r1-wire: similarity 0\.\d\d reaches 0\.\d\d, the bar", told["why"])
    assert told["exact"]["jaccard"] == 0.8472
    assert abs(told["match"]["estimated_jaccard"] - 0.8472) < 4 * told["match"]["standard_error"]
    assert told["exact"]["shared"][0]["text"].startswith("Negotiators from Russia and Ukraine sat down at one table")
    assert "Zelensky" in [one["text"] for one in told["exact"]["only_here"]]
    assert "Zelenskiy" in [one["text"] for one in told["exact"]["only_in_match"]]
    shown = dedup("explain", "seed-r1-wire-near", "--data-dir", worked).out
    assert re.search(r"^exact similarity +0\.847$", shown, re.MULTILINE)
    assert re.search(r"^\d+\tNegotiators from Russia .* \.\.\.$", shown, re.MULTILINE)
    assert "seed-r1-wire-near\t1\tZelensky\n" in shown
    assert "seed-r1-wire\t1\tZelenskiy\n" in shown


def test_a_reprint_is_explained_by_what_contains_it(dedup: Run, worked: Path) -> None:
    told = json.loads(dedup("explain", "seed-r2-reprint", "--data-dir", worked, "--json").out)
    assert (told["kind"], told["match"]["id"], told["match"]["kind"]) == ("reprint", "seed-r2-wire", "reprint")
    assert told["why"].startswith("reprint of seed-r2-wire: containment 1.00 reaches 0.")
    assert (told["exact"]["containment"], told["exact"]["containment_of_match"]) == (0.4595, 1.0)


def test_where_texts_are_not_kept_the_figures_explain_alone(dedup: Run, data_dir: Path) -> None:
    wire = [line for line in SEEDS.read_bytes().splitlines() if b'"seed-r1-wire' in line]
    work_on(data_dir, Settings(keep_text=False), wire)
    ran = dedup("explain", "seed-r1-wire-near", "--data-dir", data_dir)
    assert ran.code == 0
    assert re.search(r"^estimated similarity +0\.\d{3} ± 0\.0[23]\d$", ran.out, re.MULTILINE)
    assert re.search(r"^exact similarity +unknown: the texts are not kept \(DEDUP_KEEP_TEXT\)$", ran.out, re.MULTILINE)
    assert "passage" not in ran.out
    assert "of titles only: the texts are not kept (DEDUP_KEEP_TEXT)" in ran.out
    told = json.loads(dedup("explain", "seed-r1-wire-near", "--data-dir", data_dir, "--json").out)
    assert (told["match"]["id"], told["exact"], told["story"]["has_texts"]) == ("seed-r1-wire", None, False)


def test_an_article_alone_is_explained_as_such(dedup: Run, worked: Path) -> None:
    ran = dedup("explain", "seed-r1-analysis", "--data-dir", worked)
    assert ran.code == 0
    assert re.search(r"^why +alone: no other article that is kept is like it$", ran.out, re.MULTILINE)
    told = json.loads(dedup("explain", "seed-r1-analysis", "--data-dir", worked, "--json").out)
    assert (told["n_articles"], told["match"], told["exact"]) == (1, None, None)


def test_an_article_is_explained_with_its_story_the_nearest_and_the_runner_up(dedup: Run, worked: Path) -> None:
    shown = dedup("explain", "seed-r2-wire", "--data-dir", worked).out
    first, second = (story_of(dedup, worked, name) for name in ("seed-r1-wire", "seed-r2-wire"))
    lines = dict(re.findall(r"^(\S+(?: \S+)*)  +(.*)$", shown.split("\n\n")[-3], re.MULTILINE))
    assert lines["story"].startswith(f"{second} Second Istanbul round")
    assert lines["articles in it"] == "8 in 5 families"
    assert lines["storyline"].endswith(": story 2 of 2")
    assert lines["told by"] == "seed-r2-wire-near, the representative of its family"
    assert re.fullmatch(
        r"in one core with seed-r2-\w+: similarity \d\.\d\d reaches \d\.\d\d", lines["why in this story"]
    )
    assert lines["runner-up"].startswith(f"{first} Russia and Ukraine agree")
    assert lines["kept apart by"].startswith("time: a similarity of ")
    assert re.search(r"^seed-r2-regional\t0\.\d{3}\t\d\.\d\d\t0\.\d\t.*Monday in both", shown, re.MULTILINE)
    assert re.search(r"^Ukraine\t0\.\d{3}$", shown, re.MULTILINE)
    alone = dedup("explain", "seed-r2-wire", "--family", "--data-dir", worked).out
    assert alone == shown[: len(alone)]
    assert "runner-up" not in alone


def test_a_story_is_explained_as_json_too(dedup: Run, worked: Path) -> None:
    told = json.loads(dedup("explain", "seed-r2-analysis", "--data-dir", worked, "--json").out)["story"]
    assert (told["standing"], told["story"]) == ("placed", story_of(dedup, worked, "seed-r2-analysis"))
    assert told["rest"]["score"] >= told["rest"]["bar"]
    assert {one["id"] for one in told["nearest"]} < {"seed-r2-recall", "seed-r2-wire-near", "seed-r2-broadcast",
                                                    "seed-r2-regional", "seed-r2-regional-near"}  # fmt: skip
    assert told["terms"][0]["term"]
    assert told["runner_up"]["apart"]["cause"] == "time"
    assert told["runner_up"]["nearest"]["gap_days"] > 14
    assert told["runner_up"]["apart"]["ordinals"] == {"noun": "talks", "here": ["2"], "there": ["1"], "is_alike": False}
    family = json.loads(dedup("explain", "seed-r2-analysis", "--family", "--data-dir", worked, "--json").out)
    assert family["story"] is None


def test_two_articles_are_told_apart_by_what_keeps_them_apart(dedup: Run, worked: Path) -> None:
    shown = dedup("explain", "seed-r1-wire", "seed-r2-wire", "--data-dir", worked).out
    assert re.search(r"^together in +storyline$", shown, re.MULTILINE)
    assert re.search(r"^why +kept apart by time: .* but the days between leave 0\.00$", shown, re.MULTILINE)
    assert re.search(r"^counted +talks 1 here, 2 there$", shown, re.MULTILINE)
    assert re.search(r"^cues +.*Friday here, Sunday, Monday there; points back there$", shown, re.MULTILINE)
    told = json.loads(dedup("explain", "seed-r1-wire", "seed-final-report", "--data-dir", worked, "--json").out)
    assert (told["together"], told["apart"]["cause"]) == (None, "similarity")
    assert told["here"]["told_by"] == "seed-r1-wire-near"
    assert "Harrowmere" in told["apart"]["words_there"]


def test_two_articles_together_are_told_by_what_joins_them(dedup: Run, worked: Path) -> None:
    family = dedup("explain", "seed-r2-wire", "seed-r2-reprint", "--data-dir", worked).out
    assert re.search(r"^why +of one family, and so of one story", family, re.MULTILINE)
    told = json.loads(dedup("explain", "seed-r2-broadcast", "seed-r2-regional", "--data-dir", worked, "--json").out)
    assert (told["together"], told["joining"], told["why"], told["apart"]) == ("story", "core", "in one core", None)
    assert dedup("explain", "seed-r2-wire", "nobody", "--data-dir", worked).code == 1


def test_an_explanation_is_shown_as_tables_on_a_terminal(worked: Path) -> None:
    shown = on_terminal("explain", str(HOSTILE[1]["id"]), "--data-dir", str(worked))
    assert "Shared passages, the longest" in shown
    assert "[red]after[/red]" in shown
    assert UNSEEN.findall(re.sub(r"\x1b\[[\d;]*m|\r", "", shown)) == []


def test_a_story_is_shown_with_its_articles_and_its_storyline(dedup: Run, worked: Path) -> None:
    first, second = (story_of(dedup, worked, name) for name in ("seed-r1-wire", "seed-r2-wire"))
    told = json.loads(dedup("story", second, "--data-dir", worked, "--json").out)
    assert first != second
    assert [one["id"] for one in told["storyline_stories"]] == [first, second]
    assert "seed-r2-analysis" in told["articles"]
    ran = dedup("story", second, "--data-dir", worked)
    assert ran.code == 0
    assert f"id                  {second}\n" in ran.out
    assert f"\n{first}\t" in ran.out


def test_stories_are_listed_latest_first_as_many_as_wanted(dedup: Run, worked: Path) -> None:
    told = json.loads(dedup("stories", "--data-dir", worked, "--json").out)
    assert len(told) == 6
    assert [one["updated_at"] for one in told] == sorted((one["updated_at"] for one in told), reverse=True)
    assert len(dedup("stories", "--limit", "2", "--data-dir", worked).out.splitlines()) == 3


def test_changes_are_told_in_order_and_from_where_one_has_stopped(dedup: Run, worked: Path) -> None:
    told = lines_of(dedup("changes", "--data-dir", worked, "--json").out)
    assert sorted(one["kind"] for one in told) == ["born"] * 6 + ["linked", "revised"]
    rest = lines_of(dedup("changes", "--after", told[1]["entry"], "--limit", "3", "--data-dir", worked, "--json").out)
    assert rest == told[2:5]
    lines = dedup("changes", "--data-dir", worked).out.splitlines()
    assert len(lines) == len(told)
    [(linked, line)] = [(one, line) for one, line in zip(told, lines, strict=True) if one["kind"] == "linked"]
    assert line.split(" ", 1)[1] == f"linked {linked['story']} to {linked['other']}"


@pytest.mark.parametrize(
    ("form", "opening"),
    [("markdown", "# "), ("html", "<!doctype html>"), ("json", "{")],
)
def test_a_report_of_now_is_made_in_any_form(dedup: Run, worked: Path, tmp_path: Path, form: str, opening: str) -> None:
    ran = dedup("report", "--format", form, "--period", "hour", "--data-dir", worked)
    assert ran.code == 0
    assert ran.out.lower().startswith(opening)
    written = dedup("report", "--format", form, "-o", tmp_path / "report", "--data-dir", worked)
    assert (written.code, written.out) == (0, "")
    assert f"report written to {tmp_path / 'report'}" in written.err
    assert (tmp_path / "report").read_text(encoding="utf-8").lower().startswith(opening)


def test_the_figures_of_a_service_are_told(dedup: Run, worked: Path) -> None:
    told = json.loads(dedup("status", "--data-dir", worked, "--json").out)
    assert (told["articles"], told["families"], told["stories"], told["last_run"]) == (26, 19, 6, 1)
    assert (told["waiting_in_inbox"], told["waiting_for_a_run"], told["rejected"]) == (0, False, 0)
    assert told["server"].startswith("redis-cli -s ")
    assert told["progress"] is None
    assert re.search(r"^waiting_for_a_run +no$", dedup("status", "--data-dir", worked).out, re.MULTILINE)


def test_how_far_a_large_window_is_clustered_anew_is_told_while_it_is(dedup: Run, data_dir: Path) -> None:
    server = embedded.start(data_dir)
    try:
        store = make_runtime(Settings(), server.url).store
        nothing = {"f1": Telling(NO_TERMS, None)}
        background = Background.of(list(nothing.values()), Params())
        Rebuilder(store, Params(), "somebody", known=nothing).begin(background, Unit(), 1_795_000_000)
        told = json.loads(dedup("status", "--data-dir", data_dir, "--json").out)
        line = dedup("status", "--data-dir", data_dir).out
        store.connection.close()
    finally:
        server.stop()
    assert told["progress"] == {"stage": "neighbours", "done": 0, "total": 1, "began_at": "2026-11-18T11:06:40Z"}
    assert re.search(r"^progress +neighbours, 0 of 1 done since 2026-11-18T11:06:40Z$", line, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("show", "nobody"), "no article 'nobody' is known"),
        (("explain", "nobody"), "no article 'nobody' is known"),
        (("story", "nothing"), "no story 'nothing' is known"),
        (("report", "--name", "yesterday"), "'yesterday' names no day; write it like 2026-11-21"),
        (("report", "--name", "2026-11-21", "--period", "hour"), "names no hour; write it like 2026-11-21T14"),
        (("report", "-o", "/nonexistent/report"), "cannot write /nonexistent/report: No such file or directory"),
    ],
)
def test_what_is_not_known_is_said(dedup: Run, worked: Path, words: tuple[str, ...], reason: str) -> None:
    ran = dedup(*words, "--data-dir", worked)
    assert (ran.code, ran.out, len(ran.said)) == (1, "", 1)
    assert reason in ran.said[0]


def test_an_entry_to_resume_after_that_is_none_is_refused_by_name(dedup: Run) -> None:
    ran = dedup("changes", "--after", "yesterday")
    assert (ran.code, ran.out) == (2, "")
    assert "argument --after: 'yesterday' is no entry of the stream" in ran.said[-1]


@pytest.mark.parametrize(("period", "told"), [("hour", "an hour"), ("day", "a day")])
def test_the_latest_report_is_missed_where_none_was_made(dedup: Run, data_dir: Path, period: str, told: str) -> None:
    ran = dedup("report", "--name", "latest", "--period", period, "--data-dir", data_dir)
    assert (ran.code, ran.out) == (1, "")
    assert ran.said == [
        f"dedup: no report of {told} has been made yet; leave --name out for one of right now",
    ]


HOSTILE_READERS = (
    ("show", HOSTILE[1]["id"]), ("explain", HOSTILE[1]["id"]), ("stories",), ("changes",), ("report",), ("story", ""),
)  # fmt: skip


@pytest.mark.parametrize("json_too", [False, True], ids=["plain", "JSON"])
@pytest.mark.parametrize("words", HOSTILE_READERS, ids=lambda words: words[0])
def test_nothing_that_an_article_says_steers_the_terminal(
    dedup: Run, worked: Path, words: tuple[str, ...], json_too: bool
) -> None:
    if words == ("story", ""):
        words = ("story", story_of(dedup, worked, HOSTILE[1]["id"]))
    ran = dedup(*words, "--data-dir", worked, *(["--json"] if json_too else []))
    assert ran.code == 0
    assert UNSEEN.findall(ran.out) == []
    assert "strange-" in ran.out or "markup" in ran.out


def test_a_table_on_a_terminal_shows_markup_and_colours_of_articles_as_text_or_not_at_all(worked: Path) -> None:
    shown = on_terminal("stories", "--data-dir", str(worked))
    assert "Stories, latest first" in shown
    assert "[bold]markup[/bold]" in shown
    assert "\x1b[31m" not in shown
    assert UNSEEN.findall(re.sub(r"\x1b\[[\d;]*m|\r", "", shown)) == []


def on_terminal(*words: str, stream: str = "stdout") -> str:
    """What a terminal of 240 columns is sent by the command on this stream."""
    master, slave = pty.openpty()
    environ = {**os.environ, "COLUMNS": "240", "TERM": "xterm"}
    shown = b""
    command = [sys.executable, "-m", "worker.cli", *words]
    with subprocess.Popen(command, env=environ, stdout=slave if stream == "stdout" else subprocess.DEVNULL,
                          stderr=slave if stream == "stderr" else None) as process:  # fmt: skip
        os.close(slave)
        with suppress(OSError):
            while part := os.read(master, 65_536):
                shown += part
        process.wait(60)
    os.close(master)
    assert process.returncode == 0
    return shown.decode()


def test_an_error_about_a_strange_article_steers_the_terminal_no_more(dedup: Run, tmp_path: Path) -> None:
    ran = dedup("evaluate", put(tmp_path / "gold.jsonl", json.dumps({"id": HOSTILE[0]["id"], "story": "s"}).encode()))
    assert ran.code == 1
    assert "strange-0" in ran.err
    assert UNSEEN.findall(ran.err) == []


@pytest.mark.parametrize("words", [("stories",), ("changes",), ("report",)], ids=lambda words: words[0])
def test_a_reader_that_has_had_enough_is_no_reason_to_complain(worked: Path, words: tuple[str, ...]) -> None:
    nobody, end = os.pipe()
    os.close(nobody)
    command = [sys.executable, "-m", "worker.cli", *words, "--data-dir", str(worked)]
    ran = subprocess.run(command, stdout=end, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(end)
    [line] = ran.stderr.decode().splitlines()
    assert "was started for this command alone" in line
