"""The text of an XML document whose encoding is declared, implied, wrongly declared or not declared at all.

Done here and not by feedparser, which decodes by any codec Python has: punycode and idna take time with the square of
their input, and a wrong byte in a feed that declares UTF-8 makes it read all of it as windows-1252.
"""

from __future__ import annotations

import codecs
import re
from email.message import Message
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BARE: Final = (
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
_DECLARED: Final = re.compile(rb"\s{0,100}<\?xml[^>]{0,100}?encoding\s{0,20}=\s{0,20}[\"']\s{0,20}([\w.:-]{1,40})")
_TEXT_CODECS: Final = re.compile(
    r"utf-8|ascii|iso8859|iso2022|koi8|cp\d|euc|gb|big5|shift_jis|mac-|hz|johab|tis-620|kz1048|ptcp"
)
_WIDER: Final = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "gb2312": "gb18030", "gbk": "gb18030",
    "shift_jis": "cp932", "euc_kr": "cp949",
}  # fmt: skip
"""What a declaration means in practice, as in the WHATWG encoding standard: the codec that holds the named one."""


def decode(body: bytes, content_type: str = "") -> str:
    """The text of an XML document; bytes that mean nothing in its encoding become U+FFFD.

    In this order: byte order mark; zero bytes of UTF-16 and UTF-32; valid UTF-8 beyond ASCII, which nothing else looks
    like, whatever is declared; the XML declaration; the charset of the HTTP header; windows-1252 for what is not UTF-8.
    """
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(codec, "replace")
    for start, codec in _BARE:
        if body.startswith(start):
            return body.decode(codec, "replace")
    declared = _declared_codec(body, content_type)
    if declared and body.isascii():
        return body.decode(declared, "replace")
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode(declared or "cp1252", "replace")


def _declared_codec(body: bytes, content_type: str) -> str:
    found = _DECLARED.match(body)
    return _codec(found[1].decode("ascii", "replace")) if found else _codec(_charset(content_type))


def _charset(content_type: str) -> str:
    header = Message()
    header["content-type"] = " ".join(content_type.split())
    return str(header.get_param("charset") or "")


def _codec(name: str) -> str:
    """The codec to decode a declared encoding by, "" where there is none fit for text from a stranger."""
    try:
        known = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    return _WIDER.get(known, known) if _TEXT_CODECS.match(known) else ""
