"""Edits as editors and crawlers make them: the known ways in which one text comes to be another.

Each takes a text and gives another, whatever the script; what is foreign in it comes from a filler, so that it can be
told from every other text's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Final

from dedup.text import WORD

REPRINT_TIMES: Final = 2
"""Other text around a reprint, in lengths of the reprinted text."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A kind of edit, and how much of the text it concerns (0 to 1).

    `replaced`: words replaced by others. `header`, `footer`: so much other text before, after it. `dropped`: so much
    left out in a row. `truncated`: so much is left, from its beginning. `reprint`: the text, with so many words
    replaced, somewhere inside twice its length of other text.
    """

    kind: str
    share: float

    def __str__(self) -> str:
        return f"{self.kind} {self.share:.0%}"


def edited(text: str, edit: Edit, filler: Iterator[str], chance: Random) -> str:
    """The text after an edit. `filler` gives other text, a word and what follows it at a time."""
    return _EDITS[edit.kind](text, edit.share, filler, chance)


def pieces(texts: Iterable[str]) -> Iterator[str]:
    """The words of texts, each with what follows it: joined they are the texts."""
    for text in texts:
        starts = [start for start, _ in _spans(text)]
        yield from (text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True))


def _replaced(text: str, share: float, filler: Iterator[str], chance: Random) -> str:
    spans = _spans(text)
    parts, done = [], 0
    for place in sorted(chance.sample(range(len(spans)), round(share * len(spans)))):
        start, end = spans[place]
        parts += [text[done:start], WORD.findall(next(filler))[0]]
        done = end
    return "".join((*parts, text[done:]))


def _header(text: str, share: float, filler: Iterator[str], _: Random) -> str:
    return f"{_taken(filler, share * len(_spans(text)))}\n\n{text}"


def _footer(text: str, share: float, filler: Iterator[str], _: Random) -> str:
    return f"{text}\n\n{_taken(filler, share * len(_spans(text)))}"


def _dropped(text: str, share: float, _: Iterator[str], chance: Random) -> str:
    spans = _spans(text)
    n_dropped = round(share * len(spans))
    first = chance.randrange(len(spans) - n_dropped)
    return text[: spans[first][0]] + text[spans[first + n_dropped][0] :]


def _truncated(text: str, share: float, _: Iterator[str], __: Random) -> str:
    spans = _spans(text)
    return text[: spans[round(share * len(spans)) - 1][1]]


def _reprint(text: str, share: float, filler: Iterator[str], chance: Random) -> str:
    n_around = REPRINT_TIMES * len(_spans(text))
    n_before = chance.randrange(n_around + 1)
    inside = _replaced(text, share, filler, chance)
    return f"{_taken(filler, n_before)}\n\n{inside}\n\n{_taken(filler, n_around - n_before)}"


_EDITS: Final[dict[str, Callable[[str, float, Iterator[str], Random], str]]] = {
    "replaced": _replaced,
    "header": _header,
    "footer": _footer,
    "dropped": _dropped,
    "truncated": _truncated,
    "reprint": _reprint,
}


def _taken(filler: Iterator[str], n_words: float) -> str:
    return "".join(islice(filler, round(n_words))).strip()


def _spans(text: str) -> Sequence[tuple[int, int]]:
    """Where the words of a text begin and end."""
    return [match.span() for match in WORD.finditer(text)]
