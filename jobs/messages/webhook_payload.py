"""Pure: what a webhook is told of a wave, as JSON. docs/reference/webhook.md says it to those who receive it.

The same wave makes the same bytes on every machine. Only what was seen is in it: a time that nobody saw
is null.
"""

import json
from datetime import UTC, datetime
from typing import Final

from jobs.alerting.policy import AlertGroup
from jobs.messages import wave_content
from storage.model.alerts.alerts import AlertRow, Cohort, ListStatus, MailKind
from storage.model.alerts.rules import Severity
from storage.model.core.availability import State

VERSION: Final = "blockline.alert/1"


def payload(
    wave: AlertGroup,
    status: ListStatus | None,
    *,
    kind: MailKind = MailKind.WAVE,
    message_id: str,
    headline: str,
    synthetic: bool,
    url: str | None,
) -> str:
    """The JSON text about `wave`, with `status` of its cohort as known at `wave.as_of`.

    `headline` is the subject of the mail about it, `url` leads to the dashboard. The text is ASCII: whatever
    a stranger wrote in a handle is escaped.
    """
    flapping = {flap.alert.alert_id for flap in wave.flaps}
    flaps = wave_content.count_of(flap.alert for flap in wave.flaps)
    content: dict[str, object] = {
        "version": VERSION,
        "id": message_id.strip("<>"),
        "kind": kind.value,
        "headline": headline,
        "text": None,
        "rule": wave.rule.name,
        "severity": wave.rule.severity.value,
        "synthetic": synthetic,
        "as_of": _utc(wave.as_of),
        "cohort": _cohort(wave.cohort, status),
        "counts": [
            {"words": words, "accounts": count.accounts, "posts": count.posts}
            for words, alerts in wave_content.topics(wave)
            for count in [wave_content.count_of(alerts)]
        ],
        "flapping_accounts": flaps.accounts,
        "flapping_posts": flaps.posts,
        "changes": [_change(a, flapping=a.alert_id in flapping) for a in wave.alerts],
        "links": {"dashboard": url},
    }
    return _text(content)


def note(
    *,
    kind: MailKind,
    message_id: str,
    headline: str,
    text: str,
    rule: str | None,
    severity: Severity,
    as_of: datetime,
    synthetic: bool,
    url: str | None,
) -> str:
    """The JSON text of what tells no wave: a digest, a reminder, a word to the operators. It is in words."""
    return _text(
        {
            "version": VERSION,
            "id": message_id.strip("<>"),
            "kind": kind.value,
            "headline": headline,
            "text": text,
            "rule": rule,
            "severity": severity.value,
            "synthetic": synthetic,
            "as_of": _utc(as_of),
            "cohort": None,
            "counts": [],
            "flapping_accounts": 0,
            "flapping_posts": 0,
            "changes": [],
            "links": {"dashboard": url},
        }
    )


def _text(content: dict[str, object]) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _cohort(cohort: Cohort | None, status: ListStatus | None) -> dict[str, object] | None:
    if cohort is None:
        return None
    order = cohort.order
    return {
        "list": cohort.name,
        "order": order
        and {
            "reference": order.reference,
            "country": order.country,
            "issued_at": _utc(order.issued_at),
            "named_accounts": order.named_count,
        },
        "standing": status and _standing(status),
    }


def _standing(status: ListStatus) -> dict[str, object]:
    posts = status.posts or ListStatus(0, ())
    of_accounts = {(platform, state): n for platform, state, n in status.states}
    of_posts = {(platform, state): n for platform, state, n in posts.states}
    return {
        "watched_accounts": status.watched,
        "watched_posts": posts.watched,
        "states": [
            {
                "platform": platform.value,
                "state": _state(state),
                "accounts": of_accounts.get((platform, state), 0),
                "posts": of_posts.get((platform, state), 0),
            }
            for platform, state in {**of_accounts, **of_posts}
        ],
    }


def _change(alert: AlertRow, *, flapping: bool) -> dict[str, object]:
    change = alert.change
    return {
        "change": change.change_key,
        "stage": alert.stage.value,
        "platform": change.platform.value,
        "handle": change.handle,
        "is_post": change.is_post,
        "kind": change.kind.value,
        "old": None if change.old is None else _state(change.old),
        "new": _state(change.new),
        "flags": sorted(flag.value for flag in change.flags),
        "strength": change.strength.value,
        "readings": change.readings,
        "last_seen_old": None if change.last_seen_old is None else _utc(change.last_seen_old),
        "first_seen_new": _utc(change.first_seen_new),
        "flapping": flapping,
    }


def _state(state: State) -> dict[str, object]:
    return {"status": state.status.value, "withheld_in": list(state.withheld_in)}


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
