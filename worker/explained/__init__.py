"""Explanations as they are told: the figures that were found, with words for hashes and ids for places.

Each is a value of plain fields, times in RFC 3339. What `dataclasses.asdict` makes of it is the JSON of the command and
of the web service, and `worker.client.Client` gives the value itself.
"""

from __future__ import annotations
