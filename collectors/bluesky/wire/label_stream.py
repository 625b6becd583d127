"""Pure: the messages of `com.atproto.label.subscribeLabels`, and the labels in them and in a labeler's list.

A message is two values of DAG-CBOR, a header and a body (documented: atproto.com/specs/event-stream, and the
lexicon of subscribeLabels). A label is signed without its signature, and with nothing but the fields that its
scheme names (documented: atproto.com/specs/label).
"""

from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from collectors.bluesky.declaration import post_of
from collectors.bluesky.wire.dag_cbor import decode_all, encode
from collectors.bluesky.wire.identity import moment
from collectors.bluesky.wire.labeler_keys import LabelKey, signer
from collectors.core.wire import compact, is_array, is_object, printable
from storage.model.core.labels import LabeledKind, LabelRefusal, RefusedLabel, SignedLabel

SUBSCRIBE_LABELS: Final = "com.atproto.label.subscribeLabels"
LARGEST_FRAME: Final = 5 * 1024 * 1024
"""In bytes (documented)."""
OUTDATED: Final = "OutdatedCursor"
FUTURE: Final = "FutureCursor"

_SIGNED: Final = ("ver", "src", "uri", "cid", "val", "neg", "cts", "exp")
_LONGEST: Final = {"src": 300, "uri": 1_000, "cid": 200, "val": 128, "cts": 64, "exp": 64}
"""In characters; `val` is documented, the others are generous and fit an index of the database."""
_KEPT_BYTES: Final = 4_096
_LARGEST_SEQ: Final = 2**63


@dataclass(frozen=True, slots=True)
class LabelsFrame:
    """Labels, as they were sent, with their number in the stream."""

    seq: int
    labels: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class InfoFrame:
    """A notice about the stream, such as `OUTDATED`."""

    name: str


@dataclass(frozen=True, slots=True)
class ErrorFrame:
    """The last message of a stream that the labeler ends, such as `FUTURE`. Both are printable."""

    error: str
    message: str


class UnreadableFrame:
    """A message that cannot be read: labels may have been in it."""


Frame = LabelsFrame | InfoFrame | ErrorFrame | UnreadableFrame


def read_frame(data: bytes) -> Frame | None:
    """What a message says. None for a kind that is not known, which is to be passed over. Never raises."""
    try:
        header, body = decode_all(data)
    except ValueError:
        return UnreadableFrame()
    if not is_object(header) or not is_object(body):
        return UnreadableFrame()
    match header.get("op"), header.get("t"):
        case -1, _:
            error, message = body.get("error"), body.get("message")
            return ErrorFrame(printable(str(error)), printable(message) if isinstance(message, str) else "")
        case 1, "#labels":
            seq, labels = body.get("seq"), body.get("labels")
            if isinstance(seq, int) and not isinstance(seq, bool) and 0 <= seq < _LARGEST_SEQ:
                return LabelsFrame(seq, tuple(labels)) if is_array(labels) else UnreadableFrame()
            return UnreadableFrame()
        case 1, "#info":
            name = body.get("name")
            return InfoFrame(printable(name)) if isinstance(name, str) else UnreadableFrame()
        case 1, str():
            return None
        case _:
            return UnreadableFrame()


def stream_url(server: str, cursor: int) -> str:
    """The address of the stream of a labeler at `server`, an origin, after the message of number `cursor`.

    0 asks for all that the labeler keeps (documented).
    """
    return f"{server}/xrpc/{SUBSCRIBE_LABELS}?cursor={cursor}"


def with_signature_bytes(label: object) -> object:
    """A label of a JSON answer, with its signature as the bytes that it has in a stream."""
    if not is_object(label) or not is_object(sig := label.get("sig")):
        return label
    text = sig.get("$bytes")
    try:
        raw = b64decode(text + "=" * (-len(text) % 4), validate=True) if isinstance(text, str) else None
    except ValueError:
        raw = None
    return {**label, "sig": raw}


def read_signed_labels(
    labels: Iterable[object], labeler: str, keys: tuple[LabelKey, ...]
) -> tuple[tuple[SignedLabel, ...], tuple[RefusedLabel, ...]]:
    """The labels that `labeler` signed, and those that are kept apart. Never raises."""
    found = [read_signed_label(label, labeler, keys) for label in labels]
    good = tuple(one for one in found if isinstance(one, SignedLabel))
    return good, tuple(one for one in found if isinstance(one, RefusedLabel))


def read_signed_label(label: object, labeler: str, keys: tuple[LabelKey, ...]) -> SignedLabel | RefusedLabel:
    """A label if `labeler` signed it by one of these keys. Never raises."""

    def refused(reason: LabelRefusal) -> RefusedLabel:
        return RefusedLabel(labeler, reason, _kept(label))

    if not is_object(label) or not all(
        _is_text(label.get(name), _LONGEST[name]) for name in ("src", "uri", "val", "cts")
    ):
        return refused(LabelRefusal.UNREADABLE)
    src, uri, val = str(label["src"]), str(label["uri"]), str(label["val"])
    cid, neg, exp, sig = (label.get(name) for name in ("cid", "neg", "exp", "sig"))
    made_at, expires_at = moment(label["cts"]), None if exp is None else moment(exp)
    is_sound = (
        label.get("ver") == 1
        and made_at is not None
        and (exp is None or expires_at is not None)
        and (cid is None or _is_text(cid, _LONGEST["cid"]))
        and (neg is None or isinstance(neg, bool))
        and uri.startswith(("did:", "at://"))
    )
    if not is_sound or made_at is None:
        return refused(LabelRefusal.UNREADABLE)
    if src != labeler:
        return refused(LabelRefusal.OTHER_LABELER)
    if sig is None:
        return refused(LabelRefusal.UNSIGNED)
    signed = encode({name: label[name] for name in _SIGNED if name in label})
    key = signer(signed, sig, made_at, keys) if isinstance(sig, bytes) else None
    if key is None or not isinstance(sig, bytes):
        return refused(LabelRefusal.FORGED)
    named = cid if isinstance(cid, str) else None
    kind = LabeledKind.ACCOUNT if uri.startswith("did:") else LabeledKind.RECORD
    kind = LabeledKind.POST if post_of(uri) is not None else kind
    return SignedLabel(labeler, uri, named, val, neg is True, made_at, expires_at, signed, sig, key, kind)


def _is_text(value: object, longest: int) -> bool:
    """Whether a value is text of at most `longest` bytes that the database takes and a page can show."""
    return isinstance(value, str) and value.isprintable() and 0 < len(value.encode()) <= longest


def _kept(label: object) -> bytes:
    try:
        raw = encode(label)
    except (ValueError, RecursionError):
        raw = compact(str(label)[:_KEPT_BYTES])
    return raw[:_KEPT_BYTES]
