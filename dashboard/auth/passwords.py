"""Passwords, and the secrets of sessions and tokens, as they are kept: only their hashes.

Passwords by argon2id with the library's own parameters. Secrets are made here, and found again by their hash.
"""

import asyncio
import hashlib
import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
LONGEST = 200
"""Characters: more is no password but work for us."""
DUMMY_HASH: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$gY2/wFAITaSvrvBMvWdUTg$Jm/1CO1T4LeuQp41yqxfccTnJKJ323ebbze6bI2g5CY"
)
"""Verified against where there is nobody, so that it takes as long. No password has this hash."""

_hasher = PasswordHasher()
_at_once = 2
"""Each takes 64 MiB and a core for some 50 ms."""

BEARER_PREFIX = "blockline_"
"""How every token begins, so that scanners of sources find one that was left there."""


class WrongPassword(Exception):
    """It cannot be used as a password. The message is one sentence."""


class Passwords:
    """Hashes and checks in threads, a few at once, so that nobody else waits."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_at_once)

    async def hashed(self, password: str) -> str:
        """Raises WrongPassword."""
        refuse_weak(password)
        async with self._turn:
            return await asyncio.to_thread(_hasher.hash, password)

    async def is_right(self, password: str, kept: str) -> bool:
        async with self._turn:
            return await asyncio.to_thread(_is_right, password, kept)


def hash_of(password: str) -> str:
    """The same for who has nobody waiting. Raises WrongPassword."""
    refuse_weak(password)
    return _hasher.hash(password)


def has_current_parameters(kept: str) -> bool:
    """Whether a hash was made with the parameters of today."""
    return not _hasher.check_needs_rehash(kept)


def refuse_weak(password: str) -> None:
    if len(password) < SHORTEST:
        raise WrongPassword(f"A password needs at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise WrongPassword(f"A password has at most {LONGEST} characters.")
    if len(set(password)) < 4:
        raise WrongPassword("A password needs more than three different characters.")


def _is_right(password: str, kept: str) -> bool:
    try:
        return _hasher.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def new_session() -> str:
    return secrets.token_urlsafe(32)


def new_token() -> str:
    return BEARER_PREFIX + secrets.token_urlsafe(32)


def token_hash(secret: str) -> bytes:
    """What is kept of it. It is as long as a key, so that no salt and no slow hash is needed."""
    return hashlib.sha256(secret.encode()).digest()
