"""Feeds become article payloads, and what is no feed is told by what it looks like."""

from __future__ import annotations

import json
import time
from hashlib import sha256
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dedup.article import Article, parse_article
from worker.feeds import Feed, FeedError, looks_like_feed, parse_feed, read_feed
from worker.feeds.address import why_refused

URL = "https://news.example/feed.xml"
PREFIX = f"feed:{sha256(URL.encode()).hexdigest()[:12]}:"


def rss(articles: str, channel: str = "<title>Harbour News</title>", head: str = "") -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>{head}
        <rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
             xmlns:media="http://search.yahoo.com/mrss/" xmlns:dc="http://purl.org/dc/elements/1.1/">
        <channel>{channel}{articles}</channel></rss>""".encode()


def atom(articles: str, attributes: str = "") -> bytes:
    return f"""<feed xmlns="http://www.w3.org/2005/Atom" {attributes}>
        <title>Harbour News</title>{articles}</feed>""".encode()


def json_feed(**fields: object) -> bytes:
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Harbour News", **fields}).encode()


def only(body: bytes, url: str = URL, content_type: str = "") -> dict[str, object]:
    (payload,) = read_feed(body, url, content_type=content_type)
    return payload


def refusal(body: bytes, url: str = URL) -> str:
    with pytest.raises(FeedError) as caught:
        read_feed(body, url)
    assert str(caught.value).startswith(f"{url}: ")
    return caught.value.reason


# --- the formats


def test_an_rss_article_keeps_its_fields_and_prefers_the_full_content() -> None:
    body = rss(
        """<item><guid isPermaLink="false">harbour-17</guid><link>https://news.example/17</link>
        <title>Harbour reopens</title><pubDate>Mon, 02 Jun 2025 14:30:00 +0300</pubDate>
        <description>Short.</description><author>desk@news.example (Desk)</author><dc:creator>Desk</dc:creator>
        <category>Harbour</category><category domain="x">Storm</category><dc:subject>Ships</dc:subject>
        <content:encoded><![CDATA[<p>The harbour has <b>reopened</b> after it.</p>]]></content:encoded></item>""",
        "<title>Harbour News</title><language>en-gb</language>",
    )
    assert only(body) == {
        "id": PREFIX + "harbour-17",
        "url": "https://news.example/17",
        "title": "Harbour reopens",
        "html": "<p>The harbour has <b>reopened</b> after it.</p>",
        "published_at": "2025-06-02T11:30:00Z",
        "source": "Harbour News",
        "language": "en-gb",
    }


@pytest.mark.parametrize("rss_version", ["0.91", "0.92", "2.0", ""])
def test_every_rss_version_is_read(rss_version: str) -> None:
    body = f"""<rss version="{rss_version}"><channel><title>T</title><item><title>One</title>
        <link>https://news.example/1</link><description>Text</description></item></channel></rss>""".encode()
    assert only(body)["id"] == PREFIX + "https://news.example/1"
    assert only(body)["html"] == "Text"


def test_the_netscape_doctype_of_old_rss_is_no_obstacle() -> None:
    doctype = '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://my.netscape.com/rss-0.91.dtd">'
    assert only(rss("<item><title>Caf&eacute;</title></item>", head=doctype))["title"] == "Café"


def test_rdf_is_read_with_dublin_core_dates() -> None:
    body = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
        xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Harbour News</title></channel>
        <item rdf:about="https://news.example/1"><title>One</title><link>https://news.example/1?a=1&amp;b=2</link>
        <description>Text</description><dc:date>2025-06-02T10:00:00+02:00</dc:date><dc:language>tr</dc:language></item>
        </rdf:RDF>"""
    payload = only(body)
    assert payload["id"] == PREFIX + "https://news.example/1"
    assert payload["url"] == "https://news.example/1?a=1&b=2"
    assert payload["published_at"] == "2025-06-02T08:00:00Z"
    assert payload["language"] == "tr"
    assert payload["source"] == "Harbour News"


def test_an_atom_article_keeps_its_fields() -> None:
    body = atom(
        """<entry xml:lang="de"><id>tag:news.example,2025:1</id>
        <title type="html">Ein &lt;em&gt;Titel&lt;/em&gt;</title>
        <link href="/1"/><updated>2025-06-03T00:00:00Z</updated><published>2025-06-02T00:00:00Z</published>
        <summary>Kurz</summary>
        <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Lang und breit</p></div>
        </content></entry>""",
        'xml:lang="en"',
    )
    assert only(body) == {
        "id": PREFIX + "tag:news.example,2025:1",
        "url": "https://news.example/1",
        "title": "Ein Titel",
        "html": "<p>Lang und breit</p>",
        "published_at": "2025-06-02T00:00:00Z",
        "source": "Harbour News",
        "language": "de",
    }


def test_atom_text_is_taken_literally() -> None:
    payload = only(
        atom("<entry><id>a:1</id><title>Use &lt;b&gt; &amp;amp; co</title><content>1 &lt; 2</content></entry>")
    )
    assert payload["title"] == "Use <b> &amp; co"
    assert payload["text"] == "1 < 2"
    assert "html" not in payload


def test_an_article_of_an_aggregator_has_the_source_it_names() -> None:
    body = rss('<item><title>One</title><source url="https://a.example/">The Original</source></item>')
    assert only(body)["source"] == "The Original"


def test_a_feed_without_title_has_its_host_as_source() -> None:
    assert only(rss("<item><title>One</title></item>", channel=""))["source"] == "news.example"


def test_the_description_of_a_picture_is_not_the_article() -> None:
    body = rss(
        """<item><title>One</title><description>The whole text of the article.</description>
        <media:description>A boat.</media:description></item>"""
    )
    assert only(body)["html"] == "The whole text of the article."


def test_json_feed_is_read() -> None:
    body = json_feed(
        language="uk",
        items=[
            {"id": 7, "url": "https://news.example/7", "title": "Сім", "content_html": "<p>Сім</p>",
             "content_text": "x", "date_published": "2025-06-02T10:00:00+03:00"},
            {"id": "8", "content_text": "Вісім", "language": "en"},
        ],
    )  # fmt: skip
    assert read_feed(body, URL) == [
        {"id": PREFIX + "7", "url": "https://news.example/7", "title": "Сім",
         "published_at": "2025-06-02T10:00:00+03:00", "source": "Harbour News", "language": "uk", "html": "<p>Сім</p>"},
        {"id": PREFIX + "8", "source": "Harbour News", "language": "en", "text": "Вісім"},
    ]  # fmt: skip


def test_a_wrong_type_in_a_json_feed_is_left_to_the_validator_which_names_the_field() -> None:
    good, bad = read_feed(json_feed(items=[{"id": "1", "title": "One"}, {"id": "2", "title": ["Two"]}]), URL)
    assert parse_article(good).title == "One"
    with pytest.raises(Exception, match="title: must be a string, is an array"):
        parse_article(bad)


@pytest.mark.parametrize(
    "body",
    [rss(""), atom(""), json_feed(items=[]), json_feed(), b"<rss/>", b'<feed xmlns="http://www.w3.org/2005/Atom"/>'],
)
def test_a_feed_without_articles_is_no_error(body: bytes) -> None:
    assert read_feed(body, URL) == []


def test_articles_come_in_the_order_of_the_feed() -> None:
    body = rss("".join(f"<item><guid>n{n}</guid><title>{n}</title></item>" for n in (3, 1, 2)))
    assert [payload["title"] for payload in read_feed(body, URL)] == ["3", "1", "2"]


# --- ids


def test_without_guid_the_link_is_the_id_and_without_link_title_and_date() -> None:
    first, second, again, other = read_feed(
        rss(
            """<item><title>A</title><link>https://news.example/a</link></item>
            <item><title>B</title><pubDate>Mon, 02 Jun 2025 14:30:00 GMT</pubDate></item>
            <item><title>B</title><pubDate>Mon, 02 Jun 2025 14:30:00 GMT</pubDate><description>x</description></item>
            <item><title>B</title><pubDate>Mon, 02 Jun 2025 15:30:00 GMT</pubDate></item>"""
        ),
        URL,
    )
    assert first["id"] == PREFIX + "https://news.example/a"
    assert second["id"] == again["id"] != other["id"]
    assert str(second["id"]).startswith(PREFIX + "sha256:")


@pytest.mark.parametrize(
    ("item", "url"),
    [
        ("<guid>17</guid><link>/17.html</link>", "https://news.example/17.html"),
        ("<guid>17</guid>", "https://news.example/17"),
        ("<guid isPermaLink='false'>17</guid>", None),
    ],
)
def test_a_guid_stays_as_it_is_given_also_where_it_passes_for_a_link(item: str, url: str | None) -> None:
    [payload] = read_feed(rss(f"<item>{item}<title>One</title></item>"), "https://news.example/feed")
    assert str(payload["id"]).split(":", 2)[2] == "17"
    assert payload.get("url") == url


def test_a_repeated_guid_gives_two_payloads_of_one_id() -> None:
    body = rss("<item><guid>g</guid><title>New</title></item><item><guid>g</guid><title>Old</title></item>")
    assert [(payload["id"], payload["title"]) for payload in read_feed(body, "x.xml")] == [
        (f"feed:{sha256(b'x.xml').hexdigest()[:12]}:g", "New"),
        (f"feed:{sha256(b'x.xml').hexdigest()[:12]}:g", "Old"),
    ]


@pytest.mark.parametrize("guid", ["g" * 495, "ж" * 300, "a\u0085b", "a\nb", "\ud800"])
def test_a_guid_unfit_for_an_id_is_hashed_and_the_article_accepted(guid: str) -> None:
    payload = only(json_feed(items=[{"id": guid, "title": "One"}]))
    assert str(payload["id"]).startswith(PREFIX + "sha256:")
    assert parse_article(payload).id == payload["id"]


def test_a_guid_that_just_fits_is_kept() -> None:
    assert only(json_feed(items=[{"id": "g" * 494, "title": "One"}]))["id"] == PREFIX + "g" * 494


def test_the_same_guid_in_two_feeds_gives_two_ids() -> None:
    body = rss("<item><guid isPermaLink='false'>1</guid><title>One</title></item>")
    assert only(body, "https://a.example/")["id"] != only(body, "https://b.example/")["id"]


# --- dates, titles, links


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("Mon, 02 Jun 2025 14:30:00 EST", "2025-06-02T19:30:00Z"),
        ("2025-06-02T14:30:00.25+05:30", "2025-06-02T09:00:00Z"),
        ("next Tuesday", "next Tuesday"),
        ("Mon, 99 Jun 2025 99:30:00 GMT", "Mon, 99 Jun 2025 99:30:00 GMT"),
        ("", None),
    ],
)
def test_a_date_is_rfc_3339_where_it_can_be_read_and_else_as_it_stands(given: str, told: str | None) -> None:
    payload = only(rss(f"<item><title>One</title><pubDate>{given}</pubDate></item>"))
    assert payload.get("published_at") == told
    assert isinstance(parse_article(payload), Article)


@pytest.mark.parametrize("year", ["0000", "0001", "9999"])
def test_a_date_of_an_impossible_year_makes_an_undated_article(year: str) -> None:
    article = parse_article(only(atom(f"<entry><title>One</title><updated>{year}-01-01T00:00:00Z</updated></entry>")))
    assert article.published_at is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("Plain title", "Plain title"),
        ("Fish &amp;amp; chips", "Fish & chips"),
        ("<![CDATA[Fish &amp; <i>chips</i>]]>", "Fish & chips"),
        ("&lt;b&gt;Bold&lt;/b&gt; &#8211; claim", "Bold \u2013 claim"),
        ("a &lt; b and c &gt; d", "a < b and c > d"),
        ("  two\n lines ", "two lines"),
        ("R&amp;D budget", "R&D budget"),
    ],
)
def test_an_rss_title_becomes_plain_text(given: str, told: str) -> None:
    assert only(rss(f"<item><title>{given}</title></item>"))["title"] == told


def test_relative_links_are_relative_to_where_the_feed_came_from_in_the_end() -> None:
    (payload,) = read_feed(rss("<item><link>/a</link><title>A</title></item>"), URL, base_url="https://cdn.example/x/y")
    assert payload["url"] == "https://cdn.example/a"
    assert str(payload["id"]).startswith(PREFIX)


# --- encodings


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("windows-1251", "Переговори в Стамбулі завершилися"),
        ("koi8-r", "Переговоры завершились"),
        ("Shift_JIS", "イスタンブールで会談①"),
        ("EUC-JP", "イスタンブールで会談"),
        ("iso-2022-jp", "イスタンブールで会談"),
        ("gb2312", "伊斯坦布尔会谈"),
        ("windows-1256", "انتهت المحادثات في إسطنبول"),
        ("utf-8", "انتهت المحادثات في إسطنبول"),
        ("iso-8859-9", "Görüşmeler İstanbul'da"),
        ("utf-16", "Görüşmeler 伊斯坦布尔"),
    ],
)
def test_a_declared_encoding_is_read(encoding: str, text: str) -> None:
    codec = {"Shift_JIS": "cp932"}.get(encoding, encoding)
    body = (
        f"<?xml version='1.0' encoding='{encoding}'?><rss><channel><item><title>{text}</title></item></channel></rss>"
    )
    assert only(body.encode(codec))["title"] == text


def test_the_charset_of_the_header_is_heeded_where_the_feed_declares_none() -> None:
    body = "<rss><channel><item><title>Переговори</title></item></channel></rss>".encode("windows-1251")
    assert only(body, content_type="text/xml; charset=windows-1251")["title"] == "Переговори"
    assert only("<rss><item><title>é</title></item></rss>".encode("latin-1"))["title"] == "é"


def test_utf_8_is_recognised_under_a_wrong_declaration() -> None:
    body = "<?xml version='1.0' encoding='iso-8859-1'?><rss><item><title>Çeşme – 会談</title></item></rss>".encode()
    assert only(body, content_type="text/xml; charset=us-ascii")["title"] == "Çeşme – 会談"


def test_one_wrong_byte_costs_one_character() -> None:
    assert "مرحبا\ufffd بكم" in str(only(rss("<item><title>مرحبا@ بكم</title></item>").replace(b"@", b"\xff"))["title"])


@pytest.mark.parametrize("encoding", ["punycode", "idna", "utf-7", "unicode_escape", "hex", "no-such-thing", "rot13"])
def test_a_codec_that_is_no_character_encoding_is_not_used(encoding: str) -> None:
    body = f"<?xml version='1.0' encoding='{encoding}'?><rss><item><title>a-b\\u0041+ADw-</title></item></rss>".encode()
    started = time.monotonic()
    assert only(body.replace(b"a-b", b"a-b" + b"x" * 200_000))["title"] == "a-b" + "x" * 200_000 + "\\u0041+ADw-"
    assert time.monotonic() - started < 2


# --- broken and hostile feeds


def test_what_can_be_read_of_a_broken_feed_is_read() -> None:
    body = rss("<item><title>One &nbsp; &#xD800; & two</title></item><item><title>Cut")[:-20]
    assert str(read_feed(body, URL)[0]["title"]).startswith("One")


def test_text_before_the_xml_does_not_matter() -> None:
    body = b"<br />\n<b>Warning</b>: something\n\n" + rss("<item><title>One</title></item>")
    assert only(body)["title"] == "One"


BOMB = (
    "<!DOCTYPE rss [<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12)) + "]>"
)


@pytest.mark.parametrize(
    "head",
    [
        BOMB,
        "<!DOCTYPE rss [<!ENTITY f SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE rss [<!-- <a> --><!ENTITY a0 'ha'>]>",
    ],
)
def test_entities_of_its_own_are_refused(head: str) -> None:
    assert "XML entities" in refusal(rss("<item><title>&a11;&f;</title></item>", head=head))


@pytest.mark.parametrize(
    "body",
    [
        rss("<item><title>&a11;</title></item>", head="<!-- <rss> -->" + BOMB),
        rss("<item><title>&a11;</title></item>").replace(b"<rss", b"<rss a='1'>" + BOMB.encode() + b"<rss"),
        rss(
            "<item><title>&a0;</title></item>", head="<!DOCTYPE rss [<!ATTLIST item a CDATA 'x'><!ENTITY % p 'x'>%p;]>"
        ),
        rss("<item><title>&f;</title></item>", head="<!DOCTYPE rss SYSTEM 'file:///etc/passwd'>"),
    ],
)
def test_entities_that_slip_past_the_check_are_not_expanded(body: bytes) -> None:
    """The check is a courtesy: what protects is that no DOCTYPE reaches a parser."""
    assert len(str(read_feed(body, URL))) < 1_000


def test_a_bomb_hidden_in_utf_16_is_refused() -> None:
    assert "XML entities" in refusal(rss("", head=BOMB).decode().replace("UTF-8", "UTF-16").encode("utf-16"))


@pytest.mark.parametrize(
    "articles",
    [
        "<item>" + "".join(f"<category>{n}</category>" for n in range(20_000)) + "</item>",
        "<item><author>" + "a" * 400_000 + "</author></item>",
        "<item><itunes:keywords>" + ",".join(map(str, range(20_000))) + "</itunes:keywords></item>",
        "<item><description>" + "&lt;p" * 40_000 + "</description></item>",
        "<item><title>" + "<![CDATA[" * 20_000 + "</title></item>",
        "<a>" * 10_000,
        "<item>" * 5_000,
    ],
    ids=["categories", "author", "keywords", "tags", "cdata", "depth", "articles"],
)
def test_no_feed_takes_time_with_the_square_of_its_length(articles: str) -> None:
    body = rss(articles, head="\n" * 200_000)
    started = time.monotonic()
    read_feed(body, URL)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        (b"%PDF-1.7\n...", "a PDF"),
        (b"\x1f\x8b\x08\x00", "a gzip archive"),
        (b"<!DOCTYPE html><html><head><title>News</title></head></html>", "an HTML page, not a feed"),
        (b"<!-- x --><HTML>\n<p>a <rss > b", "an HTML page, not a feed"),
        (b"<opml version='2.0'><body/></opml>", "an OPML list"),
        (b"<?xml version='1.0'?><urlset/>", "begins with <urlset>"),
        (b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/>", "not a feed"),
        (b"Just words.", "neither XML nor JSON"),
        (b'{"id": "1"}', "not a JSON Feed"),
        (b'[{"id": "1"}]', "not a JSON Feed"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": {}}', "not an array"),
        (b'{"version": ', "JSON that can be read"),
        (b"[" * 200_000, "JSON that can be read"),
        (b"{\xff}", "JSON that can be read"),
    ],
)
def test_what_is_no_feed_is_told_by_what_it_looks_like(body: bytes, said: str) -> None:
    assert said in refusal(body)


def test_an_html_page_says_where_its_feed_is() -> None:
    page = b"""<html><head><link rel="stylesheet" href="x.css"><link rel="alternate" hreflang="de" href="/de">
        <link rel="alternate" type="application/rss+xml" href="/rss?a=1"><link rel="alternate"
        type="application/feed+json" href="https://cdn.example/feed.json"></head></html>"""
    assert refusal(page).endswith("may be at https://news.example/rss?a=1 or https://cdn.example/feed.json")


@pytest.mark.parametrize(
    ("body", "is_feed"),
    [
        (rss(""), True),
        (atom(""), True),
        (b"\xef\xbb\xbf\n <rss/>", True),
        ("<rss/>".encode("utf-16"), True),
        (b"<html></html>", True),
        (json_feed(items=[]), True),
        (b'{ "title": "x", "version" : "https:\\/\\/jsonfeed.org\\/version\\/1"}', True),
        (b'{"id": "1", "text": "one"}\n{"id": "2", "text": "two"}\n', False),
        (b'{"id": "1", "version": "2", "text": "\\"version\\": \\"https://jsonfeed.org/version/1\\""}', False),
        (b'{"meta": {"version": "https://jsonfeed.org/version/1"}, "text": "one"}', False),
        (json_feed() + b"\n" + json_feed(), False),
        (b'[{"id": "1"}]', False),
        (b"", False),
        (b"%PDF", False),
    ],
)
def test_a_feed_is_told_from_articles_in_json(body: bytes, is_feed: bool) -> None:
    assert looks_like_feed(body) is is_feed


MARKUP = st.sampled_from(
    ["<item>", "</item>", "<title>", "</title>", "<entry>", "</entry>", "<guid>", "<link/>", "<link>", "<content>",
     "&#x0;", "<content type='xhtml'>", "<pubDate>", "<title_detail>", "<published_parsed>x</published_parsed>",
     "<links>", "<source>", "<summary_detail a='1'/>", "<media:content>", "<![CDATA[", "]]>", "&#999999999;",
     "&amp;", "&#xD800;", "<!DOCTYPE x>", "<category>", "<author>", "<!--", "<image>", "</channel>", "<svg>",
     "<textinput>", "<id x='1'/>", "<updated>9999", "<?a"]
)  # fmt: skip


@given(st.lists(MARKUP | st.text(max_size=5), max_size=25).map("".join), st.booleans())
@example("<source><item><source></item>", False)
def test_any_mixture_of_markup_gives_payloads_or_a_feed_error(articles: str, is_atom: bool) -> None:
    accept(atom(articles) if is_atom else rss(articles))


@given(
    st.binary(max_size=60),
    st.sampled_from([rss("<item><title>One</title></item>"), json_feed(items=[{}]), b""]),
    st.data(),
)
def test_any_bytes_give_payloads_or_a_feed_error(noise: bytes, body: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(body)))
    accept(body[:at] + noise + body[at + data.draw(st.integers(0, 20)) :])


def accept(body: bytes) -> None:
    looks_like_feed(body)
    try:
        payloads = read_feed(body, URL)
    except FeedError:
        return
    assert all(str(payload["id"]).startswith(PREFIX) for payload in payloads)


# --- addresses


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
     "0.1.2.3", "224.0.0.1", "255.255.255.255", "198.18.0.1", "168.63.129.16", "::1", "::", "fe80::1", "fe80::1%1",
     "fc00::1", "fec0::1", "fd00:ec2::254", "ff02::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::127.0.0.1",
     "2002:7f00:1::", "2001:0:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2001:db8::1",
     "100::1", "4000::1"],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert why_refused(ip_address(address), ())


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808"])
def test_a_public_address_is_not_refused(address: str) -> None:
    assert why_refused(ip_address(address), ()) == ""


def test_an_allowed_network_may_be_reached_and_nothing_beside_it() -> None:
    allow = (ip_network("10.1.0.0/16"), ip_network("::1/128"))
    assert [why_refused(ip_address(a), allow) for a in ("10.1.2.3", "::1", "64:ff9b::a01:203")] == ["", "", ""]
    assert why_refused(ip_address("10.2.0.1"), allow) == "a private address"


CHANNEL = b"""<rss version="2.0" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"><channel>
<title>The <![CDATA[<b>News</b>]]></title>%s<item><title>One</title></item></channel></rss>"""


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        (b"", 0),
        (b"<ttl>90</ttl>", 5_400),
        (b"<sy:updatePeriod>\n daily </sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>", 21_600),
        (b"<ttl>10</ttl><sy:updatePeriod>hourly</sy:updatePeriod>", 3_600),
        (b"<ttl>soon</ttl>", 0),
    ],
)
def test_a_feed_tells_its_title_and_how_long_it_asks_to_be_left_alone(words: bytes, seconds: float) -> None:
    feed = parse_feed(CHANNEL % words, "https://news.example/")
    assert (feed.title, feed.asked_seconds, len(feed.articles)) == ("The News", seconds, 1)


def test_a_json_feed_tells_its_title() -> None:
    body = b'{"version": "https://jsonfeed.org/version/1.1", "title": " The\\nNews ", "items": []}'
    assert parse_feed(body, "https://news.example/") == Feed("The News", ())


@pytest.mark.parametrize(
    "body",
    [
        b"<rss version='2.0'><channel>" + b"<item/>" * 4 + b"</channel></rss>",
        b"<feed xmlns='http://www.w3.org/2005/Atom'>" + b"<entry></entry>" * 4 + b"</feed>",
        b'{"version": "https://jsonfeed.org/version/1", "items": [{}, {}, {}, {}]}',
    ],
)
def test_a_feed_of_more_articles_than_are_to_be_read_is_refused(body: bytes) -> None:
    assert len(parse_feed(body, "x", most_articles=4).articles) == 4
    with pytest.raises(FeedError, match="more than 3 articles"):
        parse_feed(body, "x", most_articles=3)
