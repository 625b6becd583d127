"""Links in mails that act for their reader: signed, so that only who got the mail has them.

Opening one changes nothing, since link scanners open everything: the page behind it has a button.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from itsdangerous import BadData, URLSafeSerializer

_TOKEN = re.compile(r"(/mail-link/)[\w.%=~-]+", re.ASCII)


class LinkAction(StrEnum):
    """What a link lets its reader do."""

    ACKNOWLEDGE = "acknowledge"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True)
class Link:
    """Whom a link was sent to, and about what: a story by its key, a rule by its name."""

    act: LinkAction
    subject: str
    recipient: str


def token(key: bytes, link: Link) -> str:
    """The last part of the address. The same link has the same token, so that a repeated mail is the same."""
    return _serializer(key).dumps([link.act.value, link.subject, link.recipient])  # pyright: ignore[reportReturnType]


def read_token(key: bytes, text: str) -> Link | None:
    """The link that was signed with this key; None for anything else."""
    try:
        act, subject, recipient = _serializer(key).loads(text)
        return Link(LinkAction(act), str(subject), str(recipient))
    except (BadData, ValueError, TypeError):
        return None


def without_tokens(text: str) -> str:
    """A mail as others than its recipients may read it: whoever has its links acts in their name."""
    return _TOKEN.sub(r"\1…", text)


def _serializer(key: bytes) -> URLSafeSerializer:
    return URLSafeSerializer(key, salt="blockline mail link")
