"""The files that the dashboard offers: made by the functions of the command line, outside the event loop."""

import asyncio
from asyncio import Future
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from dashboard.asgi.file_maker import FileMakerBusy, FileNotMade, MadeFile, StreamedFile
from dashboard.asgi.off_loop import off_loop
from jobs.base.errors import CommandError
from jobs.base.pdf import PdfError, find_chromium, pdf_of
from jobs.evidence.label_pack import stored_label_pack
from jobs.evidence.pack_collection import collection
from jobs.evidence.pack_files import zipped
from jobs.evidence.stored_pack import made_pack, stored_material
from storage.changes.evidence_collection import PackSubject
from storage.model.evidence.packs import Material
from storage.postgres.pool import Pool

PACKS_AT_ONCE: Final = 2
"""A pack is in memory until it is sent."""
_BUSY: Final = f"{PACKS_AT_ONCE} evidence packs are already being made. Try again."
COLLECTIONS_AT_ONCE: Final = 1
"""Each computes for minutes if an order has a thousand accounts."""
PDF_WITHIN_S: Final = 120.0
"""The time limit for printing a page as PDF. The command line waits longer."""


class CommandLineFiles:
    """Makes evidence packs and PDFs: at most two packs, one file of many packs and one PDF at a time."""

    def __init__(self, chromium: Path | None = None, pdf_within_s: float = PDF_WITHIN_S) -> None:
        """`chromium` is the browser of the settings. None means the first one found on this machine."""
        self._chromium = chromium
        self._pdf_within_s = pdf_within_s
        self._packing = asyncio.Semaphore(PACKS_AT_ONCE)
        self._collecting = asyncio.Semaphore(COLLECTIONS_AT_ONCE)
        self._printing: Future[bytes] | None = None

    async def evidence_pack(self, pool: Pool, change_id: int, now: datetime) -> MadeFile:
        """Make the file that `blockline evidence pack` writes. Raises FileNotMade and FileMakerBusy."""
        if self._packing.locked():
            raise FileMakerBusy(_BUSY)
        async with self._packing:
            try:
                gathered = await stored_material(pool, str(change_id), now)
                return await off_loop(_packed, gathered, now)
            except CommandError as error:
                raise FileNotMade(str(error)) from error

    async def label_pack(self, pool: Pool, label_id: int, now: datetime) -> MadeFile:
        """Make the file that `blockline evidence label` writes. Raises FileNotMade and FileMakerBusy."""
        if self._packing.locked():
            raise FileMakerBusy(_BUSY)
        async with self._packing:
            try:
                made = await stored_label_pack(pool, str(label_id), now)
            except CommandError as error:
                raise FileNotMade(str(error)) from error
            return MadeFile(made.name, await off_loop(zipped, made.files))

    @asynccontextmanager
    async def evidence_packs(
        self, pool: Pool, subject: PackSubject, now: datetime
    ) -> AsyncGenerator[StreamedFile]:
        """Make the file that `blockline evidence account` or `order` writes. Raises FileNotMade and
        FileMakerBusy.
        """
        if self._collecting.locked():
            raise FileMakerBusy("Another file of evidence packs is being made. Try again when it is done.")
        async with self._collecting:
            try:
                made = await collection(pool, subject, now)
            except CommandError as error:
                raise FileNotMade(str(error)) from error
            async with aclosing(made.chunks):
                yield StreamedFile(made.name, made.chunks)

    async def pdf(self, html: str) -> bytes:
        """Make the PDF that `blockline report` writes. Raises FileNotMade and FileMakerBusy."""
        if self._printing is not None and not self._printing.done():
            raise FileMakerBusy("Another PDF is being made. Try again when it is done.")
        try:
            chromium = find_chromium(self._chromium)
            self._printing = asyncio.ensure_future(
                asyncio.to_thread(pdf_of, html, chromium, self._pdf_within_s)
            )
            self._printing.add_done_callback(_looked_at)
            # When nobody waits for it any more, the browser still runs, and no other may be started.
            return await asyncio.shield(self._printing)
        except PdfError as error:
            raise FileNotMade(str(error)) from error


def _packed(gathered: Material, now: datetime) -> MadeFile:
    made = made_pack(gathered, now)
    return MadeFile(made.name, zipped(made.files))


def _looked_at(printing: Future[bytes]) -> None:
    """Python warns of an exception that nobody asked for, as when the reader is gone."""
    if not printing.cancelled():
        printing.exception()
