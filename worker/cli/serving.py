"""`dedup web`: the HTTP service in the foreground."""

from __future__ import annotations

import argparse
import dataclasses

from worker.cli.connected import reached
from worker.cli.output import note
from worker.parent import end_with
from worker.web import serve


def web(args: argparse.Namespace) -> int:
    """Serves HTTP until ctrl-C."""
    with reached(args) as service:
        settings = service.settings
        end_with(settings.parent_fd)
        host = args.host if args.host is not None else settings.web_host
        port = args.port if args.port is not None else settings.web_port
        serve(dataclasses.replace(settings, web_host=host, web_port=port), service.url, note)
    return 0
