"""Which queued mails a later one makes pointless, so that one mail says what all of them say. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from storage.model.alerts.alerts import MailKind
from storage.model.core.accounts import ListId

_NUDGES = frozenset({MailKind.REMINDER, MailKind.ESCALATION})


@dataclass(frozen=True, slots=True)
class WaitingMail:
    """A queued mail of a story to one recipient."""

    mail_id: int
    message_id: str
    kind: MailKind
    wave: int
    """The newest wave that it tells or reminds of; 0: none."""
    first_wave: int
    """The oldest one that it tells: an earlier one than `wave` when mails were merged into it."""
    alert_ids: tuple[int, ...]
    accounts: frozenset[int]
    """Of which it tells a change."""
    is_uncertain: bool
    """A server may have accepted it: it goes out as it is, under its Message-ID."""
    follows_round_up: bool
    """Since the wave before it that waits too, a round-up told more of the story."""
    is_overtaken: bool
    """Another story has something newer to tell the same recipient about one of its accounts."""


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """What waits to be told to one recipient of one story."""

    story_id: int
    story_key: str
    rule_id: int
    list_id: ListId | None
    recipient: str
    mails: tuple[WaitingMail, ...]
    """Oldest first."""


def pointless(mails: Sequence[WaitingMail]) -> tuple[WaitingMail, ...]:
    """The mails at the end of a line that are to be merged, oldest first; empty when there are none.

    The newest wave makes those before it pointless that tell of no other account, back to the first that does
    tell of another, may have been accepted, or is no wave: what is merged moves to the end of the line, and
    must not overtake anything. Reminders of mails that were not delivered go with it.
    """
    found: list[WaitingMail] = []
    nudges: list[WaitingMail] = []
    newest: WaitingMail | None = None
    after: WaitingMail | None = None
    for mail in reversed(mails):
        if mail.is_uncertain or (after is not None and after.follows_round_up):
            break
        if mail.kind in _NUDGES:
            nudges.append(mail)
            continue
        if mail.kind is not MailKind.WAVE:
            break
        if newest is None:
            if mail.is_overtaken:
                break
            newest = mail
        elif not mail.accounts <= newest.accounts:
            break
        found += [mail, *nudges]
        nudges, after = [], mail
    waves = sum(mail.kind is MailKind.WAVE for mail in found)
    return tuple(sorted(found, key=lambda m: m.mail_id)) if waves > 1 else ()
