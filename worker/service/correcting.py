"""Making corrections and taking them back. Both only note it, as news: the next run settles families and stories by it.

1. A correction is about two articles that are kept, and contradicts none that stands.
2. It is noted together with the news of it, or not at all.
3. What is decided on corrections (by ingest, a run, an expiry) is decided anew where they have changed meanwhile.
"""

from __future__ import annotations

from dedup.correction import Correction, CorrectionError
from worker.store.commit import Unit, commit
from worker.store.connection import Connection
from worker.store.corrections import KeptCorrections
from worker.store.keys import Keys
from worker.store.news import NewsStream


class UnknownCorrectionError(CorrectionError):
    """A correction to be taken back that does not stand."""


def correct(connection: Connection, keys: Keys, correction: Correction) -> bool:
    """Makes a correction; False where it stands already.

    Raises `CorrectionError` for an article that is not kept, and `ContradictionError` where others contradict it.
    """
    kept = KeptCorrections(connection, keys)
    while True:
        book = kept.read()
        if correction in book.corrections.standing:
            return False
        _check_known(connection, keys, correction)
        book.corrections.check(correction)
        unit = _unit(kept, keys, connection, correction, book.version)
        for article_id in (correction.one, correction.other):
            unit.expect("HEXISTS", keys.record(article_id), article_id, reply=b"1")
        seconds, microseconds = connection.time()
        kept.put(unit, correction, seconds + microseconds / 1e6)
        if commit(connection, [unit])[0]:
            return True


def take_back(connection: Connection, keys: Keys, correction: Correction) -> None:
    """Takes a correction back. Raises `UnknownCorrectionError` where it does not stand."""
    kept = KeptCorrections(connection, keys)
    while True:
        book = kept.read()
        if correction not in book.corrections.standing:
            raise UnknownCorrectionError(
                f"no {correction.kind} of {correction.one!r} and {correction.other!r} stands: "
                "never made, taken back, or gone with one of the articles"
            )
        unit = _unit(kept, keys, connection, correction, book.version)
        kept.drop(unit, [correction])
        if commit(connection, [unit])[0]:
            return


def _unit(kept: KeptCorrections, keys: Keys, connection: Connection, correction: Correction, version: int) -> Unit:
    unit = Unit()
    kept.expect(unit, version)
    NewsStream(connection, keys).add_correction(unit, correction.one, correction.other)
    return unit


def _check_known(connection: Connection, keys: Keys, correction: Correction) -> None:
    for article_id in (correction.one, correction.other):
        if not connection.hexists(keys.record(article_id), article_id):
            raise CorrectionError(f"no article {article_id!r} is known: not pushed, not worked on yet, or expired")
