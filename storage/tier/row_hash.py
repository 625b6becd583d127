"""The hash of all rows of a month, by which what was written is compared with what is read back."""

import hashlib
from collections.abc import Sequence

from storage.readings.archive_files import StoredRow


class RowHash:
    """SHA-256 over rows in their order: of each a line of its cells, separated by tabs.

    Times are microseconds since 1970 in UTC, bitmaps hexadecimal, JSON the text that Postgres gives, lists
    separated by spaces. A null is \\N.
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.rows = 0

    def add(self, rows: Sequence[StoredRow]) -> None:
        lines = [
            f"{slot}\t{at}\t{recorded}\t{roster}\t{took}\t{attempt}\t{outcome}"
            f"\t{_text(reason)}\t{_text(None if answered is None else answered.hex())}\t{_text(missed)}"
            f"\t{_text(None if silent is None else ' '.join(silent))}\n"
            for slot, at, recorded, roster, took, attempt, outcome, reason, answered, missed, silent in rows
        ]
        self._digest.update("".join(lines).encode())
        self.rows += len(rows)

    def digest(self) -> bytes:
        return self._digest.digest()


def _text(cell: str | None) -> str:
    return "\\N" if cell is None else cell
