"""Pure: a labeler with keys of its own: its labels, its stream, its list, and the log of its keys.

A label that replaces or withdraws an earlier one takes its place in the stream and in the list, under a new
number (documented: atproto.com/specs/label, Label Distribution Endpoints).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from collectors.bluesky.simulator import payloads
from collectors.bluesky.simulator.labeler_signing import did_key, sign
from collectors.bluesky.simulator.payloads import stamp
from collectors.bluesky.wire.dag_cbor import encode

NO_WILDCARDS: Final = "Support for wildcard label queries is temporarily disabled"


@dataclass(frozen=True, slots=True)
class NumberedLabel:
    """A label with its number; `signed_by` is the number of the key."""

    seq: int
    label: Mapping[str, object]
    signed_by: int
    forged: bool


class SimulatedLabeler:
    """A labeler that began at `since` with `key`."""

    def __init__(self, did: str, key: ec.EllipticCurvePrivateKey, since: datetime) -> None:
        self.did = did
        self.lists_everything = True
        """Off: it refuses to list all labels, as the reference server can be set to."""
        self.lists_in_order = True
        """Off: its list is not sorted and goes on after the last number of a page, as that of the reference
        server does: what has a smaller number and was not on the page is left out.
        """
        self._keys = [(since, key)]
        self._rows: dict[tuple[object, object, object], NumberedLabel] = {}
        self._seq = 0
        self._forgotten = 0

    @property
    def seq(self) -> int:
        """The number of the newest label."""
        return self._seq

    def put(self, uri: str, val: str, at: datetime, *, forged: bool = False, **more: object) -> int:
        """Attach a label at a time, and return its number; `more` are further fields, such as `neg`."""
        label = {"ver": 1, "src": self.did, "uri": uri, "val": val, **more, "cts": stamp(at)}
        self._seq += 1
        key = uri, more.get("cid"), val
        self._rows.pop(key, None)
        self._rows[key] = NumberedLabel(self._seq, label, len(self._keys) - 1, forged)
        return self._seq

    def withdraw(self, uri: str, val: str, at: datetime) -> int:
        """Withdraw a label."""
        return self.put(uri, val, at, neg=True)

    def rotate(self, key: ec.EllipticCurvePrivateKey, at: datetime) -> None:
        """Sign with another key from now on."""
        self._keys.append((at, key))

    def forget(self, seq: int) -> None:
        """Keep in the stream only what came after this number. The list keeps everything."""
        self._forgotten = seq

    def drop(self, uri: str) -> None:
        """Keep no label of a subject, not even that it was withdrawn."""
        self._rows = {key: row for key, row in self._rows.items() if key[0] != uri}

    def count_from_zero(self) -> None:
        """Number all labels again, as after a move to another server."""
        rows = list(self._rows.items())
        self._rows = {
            key: NumberedLabel(n, row.label, row.signed_by, row.forged)
            for n, (key, row) in enumerate(rows, 1)
        }
        self._seq, self._forgotten = len(rows), 0

    def is_outdated(self, cursor: int) -> bool:
        """Whether labels after this number are no longer in the stream."""
        return cursor < self._forgotten

    def frames(self, after: int) -> list[tuple[int, bytes]]:
        """The messages of the stream after a number, each with its own."""
        return [
            (row.seq, message("#labels", {"seq": row.seq, "labels": [self._signed(row, row.signed_by)]}))
            for row in self._rows.values()
            if row.seq > max(after, self._forgotten)
        ]

    def listed(self, after: int, most: int) -> dict[str, object]:
        """A page of the list: every label, signed by the newest key."""
        rows = [row for row in self._rows.values() if row.seq > after]
        rows = rows[:most] if self.lists_in_order else rows[-most:]
        page: dict[str, object] = {"cursor": str(rows[-1].seq)} if rows else {}
        return {**page, "labels": [payloads.json_label(self._signed(row, -1)) for row in rows]}

    def log(self, server: str) -> list[dict[str, object]]:
        """The operations on its DID: one for each key."""
        service = {"type": "AtprotoLabeler", "endpoint": server}
        return [
            {
                "did": self.did,
                "operation": {
                    "type": "plc_operation",
                    "verificationMethods": {"atproto_label": did_key(key)},
                    "alsoKnownAs": ["at://labeler.test"],
                    "services": {"atproto_labeler": service},
                },
                "nullified": False,
                "createdAt": stamp(at),
            }
            for at, key in self._keys
        ]

    def _signed(self, row: NumberedLabel, key: int) -> dict[str, object]:
        data = encode(dict(row.label))
        return {**row.label, "sig": bytes(64) if row.forged else sign(self._keys[key][1], data)}


def message(kind: str, body: dict[str, object]) -> bytes:
    """A message of an event stream."""
    return encode({"op": 1, "t": kind}) + encode(body)


def outdated_cursor() -> bytes:
    """The notice that a stream begins later than was asked for."""
    text = "Requested cursor exceeded limit. Possibly missing events"
    return message("#info", {"name": "OutdatedCursor", "message": text})


def stream_error(error: str, text: str) -> bytes:
    """The last message of a stream that its server ends."""
    return encode({"op": -1}) + encode({"error": error, "message": text})
