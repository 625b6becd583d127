"""`make bench [GROUP=name]`: one JSON object a line, each figure beside a reference from the same run."""

import json
import sys
from collections.abc import Callable, Iterator

from tests.benchmarks import (
    dashboard,
    dashboard_push,
    edits,
    large_pages,
    million,
    pipeline,
    planner,
    rehearsal,
    replay,
    sizing,
    start,
    storage,
    ten_million,
    workers,
)
from tests.benchmarks.measuring import Figure


def _of_the_dashboard() -> Iterator[Figure]:
    yield from dashboard.figures()
    yield from dashboard.account_page_figures()
    yield from dashboard.labels_page_figures()
    yield from dashboard_push.figures()


def _of_replay() -> Iterator[Figure]:
    yield from replay.figures()
    yield from replay.replay_film_figures()


GROUPS: dict[str, Callable[[], Iterator[Figure]]] = {
    "pipeline": pipeline.figures,
    "storage": storage.figures,
    "dashboard": _of_the_dashboard,
    "replay": _of_replay,
    "sizing": sizing.figures,
    "planner": planner.figures,
    "rehearsal": rehearsal.figures,
    "million": million.figures,
    "ten_million": ten_million.figures,
    "live_100k": large_pages.live,
    "live_1m": large_pages.million,
    "edits": edits.figures,
    "workers": workers.figures,
    "shards": workers.shards_figures,
    "start": start.figures,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        print(f"No group {unknown[0]!r}; there are {', '.join(GROUPS)}.", file=sys.stderr)
        return 1
    for name in names or GROUPS:
        for figure in GROUPS[name]():
            print(json.dumps(figure.as_json(name)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
