"""What the documents say is so: their lines run, their keys, settings, parameters and links exist.

Shell and Python blocks of README.md, docs/quickstart.md and docs/redis.md are run in order against a service with the
sample articles in it. A line that ends in `# (nil)` or `# None` is to give nothing, every other reading line something.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import pytest
import redis

from dedup.pipeline import Params
from tests.integration.web_service import MINIFLUX_SECRET, TOKEN, serving
from worker import embedded, tasks
from worker.cli import main, parser
from worker.client import Client
from worker.service.runtime import runtime
from worker.settings import Settings, celery_url, load
from worker.store.keys import Keys

ROOT: Final = Path(__file__).parents[2]
RUN: Final = ("README.md", "docs/quickstart.md", "docs/redis.md", "docs/web.md")
ALL: Final = ("README.md", "CHANGELOG.md", "seeds/README.md", *(f"docs/{path.name}" for path in ROOT.glob("docs/*.md")))
TEXTS: Final = {name: (ROOT / name).read_text(encoding="utf-8") for name in ALL}

NOT_RUN: Final = {"make", "export", "alias", "docker", "echo", ".", "pip"}
"""What a reader types around the lines that are run: installing, and telling the shell where the server is."""
ENDLESS: Final = {"up", "web", "demo", "--follow"}
TELLS: Final = {"show", "story", "stories", "explain", "report", "status", "evaluate"}
"""Commands that print something whatever there is."""
PATIENCE_SECONDS: Final = 30.0
SECRETS: Final = {"DEDUP_WEB_TOKEN": TOKEN, "DEDUP_WEB_MINIFLUX_SECRET": MINIFLUX_SECRET}
WEB: Final = "http://127.0.0.1:8040"
SPEAKS: Final = ("curl", "jq", "openssl")
"""Programs with which documents speak HTTP; where one is not there, such lines are not run."""
TIMED_OUT: Final = 28
"""What curl ends with where it is told how long to wait."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a document."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Service:
    """A running service with the sample articles in it."""

    url: str
    socket: str
    connection: Any


@pytest.fixture
def service(
    live_server: embedded.Server, server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Service]:
    """Tasks of the workers in threads of this process, and a directory with what the documents' lines name."""
    (tmp_path / "seeds").symlink_to(ROOT / "seeds")
    (tmp_path / "article.json").write_text('{"id": "file:1", "text": "The ferry sails again."}', encoding="utf-8")
    (tmp_path / "feeds.opml").write_text('<opml><body><outline xmlUrl="https://a.example/"/></body></opml>')
    monkeypatch.chdir(tmp_path)
    for name in [f"DEDUP_{one.name.upper()}" for one in fields(Settings)]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REDIS_URL", server_url)
    monkeypatch.setenv("CELERY_BROKER_URL", celery_url(server_url))
    with Client(server_url) as client:
        pushed = client.push([*(ROOT / "seeds/articles.jsonl").read_bytes().splitlines(), '{"id": "bad"}'])
    with _working(), redis.Redis.from_url(server_url, decode_responses=True) as connection:
        _await(lambda: all(connection.hget(f"dedup:article:{name}", "story") for name in pushed.accepted))
        yield Service(server_url, live_server.socket_path, connection)


@contextlib.contextmanager
def _working() -> Iterator[None]:
    """A drain and a cluster worker, for the length of the block. What waits already is seen whole by the first run."""
    runtime.cache_clear()
    runtime()
    tasks.drain()
    ending = threading.Event()
    threads = [threading.Thread(target=_repeat, args=(task, ending)) for task in (tasks.drain, tasks.cluster)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ending.set()
        for thread in threads:
            thread.join()
        runtime().clusterer.release()
        runtime().store.connection.close()
        runtime.cache_clear()


def _repeat(task: Callable[[], object], ending: threading.Event) -> None:
    while not ending.wait(0.05):
        task()


def _await(holds: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, "the service has not come to it"
        time.sleep(0.05)


@pytest.mark.parametrize("document", RUN)
def test_every_line_of_a_document_runs(document: str, service: Service, tmp_path: Path) -> None:
    names: dict[str, Any] = {"__name__": "document"}
    with _web(document, service, tmp_path) as address:
        shell = Shell(service, address)
        for block in blocks(document):
            if block.language == "sh":
                for line in block.text.replace("\\\n", " ").splitlines():
                    shell.run(line)
            elif block.language == "python" and "from celery" not in block.text:
                run_python(block.text, names)
    for value in names.values():
        if isinstance(value, redis.Redis | Client):
            value.close()


@contextlib.contextmanager
def _web(document: str, service: Service, folder: Path) -> Iterator[str]:
    """The address of a web service in front of the same server, for a document that speaks to one; "" for others."""
    if "curl " not in TEXTS[document]:
        yield ""
        return
    with serving(service.url, folder / "web.log", **SECRETS) as client:
        yield str(client.base_url).rstrip("/")


def test_a_producer_that_speaks_celery_needs_nothing_of_this_package(service: Service, tmp_path: Path) -> None:
    (block,) = (one for one in blocks("docs/redis.md") if "from celery" in one.text)
    assert "worker.client" not in block.text
    subprocess.run([sys.executable, "-I", "-c", block.text], cwd=tmp_path, check=True, timeout=30)
    words = ["-A", "worker.app", "worker", "-Q", "push", "-n", "push@%h", "--pool=solo", "--loglevel=WARNING"]
    with subprocess.Popen(
        [sys.executable, "-m", "celery", *words], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as worker:
        try:
            _await(lambda: service.connection.hget("dedup:article:my-reader:43", "status") == "clustered")
        finally:
            worker.kill()


def test_fields_are_documented_under_their_key(service: Service) -> None:
    r = service.connection
    article = r.hgetall("dedup:article:seed-r1-wire")
    told = {
        "article": article,
        "meta": r.hgetall("dedup:meta:seed-r1-wire"),
        "family": r.hgetall(f"dedup:family:{article['family']}"),
        "story": r.hgetall(f"dedup:story:{article['story']}"),
        "storyline": r.hgetall(f"dedup:storyline:{article['storyline']}"),
        "changes": r.xrange("dedup:changes", count=1)[0][1],
        "rejected": r.xrange("dedup:rejected", count=1)[0][1],
    }
    for heading, found in told.items():
        named = set(re.findall(r"`([a-z_]+)`", section("docs/redis.md", heading)))
        assert found, heading
        assert sorted(found.keys() - named) == [], heading


def test_ids_that_are_shown_are_those_of_the_sample_articles(service: Service) -> None:
    shown = {name for document in RUN for name in re.findall(r"\b[fsl][0-9a-f]{16}\b", TEXTS[document])}
    keys = {"f": "family", "s": "story", "l": "storyline"}
    assert shown
    assert [name for name in sorted(shown) if not service.connection.exists(f"dedup:{keys[name[0]]}:{name}")] == []


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("estimated similarity", ["seed-r2-wire-near"]),
        ("why in this story", ["seed-r2-wire-near"]),
        ("together in", ["seed-r1-wire", "seed-r2-wire"]),
    ],
)
def test_an_explanation_that_is_shown_is_the_one_that_is_given(field: str, words: list[str]) -> None:
    (shown,) = (one.text for one in blocks("docs/quickstart.md") if field in one.text)
    printed = [" ".join(line.split()) for line in dedup(["explain", *words], b"").splitlines()]
    for line in filter(str.strip, shown.splitlines()):
        wanted = " ".join(re.sub("[,;] [.]{3}$", "", line).split())
        assert any(found.startswith(wanted) for found in printed), line


def test_every_public_key_is_described() -> None:
    keys = Keys("dedup:")
    placeholders = {"kind": "<hour or day>", "name": "<name>"}
    described = []
    for name, member in inspect.getmembers(Keys):
        if name.startswith("_") or not (isinstance(member, property) or inspect.isfunction(member)):
            continue
        told = getattr(keys, name)
        if callable(told):
            told = told(*(placeholders.get(one, "<id>") for one in inspect.signature(told).parameters))
        if not told.startswith("dedup:private:"):
            described.append(told)
    assert len(described) > 10
    assert [key for key in described if f"`{key}`" not in TEXTS["docs/redis.md"]] == []


def test_every_setting_is_described_with_its_default() -> None:
    text = TEXTS["docs/operations.md"]
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]*?) +\|", text, re.MULTILINE))
    settings = {f"DEDUP_{one.name.upper()}" for one in fields(Settings)} - {"DEDUP_REDIS_URL"} | {"REDIS_URL"}
    compose = set(re.findall(r"\bDEDUP_[A-Z_]+", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    assert settings <= rows.keys()
    assert set(re.findall(r"\bDEDUP_[A-Z]+(?:_[A-Z]+)*\b", text)) <= settings | compose
    home = {"HOME": "/home/you"}
    for variable in sorted(settings):
        default = rows[variable].strip("`").replace("~", "/home/you") if rows[variable] != "none" else ""
        assert load(home | {variable: default}) == load(home), f"{variable} is not {default!r} by default"


def test_parameters_are_described_with_their_values() -> None:
    rows = re.findall(r"^\| `([a-z.]+)\.([a-z_]+)` \| ([^|]*?) +\|", TEXTS["docs/concepts.md"], re.MULTILINE)
    groups = {one.name: getattr(Params(), one.name) for one in fields(Params)}
    told = {group.partition(".")[0] for group, _, _ in rows}
    assert told == {name for name, value in groups.items() if is_dataclass(value)}
    wrong = [
        (group, name, value) for group, name, value in rows if str(attrgetter(f"{group}.{name}")(Params())) != value
    ]
    assert wrong == []


def test_every_subcommand_is_shown() -> None:
    (commands,) = (one for one in parser()._actions if isinstance(one.choices, dict))  # noqa: SLF001 - no other way
    shown = TEXTS["README.md"] + TEXTS["docs/quickstart.md"]
    assert [name for name in commands.choices or () if not re.search(rf"\bdedup {name}\b", shown)] == []


@pytest.mark.parametrize("document", ALL)
def test_every_link_leads_somewhere(document: str) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(TEXTS[document])):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / document).parent / path if path else ROOT / document
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            broken.append(target)
    assert broken == []


@dataclass(slots=True)
class Shell:
    """As much of a shell as the documents use: variables set from a command, `#` comments, and input from a file."""

    service: Service
    web: str
    variables: dict[str, str] = field(default_factory=lambda: dict(SECRETS))

    def run(self, line: str) -> None:
        if assigned := re.fullmatch(r"([A-Z]+)=\$\((.*)\)", line.strip()):
            self.variables[assigned[1]] = self._answer(assigned[2])
            assert self.variables[assigned[1]], line
            return
        if line.strip() and shlex.split(line, comments=True)[:1] != []:
            head = shlex.split(line, comments=True)[0]
            if head not in NOT_RUN:
                answer = self._answer(line)
                assert bool(answer.strip()) != ("# (nil)" in line), (line, answer)

    def _answer(self, line: str) -> str:
        words = shlex.split(re.sub(r"\$([A-Z_]+)", lambda found: self.variables[found[1]], line), comments=True)
        given = b""
        if "<" in words:
            given = Path(words[words.index("<") + 1]).read_bytes()
            words = words[: words.index("<")]
        match words[0]:
            case "redis-cli":
                return redis_cli(self.service, words[1:], given)
            case "dedup":
                return dedup(words[1:], given)
            case "curl" | "openssl" | "printf":
                return spoken(self.web, line, self.variables)
            case _:
                raise AssertionError(f"neither run nor known as one that is not run: {line}")


def redis_cli(service: Service, words: list[str], given: bytes) -> str:
    """What redis-cli prints, or would print, were it there: "" for no value."""
    program = shutil.which("redis-cli")
    if program is not None:
        call = [program, "-e", "-s", service.socket, *words]
        return subprocess.run(call, input=given, capture_output=True, check=True, timeout=30).stdout.decode().strip()
    if words[0] == "-x":
        words = [*words[1:], given.decode()]
    reply = service.connection.execute_command(*words)
    return "" if reply is None or reply in ([], {}) else str(reply)


def spoken(address: str, line: str, variables: dict[str, str]) -> str:
    """What a shell prints for a line that speaks HTTP, with the service at this address instead of the usual one."""
    if not all(map(shutil.which, SPEAKS)):
        return "not run"
    is_endless = "--no-buffer" in line
    patience = "--max-time 2" if is_endless else "--fail --retry 20 --retry-delay 1 --retry-all-errors"
    curl = f'curl() {{ command curl --silent --show-error {patience} "$@"; }}'
    ran = subprocess.run(
        ["sh", "-c", f"{curl}\n{line.replace(WEB, address)}"], env=os.environ | variables, capture_output=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == (TIMED_OUT if is_endless else 0), (line, ran.stderr)
    return ran.stdout.decode().strip() or "done"


def dedup(words: list[str], given: bytes) -> str:
    """What a command prints; one that never ends, or needs the network, is only seen to be right usage."""
    args = parser().parse_args(words)
    if ENDLESS & set(words) or getattr(args, "source", "").startswith("https:"):
        return "not run"
    out = io.StringIO()
    stdin = io.TextIOWrapper(io.BytesIO(given))
    with contextlib.redirect_stdout(out), pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "stdin", stdin)
        assert main(words) == 0, words
    printed = out.getvalue()
    assert printed or words[0] not in TELLS or "-o" in words, words
    return printed or "done"


def run_python(text: str, names: dict[str, Any]) -> None:
    """Runs the lines of a block; an expression standing alone must have a value, or None where its line says so."""
    lines = text.splitlines()
    for node in ast.parse(text).body:
        is_call_of_print = (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Name)
            and node.value.func.id == "print"
        )
        if not isinstance(node, ast.Expr) or is_call_of_print:
            exec(compile(ast.Module([node], []), "document", "exec"), names)  # noqa: S102 - our own documents
            continue
        line = lines[node.lineno - 1]
        value = eval(compile(ast.Expression(node.value), "document", "eval"), names)  # noqa: S307 - the same
        if "# None" in line:
            assert value is None, line
        else:
            assert value, line


def blocks(document: str) -> list[Block]:
    """The fenced blocks of a document, in order."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", TEXTS[document], re.MULTILINE | re.DOTALL)
    assert found
    assert {language for language, _ in found} <= {"sh", "python", "text", "yaml", "mermaid"}
    return [Block(language, text) for language, text in found]


def section(document: str, heading: str) -> str:
    """A section's text, up to the next heading."""
    found = re.search(rf"^#+ {heading}$(.*?)(?=^#|\Z)", TEXTS[document], re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`(?!\])", "", text, flags=re.DOTALL)


def anchors(text: str) -> set[str]:
    """The anchors that a page of this text has, as code hosts make them of headings."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
