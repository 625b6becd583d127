"""The second factor at a login: codes by time (TOTP, RFC 6238) by pyotp, recovery codes, and the ticket that
carries a login from the password to the code.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import segno
from itsdangerous import BadData, URLSafeSerializer
from pyotp import random_base32
from pyotp.exceptions import OTPVerificationError
from pyotp.totp import TOTP

from dashboard.auth.passwords import token_hash
from storage.people import second_factor as stored
from storage.postgres.pool import Conn

STEPS_AROUND: Final = 1
"""Time steps of 30 s before and after this one whose codes count: clocks of phones differ."""
RECOVERY_CODES: Final = 10
TICKET_LASTS: Final = timedelta(minutes=10)
"""So long after the password the code may come. To install an app takes a while."""
_CODE = re.compile(r"[0-9]{6}", re.ASCII)
_RECOVERY_BYTES = 10
"""80 bits: so many that a hash without salt, which is what is stored, leads nobody back to the code."""


def new_secret() -> str:
    return random_base32()


def setup_address(secret: str, login: str, dashboard_url: str) -> str:
    """The `otpauth:` address that an app reads. It names this installation, as a person may use several."""
    issuer = f"Blockline {urlsplit(dashboard_url).hostname or ''}".strip()
    return TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def qr_code(address: str) -> str:
    """A picture of it, an SVG as a `data:` address: no other host and no script is needed to show it."""
    return segno.make(address, error="m").svg_data_uri(scale=4, border=4, light="#fff", dark="#000")


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step that this code belongs to; None for a wrong one."""
    digits = "".join(code.split())
    if not _CODE.fullmatch(digits):
        return None
    try:
        return TOTP(secret).verify_and_get_timecode(digits, for_time=now, valid_window=STEPS_AROUND)
    except OTPVerificationError:
        return None


def new_recovery_codes() -> list[str]:
    """As people read them: four groups of letters and digits that are not mistaken for each other."""
    codes = [random_base32(32).lower()[: _RECOVERY_BYTES * 8 // 5] for _ in range(RECOVERY_CODES)]
    return ["-".join(code[n : n + 4] for n in range(0, len(code), 4)) for code in codes]


def recovery_hash(code: str) -> bytes:
    """What is stored of a recovery code, however somebody types it."""
    return token_hash(re.sub(r"[\s-]", "", code).lower())


async def accept(conn: Conn, person_id: int, login: str, code: str, now: datetime) -> bool:
    """Whether this code or recovery code is right and was not used. It is used up by this, and a wrong one
    is counted.
    """
    secret = await stored.secret_of(conn, person_id)
    if secret is None:
        return False
    step = matching_step(secret, code, now)
    if step is None:
        is_right = await stored.use_recovery_code(conn, person_id, login, recovery_hash(code), now)
    else:
        is_right = await stored.use_step(conn, person_id, step)
    if not is_right:
        await stored.count_wrong_code(conn, person_id, login, now)
    return is_right


@dataclass(frozen=True, slots=True)
class LoginTicket:
    """A right password, to which a code is still missing, or the first code of a new second factor. Goes with
    the form of the code, signed.
    """

    person_id: int
    login: str
    password: str
    """A fingerprint of the stored hash: a password that is changed meanwhile makes the ticket void."""
    leads_to: str
    until: datetime
    secret: str | None
    """The secret that the page shows, where a second factor is set up. It is stored nowhere before its first
    code, so that nobody else can see or replace it.
    """


def ticket_for(
    person_id: int, login: str, kept: str, leads_to: str, now: datetime, secret: str | None = None
) -> LoginTicket:
    """`kept` is the stored hash of the password."""
    return LoginTicket(person_id, login, token_hash(kept).hex(), leads_to, now + TICKET_LASTS, secret)


def signed_ticket(key: bytes, ticket: LoginTicket) -> str:
    until = int(ticket.until.timestamp())
    content = [ticket.person_id, ticket.login, ticket.password, ticket.leads_to, until, ticket.secret]
    return str(_serializer(key).dumps(content))


def read_ticket(key: bytes, text: str, now: datetime) -> LoginTicket | None:
    """The ticket that was signed with this key; None for anything else, and when it is too late."""
    try:
        person_id, login, password, leads_to, until, secret = _serializer(key).loads(text)
        ends = datetime.fromtimestamp(until, now.tzinfo)
    except (BadData, ValueError, TypeError):
        return None
    return LoginTicket(person_id, login, password, leads_to, ends, secret) if now <= ends else None


def _serializer(key: bytes) -> URLSafeSerializer:
    return URLSafeSerializer(key, salt="second factor")
