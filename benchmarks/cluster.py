"""Time and memory of clustering an archive, by stage. Each size runs in a process of its own, for its peak is kept."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from itertools import pairwise

from benchmarks.articles import make_articles
from benchmarks.service import ROOT
from dedup.article import parse_article
from dedup.pipeline import Params, Telling, cluster_articles, cluster_window, find_families, prepare


@dataclass(frozen=True, slots=True)
class Clustered:
    """Seconds of processor time. `whole` is `cluster_articles`: these stages, and ids and storylines."""

    n: int
    prepare: float
    families: float
    stories: float
    whole: float
    peak_mb: float
    n_families: int
    n_stories: int


def measure(n: int) -> Clustered:
    """Clusters n articles in another process."""
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.cluster", str(n)],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return Clustered(**json.loads(told))


def cluster_here(n: int) -> Clustered:
    """Clusters n articles in this process: stage by stage, then as one."""
    articles, params, marks = [parse_article(article) for article in make_articles(n)], Params(), [time.process_time()]
    prepared = prepare(articles, params)
    marks.append(time.process_time())
    families = find_families(prepared, params)
    marks.append(time.process_time())
    by_id = {one.article.id: one for one in prepared}
    first = [by_id[family.representative] for family in families]
    cluster_window([Telling(one.terms, one.article.published_at) for one in first], params)
    marks.append(time.process_time())
    placements = cluster_articles(articles, params)
    marks.append(time.process_time())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    seconds = [later - earlier for earlier, later in pairwise(marks)]
    return Clustered(
        n=n,
        prepare=seconds[0],
        families=seconds[1],
        stories=seconds[2],
        whole=seconds[3],
        peak_mb=peak / 1e6,
        n_families=len({one.family_id for one in placements}),
        n_stories=len({one.story_id for one in placements}),
    )


if __name__ == "__main__":
    print(json.dumps(asdict(cluster_here(int(sys.argv[1])))))
