"""What other machines read is taken in, as long as this process plans."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

from jobs.base.errors import unknown_error
from jobs.dispatch.queued_requester import IsPaused, Orphan, QueuedRequester
from storage.postgres.pool import StorageError, listen
from storage.work.pending_answers import ANSWERED

log = logging.getLogger(__name__)

_RETRY_S = 1.0


class AnswerIntake:
    """The sources that one process plans, each with what records answers that it did not ask for, and what
    says whether a place is not to be asked.
    """

    def __init__(self, dsn: str) -> None:
        """`dsn` is the database whose notifications wake the requesters."""
        self._dsn = dsn
        self._sources: list[tuple[QueuedRequester, Orphan, IsPaused]] = []
        self._turn = asyncio.Lock()

    def add(self, requester: QueuedRequester, take_in: Orphan, is_paused: IsPaused) -> None:
        self._sources.append((requester, take_in, is_paused))

    @asynccontextmanager
    async def still(self) -> AsyncGenerator[None]:
        """Nothing is taken in meanwhile: what is loaded from the database stays true."""
        async with self._turn:
            yield

    async def adopt(self) -> None:
        """Look who else reads, and record all that was answered to a process that planned before: what is not
        on record when planning begins is asked again. To be called while it is `still`.
        """
        for requester, take_in, is_paused in self._sources:
            requester.look_around_now()
            while await requester.turn(take_in, is_paused):
                pass

    async def take_back(self) -> None:
        """Withdraw the requests that no worker has in hand."""
        async with self._turn:
            for requester, *_ in self._sources:
                await requester.take_back()

    def let_go(self) -> None:
        """Wait for no answer any more."""
        for requester, *_ in self._sources:
            requester.let_go()

    async def run(self, is_planning: Callable[[], bool]) -> None:
        """Pass questions on and take answers, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for one in self._sources:
                group.create_task(self._keep(*one, is_planning))
            group.create_task(self._listen(is_planning))

    async def _listen(self, is_planning: Callable[[], bool]) -> None:
        """Wake a requester when an answer for its source is stored, until cancelled."""
        requesters = {requester.source: requester for requester, *_ in self._sources}
        while True:
            if is_planning():
                with suppress(StorageError):  # the leader's loop reports that the database is away
                    async with listen(self._dsn, ANSWERED) as announced:
                        for requester in requesters.values():
                            requester.wake()  # what was stored before is announced to nobody here
                        async for source in announced:
                            if not is_planning():
                                break
                            if source in requesters:
                                requesters[source].wake()
            await asyncio.sleep(_RETRY_S)

    async def _keep(
        self,
        requester: QueuedRequester,
        take_in: Orphan,
        is_paused: IsPaused,
        is_planning: Callable[[], bool],
    ) -> None:
        failed = False
        while True:
            try:
                async with self._turn:
                    if is_planning():
                        await requester.turn(take_in, is_paused)
                        if failed:
                            log.info(
                                "The intake of other workers' answers recovered",
                                extra={"event": "answer_intake_recovered"},
                            )
                        failed = False
            except StorageError:
                await asyncio.sleep(_RETRY_S)  # whoever plans says that the database is away
            except Exception as error:  # noqa: BLE001 - answers that nobody takes would be silence
                if not failed:
                    log.error(  # noqa: TRY400
                        "The intake of other workers' answers failed: %s",
                        unknown_error(error),
                        extra={"event": "answer_intake_failed"},
                    )
                failed = True
                await asyncio.sleep(_RETRY_S)
            await requester.wait_for_work()
