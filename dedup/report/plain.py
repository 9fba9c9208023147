"""Strangers' text made fit to be shown: one line, without anything that steers a terminal or reorders a line.

Articles come from anyone, so their headlines, sources, ids and addresses are untrusted. Every rendering passes them
through here first and escapes for its own syntax second.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlsplit

UNTITLED: Final = "(untitled)"
MAX_HEADLINE: Final = 240
MAX_SOURCE: Final = 60
MAX_ID: Final = 512
MAX_URL: Final = 2000

_TERMINAL_SEQUENCE: Final = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor movement
    "|(?:\x1b[\\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\\\|\x9c)"  # OSC, DCS
)
_BREAK: Final = re.compile("[\t-\r\x1c-\x1f\x85\u2028\u2029]")
_UNSEEN: Final = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SPACES: Final = re.compile(r"\s+")
_UNSAFE_IN_URL: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff\\]")


def plain(text: str) -> str:
    """The text as one line that is safe to print on a terminal.

    Terminal sequences (ESC and C1), control characters and bidirectional controls are dropped, line breaks and runs
    of white space become one space, lone surrogates U+FFFD. Markup of HTML or Markdown is left as it is.
    """
    text = _UNSEEN.sub("", _BREAK.sub(" ", _TERMINAL_SEQUENCE.sub("", text)))
    return _SPACES.sub(" ", _SURROGATE.sub("\ufffd", text)).strip()


def clip(text: str, longest: int) -> str:
    """`plain` text of at most `longest` characters, an ellipsis for what was cut."""
    shown = plain(text[: 8 * longest])
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def shown_headline(headline: str) -> str:
    """A headline as it is shown: clipped plain text, `(untitled)` where there is none."""
    return clip(headline, MAX_HEADLINE) or UNTITLED


def web_address(url: str) -> str:
    """The URL in ASCII, fit to be a link, or "" where it is anything but an http or https address without a login."""
    url = url.strip()
    if len(url) > MAX_URL or _UNSAFE_IN_URL.search(url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        return ""
    return quote(url, safe=":/?#[]@!$&*+,;=%-._~")
