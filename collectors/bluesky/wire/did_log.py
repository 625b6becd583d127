"""Pure: whether the log of a DID proves by itself that it belongs to the DID.

The DID is the hash of the first operation, and each later operation names the one before it and is signed by
one of its keys (documented: web.plc.directory/spec/v0.1/did-plc). Nobody signs the times in it, that it is
complete, or which of two continuations the directory took.
"""

from base64 import b32encode, urlsafe_b64decode
from hashlib import sha256
from typing import Final

from collectors.bluesky.wire.dag_cbor import encode
from collectors.bluesky.wire.labeler_keys import is_signature
from collectors.core.wire import is_array, is_object, parse

_METHOD: Final = "did:plc:"
_DID_LETTERS: Final = 24
_CID_HEAD: Final = bytes.fromhex("01711220")
"""Version 1, DAG-CBOR, SHA-256 of 32 bytes."""
_MOST_KEYS: Final = 10
"""Of one operation; the directory takes five at most (documented)."""


def log_fault(log: bytes, did: str) -> str | None:
    """Why a log, the answer to `/log/audit`, does not prove itself; None: it does. Never raises.

    Operations that were nullified are passed over: what follows is signed without them.
    """
    entries = parse(log)
    if not is_array(entries):
        return "it cannot be read"
    before: dict[str, object] | None = None
    for entry in entries:
        operation = entry.get("operation") if is_object(entry) else None
        if not is_object(entry) or not is_object(operation):
            return "it cannot be read"
        if entry.get("nullified") is True:
            continue
        try:
            fault = _fault(operation, before, did)
        except (ValueError, RecursionError):
            return "an operation in it cannot be encoded"
        if fault is not None:
            return fault
        before = operation
    return "it is empty" if before is None else None


def _fault(operation: dict[str, object], before: dict[str, object] | None, did: str) -> str | None:
    hashed = sha256(encode(operation)).digest()
    if before is None:
        if operation.get("prev") is not None or f"{_METHOD}{_base32(hashed)[:_DID_LETTERS]}" != did:
            return "its first operation is not that of this DID"
    elif operation.get("prev") != f"b{_base32(_CID_HEAD + sha256(encode(before)).digest())}":
        return "one of its operations does not follow the one before it"
    if not _is_signed(operation, _keys_of(operation if before is None else before)):
        return "one of its operations is not signed by a key that may change it"
    return None


def _keys_of(operation: dict[str, object]) -> list[object]:
    """The keys that may sign what follows. The oldest form of a first operation names two."""
    keys = operation.get("rotationKeys")
    if operation.get("type") == "create":
        keys = [operation.get("recoveryKey"), operation.get("signingKey")]
    return keys[:_MOST_KEYS] if is_array(keys) else []


def _is_signed(operation: dict[str, object], keys: list[object]) -> bool:
    sig = operation.get("sig")
    if not isinstance(sig, str):
        return False
    signature = urlsafe_b64decode(sig + "=" * (-len(sig) % 4))
    signed = encode({name: value for name, value in operation.items() if name != "sig"})
    return any(isinstance(key, str) and is_signature(signed, signature, key) for key in keys)


def _base32(data: bytes) -> str:
    return b32encode(data).decode().lower().rstrip("=")
