"""Passwords, and the secrets of sessions and tokens, as they are kept: only their hashes.

Passwords by argon2id. Secrets are made here, and found again by their hash.
"""

import asyncio
import hashlib
import secrets
import threading
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dashboard.asgi.settings import HashCost

SHORTEST = 12
LONGEST = 200
"""Characters: more is no password but work for us."""
DUMMY_HASH: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$gY2/wFAITaSvrvBMvWdUTg$Jm/1CO1T4LeuQp41yqxfccTnJKJ323ebbze6bI2g5CY"
)
"""Verified against where there is nobody, so that it takes as long. No password has this hash."""

USUAL_COST: Final = HashCost()
_at_once = 2
"""Each takes 64 MiB and a core for some 50 ms."""

SHORTEST_NAME = 4
"""Characters: a login name of fewer is part of many words."""
_LOWEST_SCORE = 3
"""Of zxcvbn, from 0 to 4: a hundred million guesses or more."""
_LONGEST_ESTIMATE = 72
"""Characters: zxcvbn takes no more, as its work grows much faster than they do."""
_one_estimate = threading.Lock()
"""zxcvbn changes what it shares between its calls."""

BEARER_PREFIX = "blockline_"
"""How every token begins, so that scanners of sources find one that was left there."""


class WrongPassword(Exception):
    """It cannot be used as a password. The message is one sentence."""


class Passwords:
    """Hashes and checks in threads, a few at once, so that nobody else waits."""

    def __init__(self, cost: HashCost = USUAL_COST) -> None:
        self._turn = asyncio.Semaphore(_at_once)
        self._hasher = _hasher(cost)

    async def hashed(self, password: str, login: str) -> str:
        """Raises WrongPassword."""
        async with self._turn:
            return await asyncio.to_thread(hash_of, password, login, self._hasher)

    async def rehashed(self, password: str) -> str:
        """Return a new hash of a password that is in use. The rules for new passwords do not apply to it."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def is_right(self, password: str, kept: str) -> bool:
        async with self._turn:
            return await asyncio.to_thread(self._is_right, password, kept)

    def has_current_cost(self, kept: str) -> bool:
        """Whether a hash was made at the cost of today."""
        return not self._hasher.check_needs_rehash(kept)

    def _is_right(self, password: str, kept: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False


def _hasher(cost: HashCost) -> PasswordHasher:
    return PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes)


_usual_hasher: Final = _hasher(USUAL_COST)


def hash_of(password: str, login: str, hasher: PasswordHasher = _usual_hasher) -> str:
    """As `Passwords.hashed`, but in the calling thread. Raises WrongPassword."""
    refuse_weak(password, login)
    return hasher.hash(password)


def refuse_weak(password: str, login: str) -> None:
    """Raises WrongPassword for a password that the user of this login name must not have."""
    if len(password) < SHORTEST:
        raise WrongPassword(f"A password needs at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise WrongPassword(f"A password has at most {LONGEST} characters.")
    if len(login) >= SHORTEST_NAME and login.casefold() in password.casefold():
        raise WrongPassword("A password must not contain the login name.")
    if _is_common(password):
        raise WrongPassword(
            "This password is easy to guess: it is made of common passwords, words or patterns."
        )


def _is_common(password: str) -> bool:
    """Whether it is one of the commonest passwords, or one with something added, exchanged or repeated.

    Of the 10,000 commonest only a few dozen are long enough to be tried here, so that the list alone would
    refuse next to nothing: zxcvbn also finds `password1234` and `P@ssw0rd1234`.
    """
    from zxcvbn import zxcvbn

    # A longer password is at least as hard to guess as its beginning or its end, so both are estimated.
    ends = {password[:_LONGEST_ESTIMATE], password[-_LONGEST_ESTIMATE:]}
    with _one_estimate:
        return all(zxcvbn(end)["score"] < _LOWEST_SCORE for end in ends)


def new_session() -> str:
    return secrets.token_urlsafe(32)


def new_token() -> str:
    return BEARER_PREFIX + secrets.token_urlsafe(32)


def token_hash(secret: str) -> bytes:
    """What is kept of it. It is as long as a key, so that no salt and no slow hash is needed."""
    return hashlib.sha256(secret.encode()).digest()
