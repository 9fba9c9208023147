"""From what was published to the words that are compared.

One definition of a word serves shingles, terms and copies: a run of letters, marks and digits, in any script;
in scripts written without spaces every letter is a word of its own.
"""

from __future__ import annotations

import dataclasses
import html as entities
import re
import unicodedata
from collections import Counter
from typing import Final

import regex
from selectolax.lexbor import LexborHTMLParser

from dedup.article import Article, digest_id

SPACELESS: Final = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
"""Scripts written without spaces between words, as a regex character class."""

WORD: Final = regex.compile(rf"[{SPACELESS}]|[[\p{{L}}\p{{M}}\p{{N}}]--[{SPACELESS}]]+", regex.V1)
_ASCII_WORD: Final = re.compile(r"[A-Za-z0-9]+")
"""What `WORD` finds in plain ASCII, four times as fast."""
_PLAIN: Final = (
    ("\u2019", "'"), ("\u2018", "'"), ("\u201c", '"'), ("\u201d", '"'), ("\u2013", "-"), ("\u2014", "-"),
    ("\u2026", "..."), ("\u00a0", " "),
)  # fmt: skip
"""Typographic characters that keep most English text from being plain ASCII."""
_WIDE: Final = (("\u3000", " "), *((chr(ord(plain) + 0xFEE0), plain) for plain in ",.:;!?()%-~/0123456789"))
"""Punctuation and digits of Chinese text, as NFKC has them: without them it finds nothing to do in most of it, and
`normalise` takes a ninth of the time."""
_INVISIBLE: Final = regex.compile(r"\p{Cf}+")
_SPACES: Final = regex.compile(r"\s+")
_UNREAD_TAGS: Final = (
    "script", "style", "noscript", "template", "iframe", "object", "svg", "head", "nav", "footer", "form", "button",
)  # fmt: skip
_BLOCK_TAGS: Final = (
    "address,article,aside,blockquote,br,dd,div,dl,dt,figcaption,figure,h1,h2,h3,h4,h5,h6,header,hr,li,main,ol,p,pre,"
    "section,table,td,th,tr,ul"
)
_TAG: Final = regex.compile(r"<[^<>]*>")
_NOT_READ: Final = regex.compile(
    r"""<!--(?:-?>|.*?(?:--!?>|\Z))
    | <(script|style|iframe|noembed|noframes|textarea|title|xmp)(?=[\s>])[^>]*+(?<!/)>.*?(?:</\1(?=[\s/>])[^>]*+>|\Z)
    | </?[a-z][^\s/>]*+\K(?:[^>"'=/]++|=\s*+(?:"[^"]*+"|'[^']*+')?+|/(?!>)|["'])*+""",
    regex.ASCII | regex.I | regex.S | regex.X,
)
"""A comment, an element whose content is no markup, or the attributes of a tag."""
_NESTING_TAG: Final = regex.compile(
    r"<(/?)(?!(?:br|hr|img|input|link|meta|p|li|td|tr|th|dd|dt|source|wbr)\b)([a-z][^\s/>]*)", regex.I
)
_FORMATTING_TAGS: Final = frozenset(
    ("a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u")
)
_FEW_TAGS: Final = 1000
_DEEPEST: Final = 1000
"""Nesting past which a page is read tag by tag: HTML5 parsing takes time with the square of the depth
(20,000 nested elements: 0.7 s; 8 MB of them: hours)."""
_MOST_REOPENED: Final = 3
"""Unclosed elements of one formatting tag (<b>, <font>) that HTML5 parsing opens again in the next paragraph."""
_MOST_REPEATED: Final = 1_000_000
"""Elements that such opening may add to a page, past which it is read tag by tag (a megabyte of <p>x after twelve
formatting tags: 9 million elements)."""


def html_to_text(html: str) -> str:
    """The text a reader of the page sees, one paragraph a line; scripts, styles, forms and navigation left out.

    The parser is given tags without attributes: they are not read, and a tag with n of them takes it n * n steps.
    """
    plain = _SPACES.sub(" ", _NOT_READ.sub("", html))
    text = entities.unescape(_TAG.sub("\n", plain)) if _is_costly(plain) else _visible_text(plain)
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def body_text(article: Article) -> str:
    """The article's body as plain text: `text` where it is given, else `html` without its markup."""
    return article.text if article.text.strip() else html_to_text(article.html) if article.html else ""


def normalise(text: str) -> str:
    """Text in the one form in which it is compared: NFKC, case folded, quotes and dashes plain, nothing invisible."""
    if text.isascii():
        return text.lower()
    for fancy, plain in _PLAIN if "\uff0c" not in text else (*_PLAIN, *_WIDE):
        text = text.replace(fancy, plain)
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold()
    return unicodedata.normalize("NFKC", folded).replace("i\u0307", "i").replace("\u0131", "i")


def words(normalised: str) -> list[str]:
    """The words of a normalised text, in order."""
    return _ASCII_WORD.findall(normalised) if normalised.isascii() else WORD.findall(normalised)


def identify(article: Article) -> Article:
    """The article with an id: its own where it has one, else one made of its normalised text."""
    if article.id:
        return article
    content = " ".join(words(normalise(f"{article.title}\n{body_text(article)}")))
    return dataclasses.replace(article, id=digest_id(content or f"{article.title}\n{article.text}\n{article.html}"))


def _is_costly(html: str) -> bool:
    """Whether the elements of a page without attributes nest, or repeat, past what HTML5 parsing bears.

    An end tag closes nothing but an element of its own name, so stray ones hide no depth.
    """
    n_tags = html.count("<")
    if n_tags <= _FEW_TAGS:
        return False
    unclosed: Counter[str] = Counter()
    depth = formatting = 0
    for end, written in _NESTING_TAG.findall(html):
        name = written.lower()
        if end and not unclosed[name]:
            continue
        step = -1 if end else 1
        if name in _FORMATTING_TAGS and unclosed[name] < (_MOST_REOPENED + 1 if end else _MOST_REOPENED):
            formatting += step
        unclosed[name] += step
        depth += step
        if depth > _DEEPEST or formatting * n_tags > _MOST_REPEATED:
            return True
    return False


def _visible_text(html: str) -> str:
    tree = LexborHTMLParser(html)
    tree.strip_tags(list(_UNREAD_TAGS), recursive=True)
    for node in tree.css(_BLOCK_TAGS):
        node.insert_before("\n")
        node.insert_after("\n")
    return "" if tree.body is None else tree.body.text(deep=True)
