"""An account of a feed reader: what it is, and what its two interfaces (`greader`, `miniflux`) have in common."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, get_args

from dedup.article import MAX_ID_BYTES, digest_id
from worker.feeds.error import FeedError, StatusError
from worker.feeds.fetch import Call, web_address
from worker.feeds.payload import has_controls
from worker.feeds.secret import how_to_mend

ReaderKind = Literal["miniflux", "freshrss", "greader"]
KINDS: Final[tuple[ReaderKind, ...]] = get_args(ReaderKind)
_NAME: Final = re.compile(r"[a-z][a-z0-9._-]{0,39}")
_TAKEN_NAMES: Final = frozenset({"feed", "http", "https", "reader", "sha256"})
"""What ids of articles that came otherwise begin with."""
_REFUSED: Final = frozenset({401, 403})
_MOST_NAME_LETTERS: Final = 500

Ask = Callable[[str, Call], bytes]
"""Asks one URL and returns the body. Raises `FeedError`."""


class RefusedError(StatusError):
    """A reader that refuses the account's secret; `reason` says what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account of a feed reader. `name`: what it is called here, and what ids of its articles begin with; `url`:
    the root of the interface; `user`: who logs in, "" where a key alone does.
    """

    name: str
    kind: ReaderKind
    url: str
    user: str = ""

    def article_id(self, item_id: str) -> str:
        """`<name>:<the reader's own id>`, hashed where that is not fit for an id."""
        whole = f"{self.name}:{item_id}"
        fits = not has_controls(item_id) and len(whole.encode()) <= MAX_ID_BYTES
        return whole if fits else f"{self.name}:{digest_id(item_id)}"


@dataclass(frozen=True, slots=True)
class Item:
    """One article of a reader: its id there, what is pushed of it, the names its feed goes by (URL, title), the
    categories it is in, and whether the user has read it.
    """

    item_id: str
    payload: dict[str, object]
    feeds: tuple[str, ...]
    categories: tuple[str, ...]
    is_read: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A part of what a reader has: `items` in the order of their arrival, `absent` ids of what it listed and did not
    give, where the next poll goes on from, and whether there is more.
    """

    items: tuple[Item, ...] = ()
    absent: tuple[str, ...] = ()
    cursor: str = ""
    has_more: bool = False


@dataclass(frozen=True, slots=True)
class Since:
    """What is known before a poll: where the last one stopped ("" where there was none), how to tell an article that
    came before, by its id in the reader, and the Unix time before which nothing is taken that is not known.
    """

    cursor: str
    is_known: Callable[[str], bool]
    begin: float


class Reader(Protocol):
    """What the interfaces of readers can do. All raise `FeedError`."""

    @property
    def lists_unread(self) -> bool:
        """Whether `states` takes the same time for however many."""

    def check(self) -> None:
        """Sees that the account can be used."""

    def news(self, since: Since) -> Iterator[Page]:
        """What is new or changed, page by page. The cursor of a page counts once the page has been dealt with."""

    def states(self, item_ids: Sequence[str]) -> Mapping[str, bool]:
        """Whether each of these is unread, without those that are known to be gone."""

    def mark(self, item_ids: Sequence[str], *, read: bool) -> None:
        """Marks these read, or unread."""


def account_of(kind: ReaderKind, url: str, user: str, name: str = "") -> Account:
    """An account as it is named on a command line, with its URL as the interface has it. Raises `FeedError`."""
    address = web_address(url).rstrip("/")
    called = name or kind
    if not _NAME.fullmatch(called) or called in _TAKEN_NAMES:
        raise FeedError(called, "no name for an account: small letters, digits and . _ - after a letter, up to 40")
    if kind == "miniflux":
        address = address.removesuffix("/v1")
    elif not user:
        raise FeedError(url, "who logs in there? Say --user")
    if "?" in address:
        raise FeedError(url, "the address of a reader has no ? in it")
    if kind == "freshrss" and not address.endswith("greader.php"):
        address = f"{address.removesuffix('/api')}/api/greader.php"
    return Account(called, kind, address, user)


def is_name(text: str) -> bool:
    """Whether a text can only be the name of an account, and no URL."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Line:
    """The way to a reader: asks, reads JSON, and tells what a refusal means."""

    account: Account
    ask: Ask = field(repr=False)

    def send(self, path: str, call: Call) -> bytes:
        """The body of an answer. Raises `RefusedError` where the secret is refused."""
        try:
            return self.ask(self.account.url + path, call)
        except StatusError as error:
            if error.status not in _REFUSED:
                raise
            said = f"{error.reason}: {how_to_mend(self.account.name)}"
            raise RefusedError(error.origin, said, error.status, error.retry_after) from error

    def read(self, path: str, call: Call) -> dict[str, Any]:
        """The JSON object of an answer."""
        body = self.send(path, call)
        try:
            told = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise self.odd(path, f"no JSON that can be read ({str(error)[:100]})") from error
        if not isinstance(told, dict):
            raise self.odd(path, "no JSON object")
        return told

    def listed(self, told: dict[str, Any], name: str, path: str) -> list[dict[str, Any]]:
        """The objects in an array of an answer."""
        found = told.get(name)
        if not isinstance(found, list):
            raise self.odd(path, f'JSON without an array "{name}"')
        return [one for one in found if isinstance(one, dict)]

    def odd(self, path: str, reason: str) -> FeedError:
        """What is said of an answer that the interface does not give."""
        return FeedError(self.account.url + path.partition("?")[0], f"the answer is {reason}")


def line_of(value: object) -> str:
    """A name on one line, "" for what is no text."""
    text = value.encode(errors="replace").decode() if isinstance(value, str) else ""
    return " ".join(text.split())[:_MOST_NAME_LETTERS]


def inside(value: object, *names: str) -> object:
    """What is at the end of a way through objects, None where it breaks off."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
