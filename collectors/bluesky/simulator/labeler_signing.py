"""Pure: keys and signatures of a simulated labeler, apart from what the collector verifies them with."""

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_DIGITS: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PREFIXES: Final = {"secp256k1": "e701", "secp256r1": "8024"}
_ORDERS: Final = {
    "secp256k1": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    "secp256r1": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
}


def did_key(key: ec.EllipticCurvePrivateKey) -> str:
    """The public half of a key, as the log of a DID shows it."""
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    number, text = int.from_bytes(bytes.fromhex(_PREFIXES[key.curve.name]) + point), ""
    while number:
        number, digit = divmod(number, 58)
        text = _DIGITS[digit] + text
    return f"did:key:z{text}"


def sign(key: ec.EllipticCurvePrivateKey, data: bytes, *, low_s: bool = True) -> bytes:
    """64 bytes; with `low_s` off in the other of the two forms, which is not allowed."""
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(SHA256())))
    order = _ORDERS[key.curve.name]
    if (s <= order // 2) is not low_s:
        s = order - s
    return r.to_bytes(32) + s.to_bytes(32)
