"""What programs hold on to keeps its name: columns of exports, the API, metrics and settings.

`contracts.txt` lists what worked once, a line per thing with its names. New names are added; none is removed
before 2.0.
"""

import re
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from dashboard.api.app import api_v1
from dashboard.api.request_checks import ApiContext
from dashboard.asgi.settings import DashboardSettings
from jobs.config.settings import NAMES
from jobs.runtime.replay_process import ReplayProcess
from storage.export.exports import EXPORTS
from storage.model.alerts.rule_codec import EARLIER
from storage.model.alerts.rules import AlertRule, Match
from storage.model.evidence.export_kinds import ExportFilter
from storage.postgres.pool import Pool
from storage.postgres.replica import snapshot
from tests.house.source import ROOT
from tests.support.samples.readings import minutes

LISTED = Path(__file__).parent / "contracts.txt"


def api_names(document: dict[str, Any]) -> set[str]:
    """Operations, parameters, and fields of the schemas."""
    names: set[str] = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            names.add(f"api {method} {path}")
            names |= {f"api {method} {path} ?{p['name']}" for p in operation.get("parameters", ())}
    for schema, content in document["components"]["schemas"].items():
        names |= {f"api {schema} {name}" for name in content.get("properties", {})}
    return names


def setting_names() -> set[str]:
    """Keys of blockline.toml, and of an alert rule in it."""
    rule = {f.name for f in (*fields(AlertRule), *fields(Match))} | set(EARLIER)
    return {f"setting {name}" for name in NAMES} | {f"rule {name}" for name in rule}


def metric_names() -> set[str]:
    source = (ROOT / "dashboard/health/prometheus_metrics.py").read_text()
    return {f"metric {name}" for name in re.findall(r'"(blockline_\w+)"', source)}


async def export_names(pool: Pool) -> set[str]:
    names: set[str] = set()
    for kind, export in EXPORTS.items():
        async with snapshot(pool) as conn:
            wanted = ExportFilter(minutes(0))
            names |= {f"export {kind.value} {name}" for name in (await export.rows(conn, wanted)).columns}
    return names


def listed() -> set[str]:
    names: set[str] = set()
    for line in LISTED.read_text().splitlines():
        thing, _, listed = line.partition(":")
        names |= {f"{thing} {name}" for name in listed.split()} | ({thing} if " /" in thing else set())
    return names


async def test_what_programs_hold_on_to_is_still_there(pool: Pool) -> None:
    settings = DashboardSettings("", "", synthetic=False, sweep_every=timedelta(minutes=15))
    decider = ReplayProcess("")
    api = api_v1(ApiContext(pool, lambda: minutes(0), settings, decider, decider))
    names = api_names(api.openapi()) | setting_names() | metric_names() | await export_names(pool)
    assert sorted(listed() - names) == [], "these worked once"
    assert sorted(names - listed()) == [], f"add these to {LISTED.name}"
