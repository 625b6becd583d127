"""Files that are made on request: what makes them is handed in when the dashboard starts."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from storage.changes.evidence_collection import PackSubject
from storage.postgres.pool import Pool


class FileNotMade(Exception):
    """The file could not be made. The message says why, in one sentence."""


class FileMakerBusy(Exception):
    """As many files as may be made at once are being made. The message is one sentence."""


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file to download."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class StreamedFile:
    """A file to download that is made while it is sent. If the stream breaks off, the file is incomplete."""

    name: str
    chunks: AsyncGenerator[bytes]


class FileMaker(Protocol):
    """Makes the files that the command line makes, outside the event loop."""

    async def evidence_pack(self, pool: Pool, change_id: int, now: datetime) -> MadeFile:
        """Make the evidence pack of a change. Raises FileNotMade and FileMakerBusy."""
        ...

    async def label_pack(self, pool: Pool, label_id: int, now: datetime) -> MadeFile:
        """Make the evidence of the labels about the subject of a label. Raises FileNotMade and
        FileMakerBusy.
        """
        ...

    def evidence_packs(
        self, pool: Pool, subject: PackSubject, now: datetime
    ) -> AbstractAsyncContextManager[StreamedFile]:
        """Make the packs of all changes of an account or order, as one file, within the block. Raises
        FileNotMade and FileMakerBusy before anything is sent.
        """
        ...

    async def pdf(self, html: str) -> bytes:
        """Print a page as PDF. Raises FileNotMade and FileMakerBusy."""
        ...
