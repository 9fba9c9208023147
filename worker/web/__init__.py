"""The HTTP service: push articles, take the hooks of feed readers, look up, follow, and give story feeds.

1. What it answers is what `dedup ... --json` prints: `worker.answers` says both.
2. It keeps nothing of its own. What it accepts is in the inbox before it says so.
3. Who may do what is decided in one place, `guard`, before anything of a request but its head is read; a hook, whose
   secret is in its body or its address, is judged by the route.
4. Its log has methods, paths and ids, never texts, tokens or queries.
"""

from __future__ import annotations

from worker.web.application import make_app
from worker.web.serving import WebError, serve

__all__ = ["WebError", "make_app", "serve"]
