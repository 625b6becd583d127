"""What browsers and programs show to be let in: made here, and found again by its hash alone."""

import hashlib
import secrets

PREFIX = "blockline_"
"""How every token begins, so that scanners of sources find one that was left there."""


def new_session() -> str:
    return secrets.token_urlsafe(32)


def new_token() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def token_hash(secret: str) -> bytes:
    """What is kept of it. It is as long as a key, so that no salt and no slow hash is needed."""
    return hashlib.sha256(secret.encode()).digest()
