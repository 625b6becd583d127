"""Checks of alert rules: whether they notify anyone, by which channels, and who never received an alert."""

from collections.abc import Sequence
from datetime import datetime

from collectors.core.findings import Finding, FindingLevel
from jobs.base.wording import number
from jobs.config.database import LOCK_S
from jobs.config.settings import Settings
from jobs.runtime.app import unknown_channels
from storage.alerts.mails_report import past_recipients
from storage.alerts.rules import absent_names, load_rules
from storage.model.alerts.rule_words import absent_words
from storage.model.alerts.rules import AbsentNames, AlertRule, StoredRule, is_channel
from storage.model.text.states import clean
from storage.postgres.pool import open_pool, transaction

_NAMED = 5


async def rule_findings(settings: Settings, dsn: str) -> list[Finding]:
    """Check a database with the right schema. Raises StorageError."""
    async with open_pool(dsn, max_size=1, lock_s=LOCK_S) as pool, transaction(pool) as conn:
        by_hand = made_by_hand(await load_rules(conn))
        notified = await past_recipients(conn)
        absent = await absent_names(conn, (*settings.alert_rules, *by_hand))
    notifying = [rule for rule in (*settings.alert_rules, *by_hand) if rule.recipients]
    return [
        rules_finding(notifying),
        *names_findings(notifying, absent),
        *server_findings(settings, by_hand),
        *channel_findings(settings, notifying),
        *recipients_findings(notifying, notified),
    ]


def made_by_hand(stored: Sequence[StoredRule]) -> list[AlertRule]:
    """Return the enabled rules that do not come from the settings."""
    return [s.rule for s in stored if s.enabled and not s.from_settings]


def rules_finding(notifying: Sequence[AlertRule]) -> Finding:
    part = "alert rules"
    if not notifying:
        return Finding(
            part,
            FindingLevel.ADVICE,
            "No one receives alerts, because no enabled rule names a recipient. Set recipients, or write "
            "rules (docs/how-to/alerts.md).",
        )
    people = {recipient for rule in notifying for recipient in rule.recipients}
    verb = "notifies" if len(notifying) == 1 else "notify"
    return Finding(
        part, FindingLevel.OK, f"{number(len(notifying), 'rule')} {verb} {number(len(people), 'recipient')}."
    )


def names_findings(notifying: Sequence[AlertRule], absent: AbsentNames) -> list[Finding]:
    """Report lists and orders that rules name and that are not stored; a name may be misspelled."""
    return [
        Finding("alert rules", FindingLevel.ADVICE, f"Rule {rule.name!r}: {said}.")
        for rule in notifying
        for said in absent_words(rule.match, absent)
    ]


def server_findings(settings: Settings, by_hand: Sequence[AlertRule]) -> list[Finding]:
    """Report rules made by hand whose emails would wait. `mail_findings` covers those of the settings."""
    if settings.smtp_host is not None:
        return []
    waiting = [
        rule for rule in by_hand if not all(map(is_channel, (*rule.recipients, *rule.escalation_recipients)))
    ]
    return [
        Finding(
            "mail",
            FindingLevel.MEND,
            f"Rule {rule.name!r} sends email, but setting smtp_host is missing, so its emails wait.",
        )
        for rule in waiting
    ]


def channel_findings(settings: Settings, notifying: Sequence[AlertRule]) -> list[Finding]:
    """Report channels that rules name and the settings do not define; alerts to them wait."""
    return [
        Finding("channels", FindingLevel.MEND, f"{said[:1].upper()}{said[1:]}")
        for said in unknown_channels(settings, notifying)
    ]


def recipients_findings(notifying: Sequence[AlertRule], notified: dict[str, datetime]) -> list[Finding]:
    """Report recipients who never received an alert while others did; an address may be wrong."""
    people = dict.fromkeys(r for rule in notifying for r in (*rule.recipients, *rule.escalation_recipients))
    never = [person for person in people if person not in notified]
    if not never or not notified:
        return []
    names = ", ".join(clean(person, 120) for person in never[:_NAMED])
    more = f" and {len(never) - _NAMED} more" if len(never) > _NAMED else ""
    return [
        Finding(
            "recipients",
            FindingLevel.ADVICE,
            f"No alert was ever sent to {names}{more}. Send a test with: blockline alerts test --last --to "
            f"{clean(never[0], 120)} --send",
        )
    ]
