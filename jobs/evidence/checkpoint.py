"""Pure: signed checkpoints of a log, as C2SP tlog-checkpoint and signed-note describe them, with Ed25519.

A checkpoint is a text: the name of the log, its number of entries, its root in Base64, an empty line, and a
line per signature, "— NAME BASE64". Tools and witnesses of other transparency logs read the same form.
"""

import hashlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from storage.model.text.states import clean

_ED25519: Final = b"\x01"
_MARK: Final = "— "
_MOST_CHARACTERS: Final = 64 * 1024
_MOST_SIZE: Final = 2**63


class CheckpointError(Exception):
    """This is not a checkpoint or not a key. The message is a clause: "it is not a signed checkpoint"."""


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint with its signatures. Reading it checks none of them; `is_signed_by` does."""

    note: str
    """The whole text."""
    origin: str
    """The name of the log."""
    size: int
    root: bytes
    signatures: tuple[tuple[str, bytes], ...]
    """The name of each signer, with the key's id (4 bytes) and the signature."""


@dataclass(frozen=True, slots=True)
class LogKey:
    """A public key that verifies checkpoints."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        """As it is published: NAME+ID+KEY."""
        return f"{self.name}+{self.id.hex()}+{_text(_ED25519 + self.public)}"


def read_key(text: str) -> LogKey:
    """Read a public key as it is published. Raises CheckpointError."""
    name, plus, rest = text.strip().partition("+")
    key_id, _, key = rest.partition("+")
    content = _bytes(key)
    if not plus or not _is_name(name) or len(content) != 33 or content[:1] != _ED25519:
        raise CheckpointError("it is not a public key of the form NAME+ID+KEY (Ed25519)")
    found = LogKey(name, content[1:])
    if found.id.hex() != key_id:
        raise CheckpointError("its id does not belong to its name and key")
    return found


def key_of(origin: str, seed: bytes) -> LogKey:
    """The public key that belongs to a secret of 32 bytes."""
    return LogKey(origin, Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def signed_checkpoint(origin: str, size: int, root: bytes, seed: bytes) -> SignedCheckpoint:
    """Sign the root of a log. `seed` is the secret key, of 32 bytes. The same input gives the same text."""
    body = f"{origin}\n{size}\n{_text(root)}\n"
    key, signature = key_of(origin, seed), Ed25519PrivateKey.from_private_bytes(seed).sign(body.encode())
    return read_checkpoint(f"{body}\n{_MARK}{origin} {_text(key.id + signature)}\n")


def read_checkpoint(note: str) -> SignedCheckpoint:
    """Read a signed checkpoint, whoever made it. Raises CheckpointError."""
    body, _, lines = note.partition("\n\n")
    origin, *rest = body.split("\n")
    size = rest[0] if rest else ""
    root = _bytes(rest[1]) if len(rest) > 1 else b""
    signatures = [line.removeprefix(_MARK).split(" ") for line in lines.removesuffix("\n").split("\n")]
    is_right = (
        len(note) <= _MOST_CHARACTERS
        and note.endswith("\n")
        and all(char == "\n" or char >= " " for char in note)
        and origin != ""
        and all(line for line in rest)
        and size.isascii()
        and size.isdecimal()
        and (size == "0" or not size.startswith("0"))
        and len(size) < 20
        and int(size) < _MOST_SIZE
        and len(root) == 32
        and all(line.startswith(_MARK) for line in lines.removesuffix("\n").split("\n"))
        and all(len(one) == 2 and _is_name(one[0]) and len(_bytes(one[1])) > 4 for one in signatures)
    )
    if not is_right:
        raise CheckpointError("it is not a signed checkpoint of a log")
    return SignedCheckpoint(
        note, origin, int(size), root, tuple((name, _bytes(content)) for name, content in signatures)
    )


def is_signed_by(checkpoint: SignedCheckpoint, key: LogKey) -> bool:
    """Whether one of the signatures is made with this key."""
    body = checkpoint.note.partition("\n\n")[0] + "\n"
    return any(
        (name, content[:4]) == (key.name, key.id) and _verifies(key, content[4:], body.encode())
        for name, content in checkpoint.signatures
    )


def key_words(key: LogKey) -> str:
    """A key for readers: its name and id."""
    return f"{clean(key.name, 100)}+{key.id.hex()}"


def size_words(size: int) -> str:
    """`1 entry`, `1,178 entries`."""
    return f"{size:,} {'entry' if size == 1 else 'entries'}"


def _verifies(key: LogKey, signature: bytes, body: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, body)
    except (InvalidSignature, ValueError):
        return False
    return True


def _is_name(text: str) -> bool:
    return bool(text) and "+" not in text and not any(char.isspace() for char in text)


def _text(content: bytes) -> str:
    return b64encode(content).decode()


def _bytes(text: str) -> bytes:
    """What Base64 stands for; empty unless it is in its one exact form."""
    try:
        content = b64decode(text, validate=True)
    except ValueError:
        return b""
    return content if _text(content) == text else b""
