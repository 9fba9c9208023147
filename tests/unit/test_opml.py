"""OPML lists of feeds: what readers export is read, what cannot be is told by name, and nothing is expanded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.feeds import BadOutline, FeedError, Outline, is_opml, read_opml

NESTED = b"""<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0"><head><title>Mine</title></head><body>
  <outline text="World">
    <outline text="Asia" title="Asia">
      <outline type="rss" text="Gazette" title="The Gazette" xmlUrl="https://gazette.example/feed?a=1&amp;b=2"/>
    </outline>
    <outline type="rss" text="Post" xmlUrl="http://post.example/rss" category="/ignored"/>
  </outline>
  <outline text="An empty folder"/>
  <outline type="link" text="A link" url="https://news.example/"/>
  <outline text="Wire &amp;amp; Co" xmlURL=" https://WIRE.example/atom.xml#top " category="wires"></outline>
</body></opml>"""


def document(outlines: str, before: str = "") -> bytes:
    return f"{before}<opml version='1.0'><body>{outlines}</body></opml>".encode()


def test_nested_outlines_become_feeds_with_their_path_as_category() -> None:
    assert read_opml(NESTED, "mine.opml").feeds == (
        Outline("https://gazette.example/feed?a=1&b=2", "The Gazette", "World / Asia"),
        Outline("http://post.example/rss", "Post", "World"),
        Outline("https://wire.example/atom.xml", "Wire & Co", "wires"),
    )
    assert read_opml(NESTED, "mine.opml").bad == ()


@pytest.mark.parametrize(
    ("outline", "name", "reason"),
    [
        ('<outline type="rss" text="Nameless"/>', "Nameless", "no xmlUrl"),
        ('<outline type="rss" xmlUrl=""/>', "(no name)", "no xmlUrl"),
        ('<outline text="Local" xmlUrl="file:///etc/passwd"/>', "Local", "only http and https"),
        ('<outline text="Old" xmlUrl="feed://news.example/"/>', "Old", "only http and https"),
        ('<outline xmlUrl="news.example/feed"/>', "news.example/feed", "only http and https"),
        ('<outline text="Secret" xmlUrl="https://a:b@news.example/"/>', "Secret", "user name or password"),
        ('<outline text="No host" xmlUrl="https:///feed"/>', "No host", "names no host"),
    ],
)
def test_a_bad_outline_is_told_by_name_and_the_others_are_read(outline: str, name: str, reason: str) -> None:
    found = read_opml(document(f'{outline}<outline text="Good" xmlUrl="https://good.example/"/>'), "x.opml")
    assert [one.title for one in found.feeds] == ["Good"]
    [bad] = found.bad
    assert isinstance(bad, BadOutline)
    assert bad.name == name
    assert reason in bad.reason


def test_bare_ampersands_in_urls_are_taken_as_themselves() -> None:
    found = read_opml(document('<outline text="A & B" xmlUrl="https://news.example/?a=1&copy=2&x"/>'), "x.opml")
    assert [(one.url, one.title) for one in found.feeds] == [("https://news.example/?a=1&copy=2&x", "A & B")]


def test_entities_of_its_own_are_never_expanded() -> None:
    bomb = '<!DOCTYPE opml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
    found = read_opml(document('<outline text="&b;&f;" xmlUrl="https://news.example/&b;"/>', bomb), "x.opml")
    assert [(one.url, one.title) for one in found.feeds] == [("https://news.example/&b;", "&b;&f;")]


@pytest.mark.parametrize("body", [b"", b"{}", b"<rss/>", b"<html></html>", b"<opml><body><outline></opml>", b"<opml "])
def test_what_is_no_opml_is_refused_with_its_origin(body: bytes) -> None:
    with pytest.raises(FeedError, match=r"^x\.opml: "):
        read_opml(body, "x.opml")


def test_a_list_is_known_from_a_feed_and_from_a_page() -> None:
    assert is_opml(NESTED)
    assert is_opml(NESTED.decode().encode("utf-16"))
    assert not is_opml(b"<rss><channel><title>about &lt;opml></title></channel></rss>")
    assert not is_opml(b"<html><pre><opml version='2.0'></pre></html>")
    assert not is_opml(b'{"id": "1"}')


def test_deep_nesting_is_read() -> None:
    deep = '<outline text="d">' * 5_000 + '<outline xmlUrl="https://a.example/"/>' + "</outline>" * 5_000
    [one] = read_opml(document(deep), "x.opml").feeds
    assert one.category.startswith("d / d / d")
    assert len(one.category) == 200


@given(st.data())
def test_a_mutated_list_is_read_or_refused_and_gives_only_web_addresses(data: st.DataObject) -> None:
    body = bytearray(NESTED)
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(body) - 1))
        body[start : start + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    try:
        found = read_opml(bytes(body), "x.opml")
    except FeedError:
        return
    assert all(one.url.startswith(("http://", "https://")) for one in found.feeds)
    assert all(one.reason for one in found.bad)
