"""Feeds and OPML lists that were damaged in every way: each is read or refused with a reason, and soon."""

from __future__ import annotations

import time
from contextlib import suppress
from random import Random
from typing import Final

import pytest

from dedup.article import parse_article
from dedup.errors import ArticleError
from worker.feeds import FeedError, is_opml, looks_like_feed, parse_feed, read_opml

pytestmark = [pytest.mark.fault, pytest.mark.timeout(900)]

N_MUTATED: Final = 100_000
MOST_BYTES: Final = 4_096
MOST_SECONDS: Final = 1.0
URL: Final = "https://news.example/feed.xml"

SOUND: Final = (
    b"""<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
xmlns:media="http://search.yahoo.com/mrss/"><channel><title>News</title><link>https://news.example/</link><ttl>60</ttl>
<item><guid isPermaLink="false">1</guid><title>A &lt;b&gt;title&lt;/b&gt; &#8217; &amp;amp;</title><pubDate>Sun, 22 Nov
2026 10:00:00 GMT</pubDate><description><![CDATA[<p>Lead</p>]]></description><content:encoded><![CDATA[<p>All of
it</p>]]></content:encoded><media:content url="x" medium="image"/><category>a</category></item></channel></rss>""",
    """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="tr"><title type="html">Haber &amp;copy;</title><id>x</id>
<entry><id>tag:1</id><title>İstanbul</title><link href="/1" rel="alternate"/><updated>2026-11-22T10:00:00Z</updated>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Görüşme</p></div></content><source><title>Ajans</title>
</source></entry></feed>""".encode(),
    b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"><channel>
<title>RDF</title><sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency></channel>
<item rdf:about="https://news.example/1"><title>One</title><dc:date>2026-11-22</dc:date></item></rdf:RDF>""",
    b"""{"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": [{"id": "1", "url": "https://news.example/1",
"title": "One", "content_html": "<p>x</p>", "date_published": "2026-11-22T10:00:00Z"}, {"id": 2, "summary": "y"}]}""",
    b"""<opml version="2.0"><body><outline text="World"><outline type="rss" text="A &amp; B" xmlUrl="https://a.example/?x=1&y"/>
</outline><outline text="Bad" xmlUrl="file:///x"/></body></opml>""",
)
PIECES: Final = (
    b"<", b">", b"&", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"<!DOCTYPE x [", b'<!ENTITY a "b">', b"&a;", b"&#0;",
    b"&#x110000;", b"<item>", b"</item>", b"<entry/>", b"<title>", b'xmlns="', b'encoding="utf-16"', b"\x00",
    b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"<outline>", b"</outline>", b'xmlUrl="http://', b"[[[[", b"{{",
    b"null", b"1e999", b'"\\ud800"', b"<?xml", b"?>", b"<html>", b"9" * 300, b"<a>" * 60, "\u202e".encode(),
)  # fmt: skip


def mutated(random: Random) -> bytes:
    """One of the sound documents with a few parts cut, doubled, moved, replaced or put in."""
    body = bytearray(random.choice(SOUND))
    for _ in range(random.randint(1, 8)):
        start = random.randrange(len(body) + 1)
        end = min(len(body), start + random.choice((1, 2, 8, 40, 400)))
        match random.randrange(6):
            case 0:
                del body[start:end]
            case 1:
                body[start:start] = body[start:end] * random.choice((1, 2, 20))
            case 2:
                body[start:start] = random.choice(PIECES)
            case 3:
                body[start:end] = random.randbytes(random.randint(1, 6))
            case 4:
                other = random.choice(SOUND)
                place = random.randrange(len(other))
                body[start:start] = other[place : place + random.randint(1, 200)]
            case _:
                body[start:end] = random.choice(PIECES)
    return bytes(body[:MOST_BYTES])


@pytest.mark.parametrize("part", range(10))
def test_a_mutated_feed_is_read_or_refused_and_never_for_long(part: int) -> None:
    random, n_read = Random(part), 0
    for _ in range(N_MUTATED // 10):
        body = mutated(random)
        started = time.process_time()
        n_read += reads(body)
        assert time.process_time() - started < MOST_SECONDS, body
    assert n_read > N_MUTATED // 100


def reads(body: bytes) -> bool:
    """Whether it is a feed or a list; its articles are accepted or rejected with a reason."""
    try:
        if is_opml(body):
            return bool(read_opml(body, URL).feeds)
        looks_like_feed(body)
        feed = parse_feed(body, URL, most_articles=1_000)
    except FeedError:
        return False
    for payload in feed.articles:
        with suppress(ArticleError):
            assert parse_article(payload).id
    assert feed.asked_seconds >= 0
    return True
