"""From HTML and text to words: what a reader sees, in every script, in a time that follows the size."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from dedup.article import Article, parse_article
from dedup.minhash import signatures
from dedup.text import body_text, html_to_text, identify, normalise, words


def read(text: str) -> list[str]:
    return words(normalise(text))


def short(value: str) -> str:
    """A name for a test's parameter, which may be megabytes long."""
    return ascii(value[:12])


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def test_a_page_is_read_one_paragraph_a_line_without_its_machinery() -> None:
    page = """<html><head><title>Tab title</title><style>p {color: red}</style></head><body>
    <nav><a href="/">Home</a></nav><h1>Bridge opens</h1>
    <p class="a > b">The  bridge
    <b id=x>opened</b>&nbsp;on <a href='/monday'>Monday</a>.</p><script>if (a < b) alert("</p>")</script>
    <ul><li>One lane<li>Two lanes</ul><!-- <p>not this</p> --><img alt="a > b" src=x/>After<br>all
    <form><button>Subscribe</button></form><footer>About us</footer></body></html>"""
    assert html_to_text(page).split("\n") == [
        "Bridge opens",
        "The bridge opened on Monday.",
        "One lane",
        "Two lanes",
        "After",
        "all",
    ]


def test_inline_markup_joins_and_block_markup_separates_words() -> None:
    assert html_to_text("<p>un<b>break</b>able</p><p>one</p>two<div>three</div>four") == (
        "unbreakable\none\ntwo\nthree\nfour"
    )


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("plain words", "plain words"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("a &amp; b &lt;i&gt;", "a & b <i>"),
        ("<p>open <b>for ever", "open for ever"),
        ("before <!-- never closed", "before"),
        ("before <script> never closed", "before"),
        ("before<!--> after", "before after"),
        ('<p title="never closed>text', "text"),
        ("<svg><path d='M0'/></svg>after", "after"),
        ("<frameset><frame></frameset>", ""),
        ("<p><frameset>", ""),
    ],
)
def test_broken_and_bare_html_still_gives_its_words(html: str, text: str) -> None:
    assert html_to_text(html) == text


def test_an_absurdly_nested_page_still_gives_its_words() -> None:
    assert html_to_text("<div>" * 5000 + "<p>deep <b>words</b> &amp; more" + "</div>" * 5000).split() == (
        ["deep", "words", "&", "more"]
    )


def test_long_and_shallow_pages_lose_their_navigation_too() -> None:
    page = "<nav>Home</nav>" + "".join(f"<div><p>Paragraph <b>{i}</b></p></div>" for i in range(3000))
    text = html_to_text(page)
    assert text.count("\n") == 2999
    assert "Home" not in text


N = 500_000
FORMATTING = ("b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u")


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * (N // 5),
        "</i>" * (N // 9) + "<div>" * (N // 9),
        "</i><div>" * (N // 9),
        "<i></b><div></i>" * (N // 16),
        "<table><tr><td>" * (N // 15),
        "<p>" + "".join(f"<{name} id={i}>" for name in FORMATTING for i in range(70)) + "x<p>x" * (N // 2),
        "<div " + " ".join(f"a{i}" for i in range(N // 7)) + ">x",
        "<a" + "".join(f"</b{i}" for i in range(N // 7)) + ">x",
        "<p " + "".join(f"a{i}='>'<" for i in range(N // 10)) + ">x",
        "<" * N,
        "<a" * (N // 2),
        "<a b='" * (N // 6),
        "<!--" * (N // 4),
        "<script>" * (N // 8),
        "&amp" * (N // 4),
        "<p>x</p>" * (N // 8),
    ],
    ids=short,
)
def test_a_hostile_page_of_half_a_megabyte_is_read_in_a_time_that_follows_its_size(html: str) -> None:
    """Parsers take some of these with the square of the size: minutes; the bound is a few seconds on any machine."""
    ordinary = "<div class='a'><p id='b'>Ten words of a page that is like any other page.</p></div>" * (N // 84)
    assert seconds(lambda: html_to_text(html)) < 2 + 5 * seconds(lambda: html_to_text(ordinary))


@pytest.mark.parametrize(
    "text", ["a" * 8_000_000, "\n" * 8_000_000, "中" * 2_000_000, "\u0301" * 2_000_000, "a." * 1_000_000], ids=short
)
def test_a_hostile_text_is_signed_in_a_time_that_follows_its_size(text: str) -> None:
    ordinary = "ten words of a text that is like any other text " * (len(text) // 48)
    taken = seconds(lambda: signatures([text]))
    assert taken < 3 + 5 * seconds(lambda: signatures([ordinary]))


def test_a_word_of_eight_megabytes_is_one_word_like_any_other() -> None:
    signed = signatures(["a" * 8_000_000, "a" * 8_000_000, "a" * 7_999_999, "b"])
    assert (signed[0] == signed[1]).all()
    assert (signed[0] != signed[2]).any()
    assert (signed[0] != signed[3]).any()


def test_text_is_preferred_to_html_and_blank_text_is_none() -> None:
    assert body_text(Article("a", text="words", html="<p>other")) == "words"
    assert body_text(Article("a", text=" \n", html="<p>other")) == "other"
    assert body_text(Article("a", title="title only")) == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("FLOOD", "flood"),
        ("Straße", "STRASSE"),
        ("ﬁre", "fire"),
        ("Ｆｌｏｏｄ １２", "flood 12"),
        ("cafe\u0301", "café"),
        ("soft\u00adhyphen", "softhyphen"),
        ("zero\u200bwidth", "zerowidth"),
        ("\ufeffmark", "mark"),
        ("İSTANBUL", "istanbul"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("don\u2019t \u201cgo\u201d", 'don\'t "go"'),
        ("a\u00a0b\u2014c\u2026", "a b-c..."),
    ],
)
def test_spellings_of_the_same_text_are_one(one: str, other: str) -> None:
    assert read(one) == read(other)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One, two-three; 4.5 don't", ["one", "two", "three", "4", "5", "don", "t"]),
        ("snake_case e-mail", ["snake", "case", "e", "mail"]),
        ("Київ, об'єкт", ["київ", "об", "єкт"]),
        ("مرحبا بالعالم", ["مرحبا", "بالعالم"]),
        ("東京ビル12階", ["東", "京", "ビ", "ル", "12", "階"]),
        ("你好world再见", ["你", "好", "world", "再", "见"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("서울 시장", ["서울", "시장"]),
        ("😀 … — !", []),
        ("", []),
    ],
)
def test_words_are_runs_of_letters_marks_and_digits_and_letters_where_scripts_have_no_spaces(
    text: str, expected: list[str]
) -> None:
    assert read(text) == expected


def test_ascii_words_are_what_they_are_beside_other_letters() -> None:
    text = "".join(map(chr, range(128)))
    assert words(text) == words(text + " ї")[:-1] != []


def test_an_article_with_an_id_keeps_it() -> None:
    article = Article("a", text="words")
    assert identify(article) is article


def test_the_same_text_in_html_and_in_text_form_gives_the_same_id() -> None:
    plain = identify(parse_article({"title": "Bridge opens", "text": "The bridge opened.\n\nOn “Monday”."}))
    marked = identify(
        parse_article(
            {"title": "BRIDGE OPENS", "html": "<p>The <b>bridge</b> opened.</p><p>On &quot;Monday&quot;.</p>"}
        )
    )
    assert plain.id == marked.id
    assert plain.id.startswith("sha256:")
    assert len(plain.id) == len("sha256:") + 32


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "Bridge opens", "text": "The bridge opened on Tuesday."},
        {"title": "Bridge shuts", "text": "The bridge opened on Monday."},
        {"title": "Bridge opens"},
        {"title": "😀"},
        {"title": "😁"},
        {"html": "<img src=a>"},
        {"html": "<img src=b>"},
    ],
)
def test_other_text_gives_another_id_also_where_there_are_no_words(fields: dict[str, object]) -> None:
    others = [{"title": "Bridge opens", "text": "The bridge opened on Monday."}, {"title": "!"}, {"html": "<img>"}]
    assert identify(parse_article(fields)).id not in {identify(parse_article(other)).id for other in others}


def test_turkish_capitals_are_the_same_words() -> None:
    """Capital I stands for the dotless i there, and case folding cannot know it."""
    assert words(normalise("ISPARTA İZMİR")) == words(normalise("ısparta izmir"))
