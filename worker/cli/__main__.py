"""`python -m worker.cli` is `dedup`."""

from __future__ import annotations

import sys

from worker.cli import main

sys.exit(main())
