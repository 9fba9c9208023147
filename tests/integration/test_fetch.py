"""Fetching against a real server on loopback: what is reached, what is refused, where it gives up."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from typing import ClassVar

import pytest

from worker.feeds import Call, FeedError, FetchLimits, fetch, read_feed

LOOPBACK = (ip_network("127.0.0.0/8"),)
FEED = b"<rss version='2.0'><channel><title>T</title><item><title>One</title></item></channel></rss>"
SMALL = FetchLimits(max_bytes=100_000, timeout_seconds=5)


class Site(BaseHTTPRequestHandler):
    """Answers by path; what it was asked is in `asked`."""

    asked: ClassVar[list[dict[str, str]]] = []
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        told = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(told.get("content-length", 0))).decode(errors="replace")
        self.asked.append({"path": self.path, "method": self.command, "body": body} | told)
        kind, _, rest = self.path.lstrip("/").partition("/")
        getattr(self, f"send_{kind}")(rest)

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def send_feed(self, _rest: str) -> None:
        self.answer(200, FEED, {"Content-Type": "application/rss+xml; charset=utf-8", "Set-Cookie": "a=1"})

    def send_gzip(self, _rest: str) -> None:
        self.answer(200, gzip.compress(FEED), {"Content-Encoding": "gzip"})

    def send_cut(self, _rest: str) -> None:
        self.answer(200, gzip.compress(FEED)[:-12], {"Content-Encoding": "gzip"})

    def send_bomb(self, _rest: str) -> None:
        self.answer(200, gzip.compress(b"\0" * 60_000_000), {"Content-Encoding": "gzip"})

    def send_brotli(self, _rest: str) -> None:
        self.answer(200, b"x", {"Content-Encoding": "br"})

    def send_lie(self, _rest: str) -> None:
        self.answer(200, b"plain", {"Content-Encoding": "gzip"})

    def send_large(self, rest: str) -> None:
        self.answer(200, b"x" * int(rest))

    def send_status(self, rest: str) -> None:
        self.answer(int(rest), b"")

    def send_to(self, rest: str) -> None:
        self.answer(302, b"moved", {"Location": rest, "Set-Cookie": "a=1"})

    def send_times(self, rest: str) -> None:
        self.answer(301, b"", {"Location": f"/times/{int(rest) - 1}" if int(rest) > 1 else "/feed"})

    def send_drip(self, _rest: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        try:
            for _ in range(60):
                self.wfile.write(b"x")
                time.sleep(0.05)
        except OSError:
            self.close_connection = True

    def send_short(self, _rest: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"x")
        self.close_connection = True

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Silent."""


class Server(ThreadingHTTPServer):
    """Says nothing of clients that hang up, as they do here on purpose."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def site() -> Iterator[int]:
    with Server(("127.0.0.1", 0), Site) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        yield server.server_port
        server.shutdown()
        serving.join()


def refusal(url: str, *networks: str, limits: FetchLimits = SMALL) -> str:
    with pytest.raises(FeedError) as caught:
        fetch(url, allow=[ip_network(network) for network in networks], limits=limits)
    return str(caught.value)


def test_an_allowed_feed_is_fetched_and_can_be_read(site: int) -> None:
    url = f"http://127.0.0.1:{site}/feed/a?b=%20c#fragment"
    fetched = fetch(url, allow=LOOPBACK)
    assert fetched.url == f"http://127.0.0.1:{site}/feed/a?b=%20c"
    assert fetched.content_type == "application/rss+xml; charset=utf-8"
    assert [article["title"] for article in read_feed(fetched.body, fetched.url)] == ["One"]


def test_a_request_says_who_asks_and_carries_nothing_else(site: int) -> None:
    fetch(f"http://localhost:{site}/to//feed/who", allow=(*LOOPBACK, ip_network("::1")))
    asked = next(request for request in Site.asked if request["path"] == "/feed/who")
    assert asked["user-agent"].startswith("story-dedup/")
    assert asked["host"] == f"localhost:{site}"
    assert set(asked) == {"method", "path", "body", "host", "user-agent", "accept", "accept-encoding"}
    assert (asked["method"], asked["body"]) == ("GET", "")


def test_proxies_of_the_environment_are_ignored(site: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert fetch(f"http://127.0.0.1:{site}/feed", allow=LOOPBACK).body == FEED


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "localhost.", "LOCALHOST", "2130706433", "0x7f.1", "017700000001", "127.1", "0", "0.0",
     "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]",
     "\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021", "169.254.169.254", "10.0.0.1", "[fd00:ec2::254]",
     "[fe80::1]"],
)  # fmt: skip
def test_no_spelling_of_a_private_address_is_connected_to(site: int, host: str) -> None:
    n_asked = len(Site.asked)
    said = refusal(f"http://{host}:{site}/feed")
    # Some resolvers do not know localhost with a dot, and not every spelling is a URL to every version of the parser.
    assert any(reason in said for reason in ("refused: ", "cannot be found", "no web address"))
    assert len(Site.asked) == n_asked


def test_a_host_is_refused_for_any_one_of_its_addresses(site: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver is the world's, not ours: its answers are what is played here."""
    answers = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, site)) for address in ("93.184.215.14", "127.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: answers)
    assert "refused: news.example is 127.0.0.1, a loopback address" in refusal(f"http://news.example:{site}/feed")


def test_the_connection_goes_to_the_address_that_was_judged(site: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that points elsewhere on the second look-up (DNS rebinding) is not looked up twice."""
    real, asked = socket.getaddrinfo, []

    def rebinding(host: str, *args: object, **options: object) -> object:
        if host != "rebind.example":
            return real(host, *args, **options)  # type: ignore[arg-type]
        asked.append(host)
        return real("127.0.0.1" if len(asked) == 1 else "127.0.0.2", *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    assert fetch(f"http://rebind.example:{site}/feed", allow=[ip_network("127.0.0.1")]).body == FEED
    assert asked == ["rebind.example"]


@pytest.mark.parametrize("target", ["http://127.0.0.2:{site}/feed", "http://10.0.0.1/", "//169.254.169.254/latest"])
def test_a_redirect_is_judged_like_the_first_address(site: int, target: str) -> None:
    said = refusal(f"http://127.0.0.1:{site}/to/{target.format(site=site)}", "127.0.0.1/32")
    assert "redirected to http://" in said
    assert "refused: " in said


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "http://u:p@127.0.0.1/"]
)
def test_a_redirect_to_another_scheme_or_with_a_password_is_refused(site: int, target: str) -> None:
    said = refusal(f"http://127.0.0.1:{site}/to/{target}", "127.0.0.1/32")
    assert "only http and https" in said or "user name or password" in said


@pytest.mark.parametrize("call", [Call("POST", body=b"x"), Call("PUT"), Call(is_secret=True)], ids=repr)
def test_what_is_sent_is_redirected_nowhere(site: int, call: Call) -> None:
    url, target = f"http://127.0.0.1:{site}/to/http://127.0.0.1:{site}/feed", f"http://127.0.0.1:{site}/feed"
    with pytest.raises(FeedError) as caught:
        fetch(url, allow=LOOPBACK, limits=SMALL, call=call)
    assert caught.value.reason == f"redirected to {target}, where this is not sent: name that one"


def test_a_call_carries_its_headers_and_its_body_and_shows_neither(site: int) -> None:
    call = Call("POST", (("X-Auth-Token", "hunter2"),), b"hunter2=\xff", is_secret=True)
    assert "hunter2" not in repr(call)
    Site.asked.clear()
    fetch(f"http://127.0.0.1:{site}/feed", allow=LOOPBACK, limits=SMALL, call=call)
    [asked] = Site.asked
    assert (asked["method"], asked["x-auth-token"], asked["content-length"]) == ("POST", "hunter2", "9")
    assert asked["body"] == "hunter2=\ufffd"
    assert "accept" not in asked


def test_redirects_are_followed_to_their_limit_and_no_further(site: int) -> None:
    assert fetch(f"http://127.0.0.1:{site}/times/5", allow=LOOPBACK).url == f"http://127.0.0.1:{site}/feed"
    assert "redirected more than 5 times" in refusal(f"http://127.0.0.1:{site}/times/6", "127.0.0.0/8")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("file:///etc/passwd", "only http and https"),
        ("ftp://news.example/feed", "only http and https"),
        ("news.example/feed", "only http and https"),
        ("http://", "no host"),
        ("http:///feed", "no host"),
        ("http://news.example:99999/", "no possible host or port"),
        ("http://exa mple/", "no possible host or port"),
        ("http://a\x00b/", "no web address"),
        (f"http://{'a' * 70}.example/", "cannot be found"),
        ("http://a..b/", "cannot be found"),
    ],
)
def test_what_is_no_web_address_is_refused_with_a_reason(url: str, said: str) -> None:
    message = refusal(url)
    assert said in message
    assert message.isprintable()


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    assert "hunter2" not in refusal("http://user:hunter2@news.example/")
    assert "hunter2" not in refusal("http://user:hunter2@exa mple/")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("status/404", "404 Not Found"),
        ("status/500", "500 Internal Server Error"),
        ("status/304", "304 Not Modified"),
        ("bomb", "larger than 100,000 bytes"),
        ("large/100001", "larger than 100,000 bytes"),
        ("brotli", "'br', which was not asked for"),
        ("lie", "not the gzip data"),
        ("cut", "in the middle of its gzip data"),
        ("short", "without sending complete message body"),
    ],
)
def test_an_answer_that_is_no_use_is_an_error_that_names_url_and_reason(site: int, path: str, said: str) -> None:
    url = f"http://127.0.0.1:{site}/{path}"
    message = refusal(url, "127.0.0.0/8")
    assert message.startswith(url)
    assert said in message


def test_a_body_of_just_the_limit_is_fetched(site: int) -> None:
    assert len(fetch(f"http://127.0.0.1:{site}/large/100000", allow=LOOPBACK, limits=SMALL).body) == 100_000
    assert fetch(f"http://127.0.0.1:{site}/gzip", allow=LOOPBACK, limits=SMALL).body == FEED


def test_the_deadline_holds_for_a_body_that_drips(site: int) -> None:
    started = time.monotonic()
    assert "within 0.4 seconds" in refusal(
        f"http://127.0.0.1:{site}/drip", "127.0.0.0/8", limits=FetchLimits(timeout_seconds=0.4)
    )
    assert time.monotonic() - started < 1.5


def test_the_deadline_holds_for_a_server_that_says_nothing_and_for_one_that_is_gone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for scheme in ("http", "https"):
            said = refusal(f"{scheme}://127.0.0.1:{port}/", "127.0.0.0/8", limits=FetchLimits(timeout_seconds=0.3))
            assert "within 0.3 seconds" in said
    assert "refused" in refusal(f"http://127.0.0.1:{port}/", "127.0.0.0/8").lower()


def test_the_deadline_holds_for_a_resolver_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: [hanging.wait(5)][:0])
    assert "within 0.2 seconds" in refusal("http://news.example/", limits=FetchLimits(timeout_seconds=0.2))
    hanging.set()


@pytest.fixture
def tls_site(tmp_path: Path) -> Iterator[int]:
    """The same site behind TLS, with a certificate for localhost that only `tmp_path / "cert.pem"` vouches for."""
    (tmp_path / "cert.pem").write_text(CERTIFICATE)
    (tmp_path / "key.pem").write_text(KEY)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with Server(("127.0.0.1", 0), Site) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        yield server.server_port
        server.shutdown()
        serving.join()


def test_a_certificate_nobody_vouches_for_is_refused(tls_site: int) -> None:
    assert "CERTIFICATE_VERIFY_FAILED" in refusal(f"https://localhost:{tls_site}/feed", "127.0.0.0/8", "::1")


def test_a_certificate_holds_for_its_name_and_not_for_the_address(
    tls_site: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    assert fetch(f"https://localhost:{tls_site}/feed", allow=(*LOOPBACK, ip_network("::1"))).body == FEED
    assert "certificate is not valid for '127.0.0.1'" in refusal(f"https://127.0.0.1:{tls_site}/feed", "127.0.0.0/8")


# Made for these tests; it guards nothing.
KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgZVO6jKkztVQJYeXR
Bc79YOCTPoP2lUbxb5ZpQYb0gQuhRANCAAQQnsxOMi6ZH2wX2r0t9H7eWqbcdbdd
kJYNcSSVYHFCjJ1bBow+AqdGcCbfTVuNlvVWPbvvxcMDO7cP0BZatCxK
-----END PRIVATE KEY-----
"""
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBpTCCAUugAwIBAgIUPTdGRiRlCwMa3FcvR0K+4ccdV4cwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjAxMDIxMVoYDzIxMjYxMDI5
MDEwMjExWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQQnsxOMi6ZH2wX2r0t9H7eWqbcdbddkJYNcSSVYHFCjJ1bBow+AqdG
cCbfTVuNlvVWPbvvxcMDO7cP0BZatCxKo3kwdzAdBgNVHQ4EFgQUOFphdYzbxuT7
KHc1xuWlss8Rj7kwHwYDVR0jBBgwFoAUOFphdYzbxuT7KHc1xuWlss8Rj7kwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwDgYDVR0PAQH/BAQD
AgKEMAoGCCqGSM49BAMCA0gAMEUCIQC15MV1K8ssiT1Gmxxt+pn0wL+w6BAl1zDy
t5ncSrmvEAIgcsudbrpoT6Xk7dEMXb0R4c1vPBcCXhmkgE/a0Bi06l8=
-----END CERTIFICATE-----
"""
