"""The Google Reader API, as FreshRSS, Miniflux and others speak it.

Sources: FreshRSS, docs/en/developers/06_GoogleReader_API.md and p/api/greader.php; Miniflux,
internal/googlereader/README.md; for what both take for granted, github.com/mihaip/google-reader-api (ApiStreamItemsIds,
ApiStreamItemsContents, ApiEditTag, ItemId) and github.com/theoldreader/api. What follows from them:

1. `ClientLogin` is a POST of a form with `Email` and `Passwd`, answered by lines, of which `Auth=` is the one that
   counts. A GET is authorised by the header `GoogleLogin auth=`; a POST of Miniflux by the form's `T` alone, which
   `token` gives; others want both.
2. `stream/items/ids` gives decimal ids, `stream/items/contents` the long form, 16 hex digits of the same number.
   The long form is what all of them understand where an id is sent; older versions of Miniflux took a decimal one for
   hexadecimal. The Old Reader's ids are no numbers; they are taken as they are.
3. `ot` is the time of crawling in FreshRSS and of publication in Miniflux. So it bounds what is asked for and is never
   the cursor: the list is read from its newest end until a page of it is known.
4. Miniflux has no `stream/contents`, and answers 400 where none of the ids asked for is there any more.
5. What is read has the category `user/<id>/state/com.google/read`; `xt` leaves it out of a list.
6. FreshRSS reads one MiB of a form: 50 ids are 4 KB.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from dedup.article import format_time
from worker.feeds.account import Account, Ask, Item, Line, Page, Since, inside, line_of
from worker.feeds.error import StatusError, TooLargeError
from worker.feeds.fetch import Call
from worker.feeds.payload import host, present
from worker.feeds.secret import Secrets, fits_header

_API: Final = "/reader/api/0"
_FORM: Final = ("Content-Type", "application/x-www-form-urlencoded")
_LONG: Final = "tag:google.com,2005:reader/item/"
_READING_LIST: Final = "user/-/state/com.google/reading-list"
_READ: Final = "user/-/state/com.google/read"
_IS_READ: Final = re.compile(r"user/[^/]+/state/com\.google/read")
_LABEL: Final = re.compile(r"user/[^/]+/label/(.+)", re.DOTALL)
_AUTH: Final = re.compile(rb"^Auth=(.*?)\s*$", re.MULTILINE)
_DECIMAL: Final = re.compile(r"-?\d{1,20}")
_HEXADECIMAL: Final = re.compile(r"[0-9a-fA-F]{16}")
_LISTED: Final = 1_000
MOST_LISTED: Final = 10_000
_UNREAD_LISTED: Final = 10_000
_MOST_UNREAD: Final = 100_000
GIVEN: Final = 50
"""Items whose contents are asked for at once."""
_BAD_REQUEST: Final = 400
_UINT64: Final = 1 << 64


def item_name(raw: object) -> str:
    """The one spelling of an item's id: a number in decimal, without a sign, or what stands after the long form's
    beginning; "" for what is none (rule 2).
    """
    text = str(raw).strip() if isinstance(raw, str | int) else ""
    if _DECIMAL.fullmatch(text):
        return str(int(text) % _UINT64)
    tail = text.removeprefix(_LONG)
    if tail != text and _HEXADECIMAL.fullmatch(tail):
        return str(int(tail, 16))
    return tail if fits_header(tail) else ""


def long_name(item_id: str) -> str:
    """The long form of an id in its one spelling."""
    return f"{_LONG}{int(item_id):016x}" if _DECIMAL.fullmatch(item_id) else _LONG + item_id


@dataclass(slots=True)
class GoogleReader:
    """One conversation with an account; logs in when it first has to."""

    account: Account
    secrets: Secrets
    ask: Ask
    lists_unread: ClassVar[bool] = True
    _auth: str = field(default="", repr=False)
    _token: str = field(default="", repr=False)

    @property
    def _line(self) -> Line:
        return Line(self.account, self.ask)

    def check(self) -> None:
        self._subscriptions()

    def news(self, since: Since) -> Iterator[Page]:
        """Articles that are not known, the oldest first. A change of one that is known is not seen: nothing tells."""
        listed = list(dict.fromkeys(self._listed(since)))
        fresh = [item_id for item_id in reversed(listed) if not since.is_known(item_id)]
        places = self._subscriptions() if fresh else {}
        for start in range(0, len(fresh), GIVEN):
            page = self._page(fresh[start : start + GIVEN], places)
            yield replace(page, has_more=start + GIVEN < len(fresh))

    def states(self, item_ids: Sequence[str]) -> dict[str, bool]:
        wanted, unread, n_listed = set(item_ids), set[str](), 0
        for page in self._pages(_UNREAD_LISTED, xt=_READ) if wanted else ():
            unread |= wanted.intersection(page)
            n_listed += len(page)
            if unread == wanted or n_listed >= _MOST_UNREAD:
                break
        return {one: one in unread for one in item_ids}

    def mark(self, item_ids: Sequence[str], *, read: bool) -> None:
        for start in range(0, len(item_ids), GIVEN):
            part = [("i", long_name(one)) for one in item_ids[start : start + GIVEN]]
            path = f"{_API}/edit-tag"
            answer = self._post(path, [*part, ("a" if read else "r", _READ)])
            if answer.strip() != b"OK":
                raise self._line.odd(path, "not the OK of an edit")

    def _listed(self, since: Since) -> Iterator[str]:
        """The ids of the reading list, newest first, up to the first page without an unknown one."""
        n_listed = 0
        for page in self._pages(_LISTED, ot=str(int(since.begin))):
            yield from page
            n_listed += len(page)
            if n_listed >= MOST_LISTED or all(since.is_known(one) for one in page):
                return

    def _pages(self, n: int, **options: str) -> Iterator[list[str]]:
        path, continuation = f"{_API}/stream/items/ids", ""
        while True:
            asked = {"output": "json", "s": _READING_LIST, "n": str(n), "r": "d", **options, **present(c=continuation)}
            told = self._get(f"{path}?{urlencode(asked)}")
            page = [item_name(one.get("id")) for one in self._line.listed(told, "itemRefs", path)]
            yield [one for one in page if one]
            before, continuation = continuation, str(told.get("continuation") or "")
            if not page or continuation == before or not fits_header(continuation):
                return

    def _page(self, item_ids: Sequence[str], places: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]) -> Page:
        """The contents of items, those that are too large together one by one."""
        try:
            items = [self._item(raw, places) for raw in self._contents(item_ids)]
        except TooLargeError:
            if len(item_ids) == 1:
                return Page(absent=tuple(item_ids))
            middle = len(item_ids) // 2
            one, other = self._page(item_ids[:middle], places), self._page(item_ids[middle:], places)
            return Page((*one.items, *other.items), (*one.absent, *other.absent))
        given = {item.item_id: item for item in items}
        found = tuple(given[one] for one in item_ids if one in given)
        return Page(found, tuple(one for one in item_ids if one not in given))

    def _contents(self, item_ids: Sequence[str]) -> list[dict[str, Any]]:
        path = f"{_API}/stream/items/contents"
        form = [("output", "json"), *(("i", long_name(one)) for one in item_ids)]
        try:
            return self._line.listed(self._post_for_json(path, form), "items", path)
        except StatusError as error:
            if error.status == _BAD_REQUEST:
                return []  # rule 4
            raise

    def _item(self, raw: dict[str, Any], places: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]) -> Item:
        item_id = item_name(raw.get("id"))
        origin = inside(raw, "origin", "streamId")
        feeds, categories = places.get(str(origin), ((), ()))
        title = line_of(inside(raw, "origin", "title"))
        own = [str(one) for one in _array(raw, "categories")]
        labels = [line_of(found[1]) for found in map(_LABEL.fullmatch, own) if found]
        return Item(
            item_id,
            self._payload(raw, item_id, title),
            tuple(dict.fromkeys(filter(None, (*feeds, title)))),
            tuple(dict.fromkeys((*categories, *labels))),
            any(_IS_READ.fullmatch(one) for one in own),
        )

    def _payload(self, raw: dict[str, Any], item_id: str, source: str) -> dict[str, object]:
        links = (*_array(raw, "canonical"), *_array(raw, "alternate"))
        url = next((link for one in links if isinstance(link := inside(one, "href"), str) and link), "")
        texts = (inside(raw, "content", "content"), inside(raw, "summary", "content"))
        published = raw.get("published")
        return {
            "id": self.account.article_id(item_id),
            **present(
                url=url,
                title=raw.get("title"),
                html=max((one for one in texts if isinstance(one, str)), key=len, default=""),
                published_at=_time(published),
                source=source or host(url),
            ),
        }

    def _subscriptions(self) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
        """By stream, the names a feed goes by and the categories it is in."""
        path = f"{_API}/subscription/list"
        told = self._line.listed(self._get(f"{path}?output=json"), "subscriptions", path)
        return {str(one.get("id")): (_names(one), _categories(one)) for one in told}

    def _get(self, path: str) -> dict[str, Any]:
        return self._line.read(path, Call(headers=(self._authorised(), ("Accept", "application/json")), is_secret=True))

    def _post(self, path: str, form: Iterable[tuple[str, str]]) -> bytes:
        return self._line.send(path, self._call(form))

    def _post_for_json(self, path: str, form: Iterable[tuple[str, str]]) -> dict[str, Any]:
        return self._line.read(path, self._call(form))

    def _call(self, form: Iterable[tuple[str, str]]) -> Call:
        header = self._authorised()
        if not self._token:
            path = f"{_API}/token"
            self._token = self._secret(path, self._line.send(path, Call(headers=(header,), is_secret=True)))
        body = urlencode([*form, ("T", self._token)]).encode()
        return Call("POST", (_FORM, header), body, is_secret=True)

    def _authorised(self) -> tuple[str, str]:
        if not self._auth:
            form = {"Email": self.account.user, "Passwd": self.secrets.of(self.account.name)}
            path, body = "/accounts/ClientLogin", urlencode(form).encode()
            answer = self._line.send(path, Call("POST", (_FORM,), body, is_secret=True))
            found = _AUTH.search(answer)
            self._auth = self._secret(path, found[1] if found else b"")
        return "Authorization", f"GoogleLogin auth={self._auth}"

    def _secret(self, path: str, given: bytes) -> str:
        secret = given.decode(errors="replace").strip()
        if not fits_header(secret):
            raise self._line.odd(path, "not what a login gives. Is this the address of the API?")
        return secret


def _names(subscription: dict[str, Any]) -> tuple[str, ...]:
    return tuple(filter(None, (line_of(subscription.get(name)) for name in ("url", "title", "id"))))


def _categories(subscription: dict[str, Any]) -> tuple[str, ...]:
    named = (
        line_of(one.get("label")) or line_of(str(one.get("id")).rpartition("/label/")[2])
        for one in _array(subscription, "categories")
        if isinstance(one, dict)
    )
    return tuple(filter(None, named))


def _array(value: dict[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else []


def _time(published: object) -> str:
    """Unix seconds in RFC 3339, "" for what is none."""
    try:
        return format_time(float(published)) if isinstance(published, int | float | str) and published else ""
    except (ValueError, OverflowError, OSError):
        return ""
