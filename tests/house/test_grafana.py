"""The Grafana dashboard and the Prometheus rules of docs/how-to/grafana ask only for what is there."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from storage.health.conditions import note_run
from storage.postgres.migrate import grant_reading
from storage.postgres.pool import Pool, open_pool, transaction
from tests.house.source import ROOT
from tests.support.clients.api import api_served
from tests.support.seeds.every_page import Everything
from tests.support.table_digests import as_role

FOLDER = ROOT / "docs" / "how-to" / "grafana"
BOARD: dict[str, Any] = json.loads((FOLDER / "blockline.json").read_text())
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((FOLDER / "prometheus-rules.yml").read_text())["groups"]
    for rule in group["rules"]
]
SECTIONS = ("Status", "Timeline", "Compliance", "Health")
TITLES = [str(panel["title"]) for panel in BOARD["panels"] if panel["type"] != "row"]


def targets(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The queries of one kind of data source, with the title of their panel."""
    for panel in BOARD["panels"]:
        for target in panel.get("targets", ()):
            if kind in target["datasource"]["type"]:
                yield panel["title"], target


QUERIES = {
    **{title: str(target["rawSql"]) for title, target in targets("postgresql")},
    **{
        f"variable {one['name']}": str(one["query"])
        for one in BOARD["templating"]["list"]
        if one["type"] == "query"
    },
}
EXPRESSIONS = {
    **{f"{title} {target['refId']}": str(target["expr"]) for title, target in targets("prometheus")},
    **{str(rule["alert"]): str(rule["expr"]) for rule in RULES},
}
LONE_ROLE = "grafana_of_tests"


def as_sent(query: str, since: datetime, until: datetime) -> str:
    """The query as Grafana sends it: with its variables and macros replaced."""
    for name, value in {
        "${platform:sqlstring}": "'x','bluesky'",
        "${order:sqlstring}": "'SYN/1'",
        "$__timeFrom()": f"'{since.isoformat()}'",
        "$__timeTo()": f"'{until.isoformat()}'",
    }.items():
        query = query.replace(name, value)
    assert "$" not in query
    return query


def test_the_dashboard_has_a_row_for_each_subject_and_a_source_for_each_query() -> None:
    assert [panel["title"] for panel in BOARD["panels"] if panel["type"] == "row"] == list(SECTIONS)
    assert len(TITLES) == len(set(TITLES)) >= 15
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    sources = {
        one["name"]: one["query"] for one in BOARD["templating"]["list"] if one["type"] == "datasource"
    }
    for kind in sources.values():
        for title, target in targets(kind):
            assert sources[target["datasource"]["uid"].strip("${}")] == kind, title


def test_panels_do_not_overlap() -> None:
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in BOARD["panels"])
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23


@pytest.mark.parametrize("name", QUERIES)
async def test_a_query_runs_for_a_role_that_may_read_the_views_only(
    everything: Everything, pool: Pool, dsn: str, name: str
) -> None:
    story = everything.played.story
    async with transaction(pool) as conn:
        await conn.execute(f"create role {LONE_ROLE}")
    try:
        await grant_reading(dsn, LONE_ROLE)
        async with open_pool(as_role(dsn, LONE_ROLE), max_size=1) as client, transaction(client) as conn:
            rows = await conn.fetch(as_sent(QUERIES[name], story.start, story.now))
    finally:
        async with transaction(pool) as conn:
            await conn.execute(f"drop owned by {LONE_ROLE}; drop role {LONE_ROLE}")
    assert rows


async def test_a_table_of_blocks_or_changes_has_both_readings(everything: Everything, pool: Pool) -> None:
    pairs = {
        "Blocked accounts": ("not blocked at", "blocked at"),
        "Changes": ("old state seen", "new state seen"),
        "Accounts of the order": ("not blocked at", "blocked at"),
    }
    story = everything.played.story
    for title, (before, after) in pairs.items():
        async with transaction(pool) as conn:
            rows = await conn.fetch(as_sent(QUERIES[title], story.start, story.now))
        known = [row for row in rows if row[before] is not None]
        assert known, title
        assert all(row[before] < row[after] for row in known)


async def test_every_metric_and_label_in_panels_and_rules_is_given_by_the_dashboard(
    everything: Everything, pool: Pool, dsn: str, now: datetime
) -> None:
    async with transaction(pool) as conn:
        await note_run(conn, now)
    async with api_served(pool, dsn, now) as api:
        scraped = list(text_string_to_metric_families((await api.send("GET", "/metrics")).text))
    labels = {family.name: {name for s in family.samples for name in s.labels} for family in scraped}
    values = {(n, v) for family in scraped for s in family.samples for n, v in s.labels.items()}
    assert len(EXPRESSIONS) >= 20
    for where, expression in EXPRESSIONS.items():
        named = re.findall(r"\b(blockline_\w+)(?:\{([^}]*)\})?", expression)
        assert named, where
        used: set[str] = set()
        for metric, matchers in named:
            assert metric in labels, where
            for label, choice in re.findall(r'(\w+)=~?"([^"]*)"', matchers):
                assert {(label, one) for one in choice.split("|")} <= values, where
            used |= labels[metric]
        grouped = {
            name.strip() for names in re.findall(r"\bby \(([^)]*)\)", expression) for name in names.split(",")
        }
        assert grouped <= used, where


def test_every_label_in_a_legend_or_summary_is_one_of_its_expression() -> None:
    texts = {
        **{
            f"{title} {target['refId']}": str(target["legendFormat"])
            for title, target in targets("prometheus")
        },
        **{str(rule["alert"]): " ".join(rule["annotations"].values()) for rule in RULES},
    }
    for where, text in texts.items():
        shown = set(re.findall(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}", text))
        expression = EXPRESSIONS[where]
        grouped = re.findall(r"\bby \(([^)]*)\)", expression)
        if grouped:
            assert shown <= {name.strip() for name in grouped[0].split(",")}, where


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: cast("str", rule["alert"]))
def test_a_rule_says_how_bad_it_is_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "info", "{{ $labels.severity }}"}
    assert set(rule["annotations"]) == {"summary", "description"}
    assert all(text.endswith(".") for text in rule["annotations"].values())
