"""How the labels of labelers are verified; see `collectors.core.label_proof`."""

from functools import lru_cache

from collectors.bluesky.wire.dag_cbor import decode
from collectors.bluesky.wire.did_log import log_fault
from collectors.bluesky.wire.label_stream import read_signed_label
from collectors.bluesky.wire.labeler_keys import label_keys_in
from collectors.core.label_proof import LabelProof
from collectors.core.wire import WireFault, is_object
from storage.model.core.labels import SignedLabel

_keys_in = lru_cache(maxsize=8)(label_keys_in)


class AtprotoLabelProof(LabelProof):
    """Of labels as com.atproto.label defines them, signed by keys in the log of a DID."""

    def log_fault(self, log: bytes, labeler: str) -> str | None:
        return log_fault(log, labeler)

    def signed_label(self, content: bytes, signature: bytes, labeler: str, log: bytes) -> SignedLabel | None:
        keys = _keys_in(log, labeler)
        if isinstance(keys, WireFault):
            raise ValueError(f"The log of the keys of {labeler} cannot be read.")  # noqa: TRY004 - the file is at fault
        try:
            label = decode(content)
        except ValueError as error:
            raise ValueError("What was signed cannot be read.") from error
        found = read_signed_label({**label, "sig": signature} if is_object(label) else None, labeler, keys)
        return found if isinstance(found, SignedLabel) and found.content == content else None


LABEL_PROOF = AtprotoLabelProof()
