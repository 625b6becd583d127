"""Links in mails that act for their reader: signed, so that only who got the mail has them.

Opening one changes nothing, since link scanners open everything: the page behind it has a button.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from itsdangerous import BadData, URLSafeSerializer

_TOKEN = re.compile(r"(/mail-link/)[\w.%=~-]+", re.ASCII)


class LinkAction(StrEnum):
    """What a link lets its reader do."""

    ACKNOWLEDGE = "acknowledge"
    UNSUBSCRIBE = "unsubscribe"


LIFETIMES = {LinkAction.ACKNOWLEDGE: timedelta(days=30), LinkAction.UNSUBSCRIBE: timedelta(days=60)}
"""How long a link can be used, counted from `Link.issued_at`.

A link to unsubscribe must work for 30 days after the email was sent (15 U.S.C. 7704(a)(3)), and an email may
wait for its server: hence 60.
"""


@dataclass(frozen=True, slots=True)
class Link:
    """Whom a link was sent to, and about what: an incident by its key, a rule by its name."""

    act: LinkAction
    subject: str
    recipient: str
    issued_at: datetime
    """When the reported group or period closed, or the reminder was due, to the second. It is not taken from
    a clock, so that a repeated email has the same link.
    """
    group: int | None = None
    """The number of the newest group of the incident that the email reports; None for a rule."""

    @property
    def ends_at(self) -> datetime:
        """From then on it can no longer be used."""
        return self.issued_at + LIFETIMES[self.act]

    def has_ended(self, now: datetime) -> bool:
        return now >= self.ends_at


def token(key: bytes, link: Link) -> str:
    """The last part of the address. The same link has the same token, so that a repeated mail is the same."""
    issued = int(link.issued_at.timestamp())
    content = [link.act.value, link.subject, link.group, link.recipient, issued]
    return _serializer(key).dumps(content)  # pyright: ignore[reportReturnType]


def read_token(key: bytes, text: str) -> Link | None:
    """The link that was signed with this key; None for anything else."""
    try:
        act, subject, group, recipient, issued = _serializer(key).loads(text)
        at = datetime.fromtimestamp(issued, UTC)
        return Link(LinkAction(act), str(subject), str(recipient), at, group)
    except (BadData, ValueError, TypeError, OverflowError):
        return None


def without_tokens(text: str) -> str:
    """A mail as others than its recipients may read it: whoever has its links acts in their name."""
    return _TOKEN.sub(r"\1…", text)


def _serializer(key: bytes) -> URLSafeSerializer:
    return URLSafeSerializer(key, salt="blockline mail link")
