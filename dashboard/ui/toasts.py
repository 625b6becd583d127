"""The toast after a write: one sentence, and how to undo it where that can be done.

The script `dashboard/assets/shell/toast.mjs` shows it. Undoing sends the request with which the pages
do the reverse, so roles are checked and the audit log is written as for any other edit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

TOAST: Final = "toast"
"""The store to which callbacks write a toast."""


@dataclass(frozen=True, slots=True)
class Undo:
    """The request that does the reverse of a write."""

    address: str
    fields: Mapping[str, str] | None = None
    """As of a form. None if the request is JSON."""
    body: Mapping[str, object] | None = None
    """As JSON. None if the request is that of a form."""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Toast:
    """What was done, and how to undo it. Without `undo` it cannot be undone here."""

    words: str
    undo: Undo | None = None

    def as_json(self) -> dict[str, Any]:
        """The toast as the script takes it."""
        undo = self.undo
        return {
            "words": self.words,
            "undo": None
            if undo is None
            else {
                "address": undo.address,
                "method": undo.method,
                "fields": None if undo.fields is None else dict(undo.fields),
                "body": None if undo.body is None else dict(undo.body),
            },
        }
