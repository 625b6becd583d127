"""What each rule would do with the newest group of an incident: page, API and command say the same."""

from jobs.notify.group_explanation import explain_incident
from storage.alerts.incidents import IncidentFilter, incident_lines
from storage.alerts.rules import load_rules, save_rule
from storage.model.alerts.group_explanation import (
    GroupExplanation,
    decided_words,
    match_outcome_words,
    would_notify_words,
)
from storage.model.alerts.rules import AlertRule, Match
from storage.postgres.pool import Pool, transaction
from tests.support.clients.api import api_served
from tests.support.seeds.alerts import Played
from tests.support.servers.dashboard import SETTINGS, page_of


async def _explained(pool: Pool, key: str) -> GroupExplanation:
    async with transaction(pool) as conn:
        found = await explain_incident(conn, key)
    assert found is not None
    return found


async def test_every_rule_says_whom_it_would_notify_or_why_not(pool: Pool, dsn: str, played: Played) -> None:
    async with transaction(pool) as conn:
        line = (await incident_lines(conn, IncidentFilter(), 10))[-1]
        brazil = Match(countries=frozenset({"BR"}))
        elsewhere = AlertRule(name="Elsewhere", recipients=("far@example.org",), match=brazil)
        await save_rule(conn, elsewhere, "ada", played.now)
        known = [stored.rule.name for stored in await load_rules(conn)]
    key = line.work.story_key
    found = await _explained(pool, key)
    assert [one.rule for one in found.rules] == known
    by_name = {one.rule: one for one in found.rules}
    mine, far = by_name[line.rule], by_name["Elsewhere"]
    assert mine.matches == found.alerts > 0
    assert would_notify_words(mine) == ", ".join(mine.recipients)
    assert sum(one.alerts for one in mine.decided) == found.alerts
    assert (far.matches, would_notify_words(far)) == (0, "nobody")
    assert sum(one.alerts for one in far.unmatched) == found.alerts
    assert {one.reason for one in far.unmatched} <= {"countries", "active_since"}
    assert decided_words(far) == ["Decided nothing about them"]
    async with transaction(pool) as conn:
        page = repr(await page_of(conn, f"/incidents/{key}/rules", played.now, SETTINGS, "light"))
        assert f"href='/incidents/{key}/rules'" in repr(
            await page_of(conn, f"/incidents/{key}", played.now, SETTINGS, "light")
        )
    assert "Elsewhere" in page
    assert match_outcome_words(far)[1] in page
    async with api_served(pool, dsn, played.now) as api:
        answer = await api.get(f"/incidents/{key}/rules")
        missing = await api.get(f"/incidents/{'0' * 64}/rules")
    assert [one["matches"] for one in answer.json["rules"]] == [one.matches for one in found.rules]
    assert missing.status == 404
