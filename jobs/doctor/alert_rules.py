"""What the doctor finds about alert rules: whether anybody is told, by which channels, and who never was."""

from collections.abc import Sequence
from datetime import datetime

from jobs.base.findings import Finding, FindingLevel
from jobs.base.wording import number
from jobs.config.settings import Settings
from jobs.runtime.app import unknown_channels
from storage.alerts.mails_report import past_recipients
from storage.alerts.rules import absent_names, load_rules
from storage.model.alerts.rule_words import absent_words
from storage.model.alerts.rules import AbsentNames, AlertRule, StoredRule, is_channel
from storage.model.text.states import clean
from storage.postgres.pool import StorageError, open_pool, transaction

_NAMED = 5


async def rule_findings(settings: Settings, dsn: str) -> list[Finding]:
    """Of a database with the right schema. Empty when it cannot be read: that is said elsewhere."""
    try:
        async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
            by_hand = made_by_hand(await load_rules(conn))
            notified = await past_recipients(conn)
            absent = await absent_names(conn, (*settings.alert_rules, *by_hand))
    except StorageError:
        return []
    telling = [rule for rule in (*settings.alert_rules, *by_hand) if rule.recipients]
    return [
        rules_finding(telling),
        *names_findings(telling, absent),
        *server_findings(settings, by_hand),
        *channel_findings(settings, telling),
        *recipients_findings(telling, notified),
    ]


def made_by_hand(stored: Sequence[StoredRule]) -> list[AlertRule]:
    """The enabled rules that the settings do not bring to the database at each start."""
    return [s.rule for s in stored if s.enabled and not s.from_settings]


def rules_finding(telling: Sequence[AlertRule]) -> Finding:
    part = "alert rules"
    if not telling:
        return Finding(
            part,
            FindingLevel.ADVICE,
            "No one receives alerts, because no enabled rule names a recipient. Set recipients, or write "
            "rules (docs/alerts.md).",
        )
    people = {recipient for rule in telling for recipient in rule.recipients}
    tell = "notifies" if len(telling) == 1 else "notify"
    return Finding(
        part, FindingLevel.OK, f"{number(len(telling), 'rule')} {tell} {number(len(people), 'recipient')}."
    )


def names_findings(telling: Sequence[AlertRule], absent: AbsentNames) -> list[Finding]:
    """The lists and orders that rules name and that are not on file: one may be misspelt."""
    return [
        Finding("alert rules", FindingLevel.ADVICE, f"Rule {rule.name!r}: {said}.")
        for rule in telling
        for said in absent_words(rule.match, absent)
    ]


def server_findings(settings: Settings, by_hand: Sequence[AlertRule]) -> list[Finding]:
    """The rules made by hand whose mails would wait for ever. Those of the settings: see `mail_findings`."""
    if settings.smtp_host is not None:
        return []
    waiting = [rule for rule in by_hand if not all(map(is_channel, (*rule.recipients, *rule.escalate_to)))]
    return [
        Finding(
            "mail",
            FindingLevel.MEND,
            f"Rule {rule.name!r} sends email, but setting smtp_host is missing, so its emails wait.",
        )
        for rule in waiting
    ]


def channel_findings(settings: Settings, telling: Sequence[AlertRule]) -> list[Finding]:
    """The channels that rules name and that the settings do not define: alerts to them wait."""
    return [
        Finding("channels", FindingLevel.MEND, f"{said[:1].upper()}{said[1:]}")
        for said in unknown_channels(settings, telling)
    ]


def recipients_findings(telling: Sequence[AlertRule], notified: dict[str, datetime]) -> list[Finding]:
    """Who was never told anything, though others were: an address may be wrong, and nobody would notice."""
    people = dict.fromkeys(r for rule in telling for r in (*rule.recipients, *rule.escalate_to))
    never = [person for person in people if person not in notified]
    if not never or not notified:
        return []
    names = ", ".join(clean(person, 120) for person in never[:_NAMED])
    more = f" and {len(never) - _NAMED} more" if len(never) > _NAMED else ""
    return [
        Finding(
            "recipients",
            FindingLevel.ADVICE,
            f"No alert was ever sent to {names}{more}. Test it with: blockline alerts test --last --to "
            f"{clean(never[0], 120)} --send",
        )
    ]
