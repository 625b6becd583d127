"""Posts of X through the collecting path, beside as many accounts in the same run.

Plan, request through tweepy, parse, judge, record, over real sockets, in the processor time of the process
that collects. X sends the author with each post, so there is more to parse.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import uvloop

from collectors.x.collector import XCollector
from tests.benchmarks.collecting import Collected, collect, write_quiet_history
from tests.benchmarks.measuring import Figure, scratch_database

EACH = 9_800
SWEEPS = 100
"""So many that a table's pages are full, and its beginning counts for little."""


def figures() -> Iterator[Figure]:
    accounts, posts = _collected(are_posts=False), _collected(are_posts=True)
    yield Figure("readings_per_s_per_core", posts.per_cpu_s, "readings/cpu-s", "higher", accounts.per_cpu_s)
    bytes_each = posts.bytes_per_reading, accounts.bytes_per_reading
    yield Figure("bytes_per_reading", bytes_each[0], "bytes", "lower", bytes_each[1])


def _collected(*, are_posts: bool) -> Collected:
    folder = Path(tempfile.mkdtemp(prefix="blockline-bench-"))
    try:
        told = write_quiet_history(folder / "history.csv", EACH, are_posts=are_posts)
        with scratch_database() as dsn:
            return uvloop.run(collect(told, dsn, XCollector, SWEEPS, canaries=2))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
