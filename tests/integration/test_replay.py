"""A replay is what the service would have done: the same articles on the same days through both, to the same ids."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

import pytest

from dedup.article import format_time, parse_article
from dedup.ledger import follow
from dedup.replay import Spans, replay
from dedup.text import identify
from tests.integration.world import DAY, Fields, about, altered, clusterer, drain, expiry, places, push
from worker.store.store import Store

EARLY = 1_700_000_000 // DAY * DAY


def month(seed: int) -> list[tuple[float, Fields]]:
    """Events that come, go on and go, on 24 days: the time of each article, and the article."""
    random = Random(seed)
    found: list[tuple[float, Fields]] = []
    for day in range(24):
        for k in range(random.randrange(1, 6)):
            at = EARLY + day * DAY + random.randrange(int(DAY))
            event = (day + k) // random.choice([2, 3, 5])
            found.append((at, about(event, f"d{day}-{k}")))
            if random.random() < 0.3:
                _, old = random.choice(found)
                found.append((at, {**old, "id": f"copy{day}-{k}", "text": altered(str(old["text"]), (day, k))}))
    return sorted(found, key=lambda one: one[0])


def at_its_time(at: float, one: Fields) -> Fields:
    return {**one, "published_at": format_time(at)}


@pytest.mark.parametrize("seed", range(4))
def test_a_replay_ends_where_a_service_ends_that_runs_once_a_day(store: Store, seed: int) -> None:
    spans = Spans(window_days=4.0, retention_days=7.0, storyline_days=12.0)
    seconds = [days * DAY for days in (spans.window_days, spans.retention_days, spans.storyline_days)]
    holder = clusterer(store, "one", *seconds)
    waiting = month(seed)
    store.inbox.ensure()
    told: dict[str, tuple[str, str, str]] = {}
    days = sorted({at // DAY for at, _ in waiting})
    for day in range(int(days[0]), int(days[-1]) + 1):
        expiry(store, seconds[1], seconds[2]).run((day + 1) * DAY)
        for at, one in (found for found in waiting if found[0] // DAY == day):
            push(store, [at_its_time(at, one)], at=at)
        drain(store)
        holder.run((day + 1) * DAY)
        kept = [str(one["id"]) for at, one in waiting if at >= (day + 1) * DAY - seconds[1] and at // DAY <= day]
        told |= zip(kept, places(store, kept), strict=True)
    found = replay([identify(parse_article(json.dumps(at_its_time(*one)))) for one in waiting], spans=spans)
    changes = [change for _, change in store.changes.after("0", 10_000)]
    heirs = {change.story: change.other for change in changes if change.kind == "merged"}
    assert {one.article_id: (one.family_id, one.story_id, one.storyline_id) for one in found.placements} == {
        name: (family, follow(story, heirs), line) for name, (family, story, line) in told.items()
    }
    counted: Counter[str] = Counter()
    for change in changes:
        counted[change.kind] += change.n_articles or 1
    assert found.told == {kind: n for kind, n in counted.items() if n}
    assert found.told["grew"] > 0
    assert found.unexplained == ()
