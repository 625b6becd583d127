"""Checks of the database: control accounts, readings dated in the future, and the cost of reading."""

from collections.abc import Sequence
from datetime import datetime

from collectors.core.findings import Finding, FindingLevel
from jobs.base.clock import Clock
from jobs.base.wording import handle_name
from jobs.collect.collector_factory import connection_of, platforms_of, reach_of
from jobs.config.database import LOCK_S
from jobs.config.settings import Settings
from jobs.doctor.future_readings import CLOCKS_MAY_DIFFER
from jobs.doctor.hash_chain import chain_findings
from jobs.doctor.platforms import controls_part
from jobs.planning.daily_bill import current_billing_day
from jobs.planning.daily_cost_guard import accounts_a_day
from storage.accounts.canaries import Canary, canaries
from storage.executives.signals import executives
from storage.health.checks import checks, unexplained
from storage.health.condition_facts import Thresholds, condition_facts
from storage.model.alerts.conditions import Condition, ConditionKind
from storage.model.core.accounts import Platform
from storage.model.core.availability import Status
from storage.model.text.states import PLATFORM_NAME
from storage.model.text.units import span
from storage.postgres.pool import Conn, open_pool, transaction
from storage.readings.coverage import newest_answer, newest_observation
from storage.work import daily_cost_limit


async def watch_findings(settings: Settings, dsn: str, clock: Clock) -> list[Finding]:
    """Check a database with the right schema. Raises StorageError."""
    out: list[Finding] = []
    async with open_pool(dsn, max_size=1, lock_s=LOCK_S) as pool, transaction(pool) as conn:
        asked = [await newest_observation(conn, platform) for platform in Platform]
        answered = [await newest_answer(conn, platform) for platform in Platform]
        out.append(future_finding(_newest(asked), _newest(answered), clock()))
        out += [await _chosen(conn, p) for p in platforms_of(settings) if not settings.canaries(p)]
        people = {platform: await executives(conn, platform) for platform in platforms_of(settings)}
        day = current_billing_day(clock())
        limits_today = {
            platform: await daily_cost_limit.stored_cost_limit(conn, platform, day)
            for platform in platforms_of(settings)
        }
        out += await chain_findings(conn, settings)
        rules = Thresholds(settings.sweep_every)
        issues = unexplained(checks(await condition_facts(conn, clock(), rules), rules))
        out += map(issue_finding, issues)
    for platform, limit_today in limits_today.items():
        if limit_today is not None:
            wanted = accounts_a_day(settings.daily_cost(platform), platform)
            out += cost_limit_findings(platform, limit_today, wanted)
    for platform, followed in people.items():
        ids = [executive.account.native_id for executive in followed]
        out += await connection_of(platform).executive_findings(settings, reach_of(settings), ids, clock())
    return out


def cost_limit_findings(platform: Platform, limit_today: int, wanted: int | None) -> list[Finding]:
    """Report a daily cost limit in the settings that is higher than today's. Empty if it is not."""
    if wanted is not None and wanted <= limit_today:
        return []
    said = "removes the limit" if wanted is None else f"allows {wanted:,}"
    name = PLATFORM_NAME[platform]
    words = (
        f"The daily cost limit of {name} stays at {limit_today:,} accounts today. The changed setting "
        f"{platform.value}_daily_cost {said}; it takes effect at 00:01 UTC."
    )
    return [Finding(f"{name} daily limit", FindingLevel.ADVICE, words)]


def _newest(times: Sequence[datetime | None]) -> datetime | None:
    return max([at for at in times if at is not None], default=None)


def future_finding(asked: datetime | None, answered: datetime | None, now: datetime) -> Finding:
    """Report a request dated in the future, because it would count as the newest until that time.

    `asked` is the time of the newest request, `answered` of the newest one that gave a reading.
    """
    part = "readings"
    if asked is None:
        return Finding(part, FindingLevel.NO_DATA, "No reading is stored yet.")
    if asked > now + CLOCKS_MAY_DIFFER:
        said = f"The newest request is of {asked:%Y-%m-%d %H:%M:%S} UTC"
        return Finding(
            part,
            FindingLevel.MEND,
            f"{said}, which is in the future, so a clock is or was wrong. Set the clocks by NTP. If this "
            f"clock is right ({now:%Y-%m-%d %H:%M} UTC), set the readings aside with: blockline doctor "
            "--set-aside",
        )
    if answered is None:
        said = f"No request gave a reading yet. The newest is of {asked:%Y-%m-%d %H:%M:%S} UTC."
        return Finding(part, FindingLevel.NO_DATA, said)
    said = f"The newest reading is of {answered:%Y-%m-%d %H:%M:%S} UTC, {span(now - answered)} ago."
    return Finding(part, FindingLevel.OK, said)


def issue_finding(found: Condition) -> Finding:
    """Report a current issue. Most issues pass; an unreadable alert rule must be corrected."""
    is_lasting = found.key.kind is ConditionKind.RULES_UNREADABLE
    said = f" ({found.detail})" if found.detail else ""
    return Finding(
        "alert rules" if is_lasting else "monitor",
        FindingLevel.MEND if is_lasting else FindingLevel.ADVICE,
        f"{found.sentence}{said}. {found.to_do}",
    )


async def _chosen(conn: Conn, platform: Platform) -> Finding:
    return chosen_finding(platform, await canaries(conn, platform))


def chosen_finding(platform: Platform, chosen: Sequence[Canary]) -> Finding:
    """Report the control accounts that Blockline chose, where the settings name none."""
    part = controls_part(platform)
    if not chosen:
        said = "None yet. Blockline chooses stable accounts at the first reading."
        return Finding(part, FindingLevel.NO_DATA, said)
    suspended = sum(one.expected is Status.SUSPENDED for one in chosen)
    stable = len(chosen) - suspended
    said = f"Chosen by Blockline: {stable} stable, {suspended} suspended."
    doubted = [one for one in chosen if one.doubted_since is not None]
    if doubted:
        names = ", ".join(
            f"{handle_name(one.account.handle)} since {one.doubted_since:%Y-%m-%d %H:%M} UTC"
            for one in doubted
        )
        return Finding(
            part,
            FindingLevel.ADVICE,
            f"{said} Accounts with an unexpected status: {names}. Blockline replaces an account that keeps "
            "such a status.",
        )
    return Finding(part, FindingLevel.OK, said)
