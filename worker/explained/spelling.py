"""Words again for the hashes by which texts are compared, as far as texts that are kept have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from dedup.cues import beside

UNKNOWN: Final = "?"
"""Stands for a word that no kept text has."""


@dataclass(frozen=True, slots=True)
class Speller:
    """Hashes to the words of the kept texts."""

    words: Mapping[int, str]

    def term(self, key: int) -> str | None:
        """A word, or two in a row; None if a text that has it is not kept."""
        parts = [self.words.get(part) for part in ((key >> 32, key & 0xFFFFFFFF) if key >> 32 else (key,))]
        return None if None in parts else " ".join(part or "" for part in parts)

    def terms(self, keys: Iterable[int]) -> str:
        return ", ".join(self.term(key) or UNKNOWN for key in keys)

    def beside(self, context: int, numbers: Iterable[int]) -> str:
        """Numbers with the word beside them."""
        told = "/".join(self.words.get(one, UNKNOWN) for one in numbers)
        found = beside(context, self.words)
        if found is None:
            return f"{told} {UNKNOWN}"
        word = self.words[found[0]]
        return f"{told} {word}" if found[1] else f"{word} {told}"
