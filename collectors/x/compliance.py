"""Batch compliance jobs of X: the only self-serve way to tell a deactivated account from a deleted one."""

import json
import random
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from collectors.core.abilities import JobStatus
from collectors.core.collector import RequestFailure
from collectors.core.rate_limit_headers import MOST_JITTER_S, NOT_STATED, failure_of, read_window
from collectors.core.wire import WireFault, printable
from collectors.transport.client import BudgetUsedUp, Http, HttpOptions, NoAnswer, RawAnswer
from collectors.transport.ssrf_guard import Guard
from collectors.x.client import BASE_URL, is_token
from collectors.x.wire.compliance import ComplianceJob, read_job, read_reasons
from storage.model.core.availability import MissedReason

_PATH: Final = "/2/compliance/jobs"
_DEFAULT_HTTP: Final = HttpOptions()
_PLAIN: Final = {"Content-Type": "text/plain"}
"""The signature in the upload address covers this header, so it must be exactly this (documented)."""


class XCompliance:
    """One app's compliance jobs. Use as `async with`: it owns the connections.

    X names the servers that ids go to and files come from. They are asked by https and only when they are
    public, or `trusted` (`host` or `host:port`); the token is never sent there.
    """

    def __init__(
        self,
        bearer_token: str,
        *,
        base_url: str = BASE_URL,
        http: HttpOptions = _DEFAULT_HTTP,
        trusted: Collection[str] = (),
        dice: random.Random | None = None,
    ) -> None:
        """Raises ValueError when the token cannot be one; the message does not contain it."""
        if is_token(bearer_token) is None:
            raise ValueError(
                "the bearer token of X is empty or contains blanks or other characters that are not allowed"
            )
        self._headers = {"Authorization": f"Bearer {bearer_token}"}
        self._url = base_url.rstrip("/") + _PATH
        self._dice = dice or random.SystemRandom()
        self._http = Http(http, self._dice)
        self._files = Http(replace(http, guard=Guard(trusted), budget=None), self._dice)

    async def __aenter__(self) -> Self:
        self._http.open()
        self._files.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()
        await self._files.close()

    @property
    def source(self) -> str:
        """See `ClosureReasons`."""
        return "x compliance"

    async def start(self, native_ids: Sequence[str], name: str, now: datetime) -> str | RequestFailure:
        """Make a job called `name` and hand it the ids. Its result is ready minutes to hours later.

        Trouble of reason ACCESS says that the plan of this app has no compliance jobs.
        """
        said = json.dumps({"type": "users", "name": name}).encode()
        headers = self._headers | {"Content-Type": "application/json"}
        job = await self._job("POST", self._url, headers, said, now)
        if isinstance(job, RequestFailure):
            return job
        try:
            answer = await self._files.send("PUT", job.upload_url, _PLAIN, "\n".join(native_ids).encode())
        except NoAnswer as e:
            return self._trouble(WireFault(MissedReason.NETWORK, f"upload: {printable(str(e))}"), None, now)
        if answer.http_status // 100 != 2:
            fault = WireFault(MissedReason.UPSTREAM, f"the upload of a job failed: HTTP {answer.http_status}")
            return self._trouble(fault, None, now)
        return job.job_id

    async def result(
        self, job_id: str, asked: Collection[str], now: datetime
    ) -> dict[str, frozenset[str]] | JobStatus | RequestFailure:
        """Why each of the `asked` accounts is gone, by the file of a complete job; else how far the job is.

        An id that is not in the file has no compliance event at X.
        """
        job = await self._job("GET", f"{self._url}/{job_id}", self._headers, None, now)
        if isinstance(job, RequestFailure) or job.status is not JobStatus.COMPLETE:
            return job if isinstance(job, RequestFailure) else job.status
        try:
            answer = await self._files.send("GET", job.download_url)
        except NoAnswer as e:
            return self._trouble(WireFault(MissedReason.NETWORK, f"download: {printable(str(e))}"), None, now)
        reasons = read_reasons(answer.http_status, answer.body, asked)
        return self._trouble(reasons, None, now) if isinstance(reasons, WireFault) else reasons

    def says_closed_by_owner(self, reason: str) -> bool:
        """Only "deactivated": nobody but the owner deactivates an account (recalled). "deleted" does not say
        by whom.
        """
        return reason == "deactivated"

    async def _job(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, now: datetime
    ) -> ComplianceJob | RequestFailure:
        try:
            answer = await self._http.send(method, url, headers, body)
        except BudgetUsedUp as e:
            return e.trouble
        except NoAnswer as e:
            return self._trouble(WireFault(MissedReason.NETWORK, printable(str(e))), None, now)
        job = read_job(answer.http_status, answer.body)
        return self._trouble(job, answer, now) if isinstance(job, WireFault) else job

    def _trouble(self, fault: WireFault, answer: RawAnswer | None, now: datetime) -> RequestFailure:
        window = NOT_STATED if answer is None else read_window(answer.headers)
        trouble = failure_of(fault, window, now, self._dice.uniform(0, MOST_JITTER_S))
        if fault.reason is MissedReason.ACCESS:
            # A plan without compliance jobs still looks accounts up.
            trouble = replace(trouble, breaker=False)
        return trouble
