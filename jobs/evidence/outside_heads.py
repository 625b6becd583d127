"""Comparison of the hash chain with its heads outside: time stamps, and heads that somebody kept."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cryptography.x509 import Certificate

from jobs.evidence.checkpoint import size_words
from jobs.evidence.pack_proof import KnownHeads
from jobs.evidence.rfc3161 import TimestampError, stamp_in
from storage.changes.hash_chain import StoredAnchor


@dataclass(frozen=True, slots=True)
class StampCheck:
    """The stored time stamps, compared with the entries that they are of."""

    stamps: int
    wrong: str | None
    """What is wrong with the first that is not right, and what it means; None if all are right."""
    are_signatures_checked: bool
    """False if there are no certificates to check them with."""


def check_stamps(anchors: Sequence[StoredAnchor], certificates: Sequence[Certificate]) -> StampCheck:
    """Compare each time stamp with its entry, and its signature with the certificates if there are any."""
    wrong = (said for one in anchors if (said := _wrong(one, certificates)) is not None)
    return StampCheck(len(anchors), next(wrong, None), bool(certificates))


def _wrong(one: StoredAnchor, certificates: Sequence[Certificate]) -> str | None:
    what = f"the checkpoint of {size_words(one.seq)}" if one.is_checkpoint else f"entry {one.seq}"
    named = f"The time stamp of {one.authority} on {what}"
    if one.content is None:
        return f"{named} has no entry: the entry was removed."
    try:
        stamp_in(one.token, one.content)
    except TimestampError as error:
        altered = "The checkpoint" if one.is_checkpoint else "This entry or an earlier one"
        return f"{named} does not match: {error}. {altered} was altered."
    try:
        stamp_in(one.token, one.content, certificates)
    except TimestampError as error:
        return (
            f"{named} is not proved: {error}. It is forged, or the setting tsa_certificates lacks the "
            "certificates of this authority; the file may hold those of several."
        )
    return None


def missing_head(known: KnownHeads, missing: Collection[bytes]) -> str | None:
    """Describe the first of the known heads that is missing in the chain; None if none is."""
    return next((words for head, words in known.named.items() if bytes.fromhex(head) in missing), None)
