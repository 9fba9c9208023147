"""The rules by which story feeds are judged see each thing that breaks them."""

from __future__ import annotations

import json

import pytest

from tests.integration.feed_rules import atom_faults, json_feed_faults

ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><id>http://a.example/</id><title>T</title>'
    '<updated>2026-01-02T03:04:05Z</updated><link rel="self" href="http://a.example/feed"/>'
    "<author><name>A</name></author>"
    "<entry><id>urn:uuid:1</id><title>E</title><updated>2026-01-02T03:04:05Z</updated>"
    '<link rel="alternate" href="http://a.example/1"/><category term="c"/><content type="html">C</content></entry>'
    "</feed>"
)
JSON_FEED = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1", "title": "T", "feed_url": "http://a.example/",
        "authors": [{"name": "A"}], "items": [{
            "id": "1", "url": "http://a.example/1", "content_html": "C", "date_published": "2026-01-02T03:04:05Z",
            "tags": ["c"], "_story": {"id": "s"},
        }],
    }
)  # fmt: skip


def test_what_is_right_is_found_so() -> None:
    assert atom_faults(ATOM.encode()) == []
    assert json_feed_faults(json.loads(JSON_FEED)) == []


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("<id>urn:uuid:1</id>", ""),
        ("<id>urn:uuid:1</id>", "<id>1</id>"),
        ("<id>urn:uuid:1</id>", "<id>urn:uuid:1</id><id>urn:uuid:2</id>"),
        ("<title>E</title>", ""),
        ("<title>T</title>", '<title type="markdown">T</title>'),
        ("<title>T</title>", "<title><b>T</b></title>"),
        ("<title>E</title>", "<name>E</name>"),
        ("<updated>2026-01-02T03:04:05Z</updated><link rel=", "<link rel="),
        ("2026-01-02T03:04:05Z", "2026-01-02 03:04:05"),
        ("2026-01-02T03:04:05Z", "2026-13-02T03:04:05Z"),
        ("<author><name>A</name></author>", ""),
        ("<name>A</name>", ""),
        (' href="http://a.example/1"', ""),
        (' href="http://a.example/1"', ' href="/1"'),
        (' href="http://a.example/1"', ' href="http://a.example/1" type="html"'),
        ('rel="self"', 'rel="related"'),
        ('<link rel="alternate" href="http://a.example/1"/>', '<link href="http://a.example/1"/>' * 2),
        (' term="c"', ""),
        ("</feed>", '<entry xmlns:x="urn:x"><x:y/></entry></feed>'),
        ("<feed ", "<feeds "),
    ],
)
def test_what_breaks_the_rules_of_atom_is_seen(part: str, other: str) -> None:
    broken = ATOM.replace(part, other)
    assert broken != ATOM
    assert atom_faults(broken.replace("</feed>", "</feeds>" if "<feeds" in broken else "</feed>").encode())


def test_an_entry_needs_content_or_an_address_and_an_id_of_its_own() -> None:
    entry = ATOM[ATOM.index("<entry>") : ATOM.index("</feed>")]
    bare = entry.replace('<content type="html">C</content>', "").replace('rel="alternate"', 'rel="related"')
    assert atom_faults(ATOM.replace(entry, bare).encode()) == ["neither content nor an alternate [4.1.2]"]
    assert atom_faults(ATOM.replace(entry, entry * 2).encode()) == ["entries of one id"]


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("version/1.1", "version/1"),
        ('"title": "T", ', ""),
        ('"title": "T"', '"title": 1'),
        ('"items"', '"entries"'),
        ('"id": "1", ', ""),
        ('"id": "1"', '"id": 1'),
        ('"content_html": "C", ', ""),
        ("2026-01-02T03:04:05Z", "yesterday"),
        ("http://a.example/1", "a.example/1"),
        ('["c"]', "[1]"),
        ('{"id": "s"}', '"s"'),
        ('"_story"', '"story"'),
        ('{"name": "A"}', '"A"'),
    ],
)
def test_what_breaks_the_rules_of_json_feed_is_seen(part: str, other: str) -> None:
    broken = JSON_FEED.replace(part, other)
    assert broken != JSON_FEED
    assert json_feed_faults(json.loads(broken))
