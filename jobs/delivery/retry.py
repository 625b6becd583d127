"""When a mail that failed is tried again, and when it is given up. Pure."""

import hashlib
from datetime import datetime, timedelta

from storage.model.alerts.alerts import Mail

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(hours=24)


def retry_at(mail: Mail, now: datetime, asked_for: timedelta | None) -> datetime | None:
    """When to try again after the failed attempt that `mail.attempts` counts; None when it was the last."""
    delay = retry_delay(mail.message_id, mail.attempts)
    return None if delay is None else now + max(delay, asked_for or timedelta(0))


def retry_delay(message_id: str, attempts: int) -> timedelta | None:
    """The pause after so many attempts: doubled from 1 min to 1 h; None once 24 h of pauses are used up.

    Each is up to a fifth shorter or longer, by chance that the Message-ID fixes: mails that failed
    together do not all come back together, and a resumed run waits as long as an undisturbed one.
    """
    if sum((_pause(n) for n in range(1, attempts)), timedelta(0)) >= GIVE_UP_AFTER:
        return None
    chance = int.from_bytes(hashlib.sha256(f"{message_id} {attempts}".encode()).digest()[:4]) / 2**32
    return _pause(attempts) * (0.8 + 0.4 * chance)


def _pause(attempt: int) -> timedelta:
    return min(FIRST_RETRY * 2 ** min(attempt - 1, 10), LONGEST_RETRY)
