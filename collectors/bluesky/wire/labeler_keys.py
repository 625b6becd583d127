"""Pure: the keys by which a labeler signs, from the log of its DID document, and whether one was used.

A labeler changes its key now and then. It signs what it serves from its list with the new key, and its stream
may still send what it signed with an older one (documented: atproto.com/specs/label, Signature Lifecycle).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from collectors.bluesky.wire.errors import fault_of
from collectors.bluesky.wire.identity import moment
from collectors.core.collector import Exchange
from collectors.core.wire import WireFault, is_array, is_object, parse
from storage.model.core.availability import MissedReason

_NAME: Final = "atproto_label"
_DID_KEY: Final = "did:key:z"
_DIGITS: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_KEY_BYTES: Final = 35
_SIGNATURE_BYTES: Final = 64
_CLOCKS: Final = timedelta(minutes=10)
"""How far the clocks of a labeler and of the directory may differ: an assumption."""

_CURVES: Final = {
    b"\xe7\x01": (ec.SECP256K1(), 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141),
    b"\x80\x24": (ec.SECP256R1(), 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551),
}
"""The two curves and their orders, by the prefix of a key (documented: atproto.com/specs/cryptography)."""


@dataclass(frozen=True, slots=True)
class LabelKey:
    """A key of a labeler, from `since` until `until`; None: it is the key now."""

    did_key: str
    since: datetime
    until: datetime | None


def read_label_keys(answer: Exchange, did: str) -> tuple[LabelKey, ...] | WireFault:
    """The keys for labels of `did`, oldest first, from the answer to `/log/audit`. Never raises.

    Operations that were nullified later count as never made. Empty: it never named a key for labels, and the
    key of its repository does not stand in (documented).
    """
    return fault_of(answer) if answer.http_status != 200 else label_keys_in(answer.body, did)


def label_keys_in(log: bytes, did: str) -> tuple[LabelKey, ...] | WireFault:
    """The same from the log itself. Never raises."""
    entries = parse(log)
    if not is_array(entries):
        return WireFault(MissedReason.MALFORMED, "the log of a DID is not an array")
    keys: list[LabelKey] = []
    current: tuple[str, datetime] | None = None
    for entry in entries:
        operation = entry.get("operation") if is_object(entry) else None
        at = moment(entry.get("createdAt")) if is_object(entry) else None
        if not is_object(entry) or not is_object(operation) or at is None or entry.get("did") != did:
            return WireFault(MissedReason.MALFORMED, "an entry in the log of a DID cannot be read")
        if entry.get("nullified") is True:
            continue
        methods = operation.get("verificationMethods")
        key = methods.get(_NAME) if is_object(methods) else None
        if current is not None and key != current[0]:
            keys.append(LabelKey(*current, at))
        if not isinstance(key, str):
            current = None
        elif current is None or key != current[0]:
            current = key, at
    return (*keys, *([LabelKey(*current, None)] if current is not None else ()))


def signer(signed: bytes, signature: bytes, made_at: datetime, keys: tuple[LabelKey, ...]) -> str | None:
    """The key that signed, of those in use at `made_at` or later, as did:key; None: none of them.

    A key that was given up before does not count: whoever holds it could go on signing.
    """
    for key in reversed(keys):
        in_use = key.until is None or key.until + _CLOCKS > made_at
        if in_use and is_signature(signed, signature, key.did_key):
            return key.did_key
    return None


def is_signature(signed: bytes, signature: bytes, did_key: str) -> bool:
    """Whether `signature` is one of `signed` by this key: 64 bytes, in the one form that is allowed."""
    found = _public_key(did_key)
    if found is None or len(signature) != _SIGNATURE_BYTES:
        return False
    key, order = found
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    if not 0 < r < order or not 0 < s <= order // 2:
        return False
    try:
        key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=64)
def _public_key(did_key: str) -> tuple[ec.EllipticCurvePublicKey, int] | None:
    raw = _base58(did_key.removeprefix(_DID_KEY)) if did_key.startswith(_DID_KEY) else None
    curve = None if raw is None else _CURVES.get(raw[:2])
    if raw is None or curve is None:
        return None
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve[0], raw[2:]), curve[1]
    except ValueError:
        return None


def _base58(text: str) -> bytes | None:
    """The bytes of a key; None when they are not as many as a key has."""
    number = 0
    for letter in text[:60]:
        digit = _DIGITS.find(letter)
        if digit < 0:
            return None
        number = number * 58 + digit
    return number.to_bytes(_KEY_BYTES) if number.bit_length() <= 8 * _KEY_BYTES and len(text) <= 60 else None
