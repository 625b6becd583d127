"""The metrics for Prometheus as a table, from what a scrape of an empty installation declares."""

from collections.abc import Sequence

from prometheus_client.core import GaugeMetricFamily, Metric

from dashboard.asgi.process import WebProcess
from dashboard.health.prometheus_metrics import families, read_figures
from storage.postgres.pool import transaction


async def metrics(process: WebProcess) -> Sequence[Metric]:
    """All that Blockline itself declares, without those of the library about the process."""
    async with transaction(process.pool) as conn:
        return list(families(await read_figures(conn, process.clock(), process.settings), process))


def markdown(declared: Sequence[Metric]) -> str:
    """A row for each, with the names of its labels."""
    rows = [f"| `{one.name}` | {', '.join(_labels(one))} | {one.documentation} |" for one in declared]
    return "\n".join(["| metric | labels | meaning |", "| --- | --- | --- |", *rows]) + "\n"


def _labels(metric: Metric) -> Sequence[str]:
    return metric._labelnames if isinstance(metric, GaugeMetricFamily) else ()
