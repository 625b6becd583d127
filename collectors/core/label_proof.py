"""How to verify what a labeler signed: a platform with labelers has it in its module `label_proof`."""

from abc import ABC, abstractmethod

from storage.model.core.labels import SignedLabel


class LabelProof(ABC):
    """Verifies labels from their bytes alone. Nothing is asked."""

    @abstractmethod
    def log_fault(self, log: bytes, labeler: str) -> str | None:
        """Why the log of a labeler's keys does not prove by itself that they are the labeler's, as a clause;
        None: it does. Never raises.
        """

    @abstractmethod
    def signed_label(self, content: bytes, signature: bytes, labeler: str, log: bytes) -> SignedLabel | None:
        """What `content` says, if a key signed it that the labeler had when it was made, or later; None: no
        such key is in `log`. Raises ValueError, with a sentence, if content or log cannot be read.
        """
