"""Whatever a reader answers, it is read or refused with a reason; and an item has one id however it is spelt."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker import feeds
from worker.feeds import Call, FeedError, Secrets, Since
from worker.feeds.greader import item_name, long_name
from worker.service.reading import entry_of
from worker.store.commit import Unit
from worker.store.connection import connect
from worker.store.store import open_store

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


def mostly(*usual: Any) -> st.SearchStrategy[Any]:
    """What is usual, and now and then anything."""
    return st.sampled_from(usual) | JSON


def objects(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({}, optional=fields) | JSON


IDS = mostly("1", "-2", 3, "000000000000048c", "tag:google.com,2005:reader/item/000000000000048c", "5157b3d9", "\ud800")
ITEMS = objects(
    id=IDS,
    title=mostly("T", ""),
    published=mostly(1_767_323_045, "1767323045", float("nan"), 1e300),
    content=objects(content=mostly("<p>x</p>")),
    summary=objects(content=mostly("<p>x</p>")),
    origin=objects(streamId=mostly("feed/1"), title=mostly("F", "\ud800")),
    categories=st.lists(mostly("user/-/label/L", "user/1/state/com.google/read"), max_size=3) | JSON,
    canonical=st.lists(objects(href=mostly("https://a.example/")), max_size=2) | JSON,
)
SUBSCRIPTIONS = objects(
    id=mostly("feed/1"), title=mostly("F"), url=mostly("https://a.example/f"),
    categories=st.lists(objects(label=mostly("L"), id=mostly("user/-/label/L")), max_size=2) | JSON,
)  # fmt: skip
GREADER = objects(
    itemRefs=st.lists(objects(id=IDS), max_size=4) | JSON,
    continuation=mostly("", "1", 2, "\ud800"),
    items=st.lists(ITEMS, max_size=4) | JSON,
    subscriptions=st.lists(SUBSCRIPTIONS, max_size=2) | JSON,
)
MINIFLUX = objects(
    entries=st.lists(
        objects(
            id=mostly(1, 2, True, -1, 1 << 80),
            title=mostly("T"),
            url=mostly("https://a.example/"),
            content=mostly("<p>x</p>"),
            status=mostly("read", "unread"),
            changed_at=mostly("2026-01-02T03:04:05Z", "soon"),
            published_at=mostly("2026-01-02T03:04:05Z"),
            feed=objects(title=mostly("F", "\ud800"), category=objects(title=mostly("C"))),
        ),
        max_size=4,
    )
    | JSON,
)


def read(kind: feeds.ReaderKind, told: Callable[[str], bytes]) -> list[feeds.Item]:
    """What a reader that answers so has, as far as it can be read."""
    account = feeds.Account(kind, kind, "https://reader.example", "alice")

    def ask(url: str, _call: Call) -> bytes:
        return b"Auth=alice/0123\n" if url.endswith(("ClientLogin", "token")) else told(url)

    reader = feeds.open_reader(account, Secrets(((kind, "secret"),)), ask)
    items: list[feeds.Item] = []
    with suppress(FeedError):
        for _, page in zip(range(5), reader.news(Since("", lambda _item_id: False, 0.0)), strict=False):
            items += page.items
        reader.states(["1", "2"])
    return items


@pytest.mark.parametrize(("kind", "answers"), [("freshrss", GREADER), ("miniflux", MINIFLUX)])
@given(data=st.data())
def test_any_answer_is_read_or_refused(
    kind: feeds.ReaderKind, answers: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    store = open_store(connect("redis://127.0.0.1:1/0"), "dedup:")
    for item in read(kind, lambda _url: json.dumps(data.draw(answers)).encode()):
        assert item.item_id
        assert str(item.payload["id"]).startswith(f"{kind}:")
        json.dumps(item.payload)
        unit = Unit()
        store.readers.note(unit, kind, {"x": entry_of(item, 0.0)})
        assert unit.laid_out({})
    store.connection.close()


@given(body=st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    assert read("freshrss", lambda _url: body) == read("miniflux", lambda _url: body) == []


@given(number=st.integers(0, (1 << 64) - 1))
def test_a_number_has_one_name_however_it_is_spelt(number: int) -> None:
    signed = number - (1 << 64) if number >> 63 else number
    spelt = [str(number), number, str(signed), signed, f"tag:google.com,2005:reader/item/{number:016x}",
             f"tag:google.com,2005:reader/item/{number:016X}", f" {number} "]  # fmt: skip
    assert {item_name(one) for one in spelt} == {str(number)}
    assert long_name(str(number)) == f"tag:google.com,2005:reader/item/{number:016x}"
    assert item_name(long_name(str(number))) == str(number)


@given(raw=st.text() | JSON)
def test_a_name_fits_into_a_request_or_is_none(raw: Any) -> None:
    name = item_name(raw)
    assert name.isascii()
    assert item_name(long_name(name)) == name if name else name == ""
