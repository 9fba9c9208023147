"""What can be wrong with an article, as one family of exceptions."""

from __future__ import annotations


class DedupError(Exception):
    """Root of every error this project raises on purpose."""


class ArticleError(DedupError):
    """An article that cannot be accepted.

    `article_id` is the id the pusher gave, or None where none could be read; `field` is the name of
    the offending field (`payload` for the JSON as a whole); `reason` says what is wrong with it and
    what would be right.
    """

    def __init__(self, article_id: str | None, field: str, reason: str) -> None:
        self.article_id = article_id
        self.field = field
        self.reason = reason
        super().__init__(f"article {article_id or '(no id)'}: {field}: {reason}")
