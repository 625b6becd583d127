"""Pure: what is wrong with mails: those that nobody writes, sends or takes, and those that were given up."""

from datetime import datetime, timedelta

from dashboard.ui.words import span
from jobs.base.wording import number, quoted
from storage.model.alerts.conditions import (
    Condition,
    ConditionFacts,
    ConditionKey,
    ConditionKind,
    UndeliveredMails,
)

_UNTOLD_TO_DO = (
    "See that blockline run is running with the role notify; if it is, its log says what it cannot write."
)
_UNTRIED_TO_DO = (
    "See that blockline run is running with the role notify, and that setting smtp_host is there."
)
_REFUSED_TO_DO = (
    "blockline doctor tries the mail server and says what it answers, and names channels that are not set."
)
_GIVEN_UP_TO_DO = (
    "Nobody got them, and nobody tries again: the mail page shows what they say and why they were given up. "
    "Put the address or the mail server right."
)


def mail_conditions(
    facts: ConditionFacts, now: datetime, refused_for: timedelta, given_up_within: timedelta
) -> list[Condition]:
    """Those that there are at `now`."""
    found = [_stuck(facts, now, refused_for), _given_up(facts.given_up, now, given_up_within)]
    return [one for one in found if one is not None]


def mail_ending(key: ConditionKey, given_up_within: timedelta) -> str | None:
    """How things stand when one of these troubles is over; None for any other trouble."""
    match key.kind:
        case ConditionKind.OUTBOX_STUCK:
            return "No mail is stuck any more"
        case ConditionKind.DEAD_LETTERS:
            return f"No mail was given up in the last {span(given_up_within)}"
        case _:
            return None


def _stuck(facts: ConditionFacts, now: datetime, refused_for: timedelta) -> Condition | None:
    untold, untried, refused = facts.untold, facts.untried, facts.refused
    said: list[str] = []
    if untold.count:
        waits = "waits" if untold.count == 1 else "wait"
        said.append(f"{number(untold.count, 'change')} {waits} to be told, and no mail is written")
    if untried.count:
        waits, them = ("waits", "it") if untried.count == 1 else ("wait", "them")
        said.append(f"{number(untried.count, 'mail')} {waits}, and nobody tries to send {them}")
    if refused.count:
        was = "was" if refused.count == 1 else "were"
        old = span(refused_for)
        said.append(f"{number(refused.count, 'mail')} of more than {old} ago {was} not taken")
    if not said:
        return None
    return Condition(
        ConditionKey(ConditionKind.OUTBOX_STUCK),
        min((m.since for m in (untold, untried, refused) if m.since is not None), default=now),
        "; ".join(said),
        quoted(untried.error or refused.error),
        " ".join(
            todo
            for mails, todo in (
                (untold, _UNTOLD_TO_DO),
                (untried, _UNTRIED_TO_DO),
                (refused, _REFUSED_TO_DO),
            )
            if mails.count
        ),
    )


def _given_up(mails: UndeliveredMails, now: datetime, within: timedelta) -> Condition | None:
    if not mails.count:
        return None
    was = "was" if mails.count == 1 else "were"
    return Condition(
        ConditionKey(ConditionKind.DEAD_LETTERS),
        mails.since or now,
        f"{number(mails.count, 'mail')} {was} given up in the last {span(within)}",
        quoted(mails.error),
        _GIVEN_UP_TO_DO,
    )
