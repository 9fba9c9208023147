"""`dedup forget`: every trace of one article, taken away at once."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import time

from worker.cli.connected import reached
from worker.cli.output import note, show_fields, show_json
from worker.service.forgetting import Forgetting
from worker.service.runtime import make_runtime


def forget(args: argparse.Namespace) -> int:
    """Forgets one article and tells what went."""
    with reached(args) as service:
        parts = make_runtime(service.settings, service.url)
        with contextlib.closing(parts.store.connection):
            settings = service.settings
            forgetting = Forgetting(parts.store, parts.params, settings.retention_seconds, settings.claim_seconds)
            removed = forgetting.run(args.article_id, time.time())
    told = {"id": args.article_id} | dataclasses.asdict(removed)
    if args.json:
        show_json(told)
    else:
        show_fields(told)
    if not removed.rewritten:
        note("the server keeps no append-only file; a snapshot that it wrote before has the article until the next one")
    return 0
