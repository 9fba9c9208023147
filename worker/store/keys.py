"""The names of all keys. What users read carries the prefix alone; everything private is below `private:`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final

N_SHARDS: Final = 4096
"""Hashes over which records by article id or content are spread: at 100,000 articles about 25 fields each,
which keeps Redis's compact encoding."""
STATES_PER_HASH: Final = 64
"""Contents, by number, whose states share a hash: those that come together are written in one command. Band keys are
spread over 65,536 hashes by their first two bytes: at 100,000 articles of 14 bands about 21 fields each."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Key names under one prefix."""

    prefix: str

    def article(self, article_id: str) -> str:
        return f"{self.prefix}article:{article_id}"

    def meta(self, article_id: str) -> str:
        return f"{self.prefix}meta:{article_id}"

    def family(self, family_id: str) -> str:
        return f"{self.prefix}family:{family_id}"

    def family_articles(self, family_id: str) -> str:
        return f"{self.prefix}family:{family_id}:articles"

    def story(self, story_id: str) -> str:
        return f"{self.prefix}story:{story_id}"

    def story_articles(self, story_id: str) -> str:
        return f"{self.prefix}story:{story_id}:articles"

    def storyline(self, storyline_id: str) -> str:
        return f"{self.prefix}storyline:{storyline_id}"

    def storyline_stories(self, storyline_id: str) -> str:
        return f"{self.prefix}storyline:{storyline_id}:stories"

    def alias(self, retired_id: str) -> str:
        return f"{self.prefix}alias:{retired_id}"

    def report(self, kind: str, name: str) -> str:
        return f"{self.prefix}report:{kind}:{name}"

    def latest_report(self, kind: str) -> str:
        return f"{self.prefix}report:latest:{kind}"

    @property
    def inbox(self) -> str:
        return f"{self.prefix}inbox"

    @property
    def stories(self) -> str:
        return f"{self.prefix}stories"

    @property
    def changes(self) -> str:
        return f"{self.prefix}changes"

    @property
    def rejected(self) -> str:
        return f"{self.prefix}rejected"

    def private(self, name: str) -> str:
        return f"{self.prefix}private:{name}"

    @property
    def index(self) -> str:
        """What the keys of the near-duplicate index begin with."""
        return f"{self.prefix}private:index:"

    def record(self, article_id: str) -> str:
        """The hash that holds the private record of an article, by article id."""
        return self.private(f"article:{shard(article_id.encode(), N_SHARDS)}")

    @property
    def seen(self) -> str:
        """All articles kept, by arrival."""
        return self.private("seen")

    @property
    def families(self) -> str:
        """All families kept, by the arrival of their latest article."""
        return self.private("families")

    @property
    def news(self) -> str:
        """Families that a run has yet to look at."""
        return self.private("news")

    @property
    def corrections(self) -> str:
        """The corrections by hand that stand."""
        return self.private("corrections")

    @property
    def corrections_version(self) -> str:
        """How often they have changed."""
        return self.private("corrections:version")

    def aliased(self, living_id: str) -> str:
        """The retired ids that resolve to a living one."""
        return self.private(f"aliased:{living_id}")

    @property
    def feeds(self) -> str:
        """The feeds that are polled, by their subscription."""
        return self.private("feeds")

    @property
    def feeds_due(self) -> str:
        """Those that are to be polled again, by when."""
        return self.private("feeds:due")

    @property
    def feeds_urls(self) -> str:
        """Which feed is polled under a URL, or was before it moved."""
        return self.private("feeds:urls")

    def feed(self, feed_id: str) -> str:
        """What is kept of one feed."""
        return self.private(f"feed:{feed_id}")

    def feed_seen(self, feed_id: str) -> str:
        """Digests of the articles of a feed that were pushed."""
        return self.private(f"feed:{feed_id}:seen")

    def feed_lease(self, feed_id: str) -> str:
        """Who polls a feed at the moment."""
        return self.private(f"feed:{feed_id}:lease")

    @property
    def feeds_marking(self) -> str:
        """The accounts of readers in which articles are to be marked, by when."""
        return self.private("feeds:marking")

    def reader_entries(self, name: str) -> str:
        """What is known of the articles of an account, by article id."""
        return self.private(f"reader:{name}:entries")

    def reader_marks(self, name: str) -> str:
        """What was marked in an account, by article id."""
        return self.private(f"reader:{name}:marks")

    def feed_host(self, host_digest: str) -> str:
        """Who asks a host at the moment, and how long it is left alone."""
        return self.private(f"feeds:host:{host_digest}")


@lru_cache(4_096)
def shard(name: bytes, n: int) -> int:
    """Which of n shards a name belongs to, the same everywhere and always."""
    return int.from_bytes(blake2b(name, digest_size=4).digest(), "little") % n
