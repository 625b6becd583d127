"""What stands in the way of one machine alone: where others read the same, its requests are left to them."""

from collections import deque
from datetime import datetime, timedelta

from collectors.core.collector import CollectorAnswer, RequestFailure
from jobs.dispatch.circuit_breaker import FAILURES_TO_TRIP
from storage.model.core.availability import MissedReason
from storage.model.core.platform_request import OTHER_ADDRESS, Question
from storage.model.platforms.registry import DECLARED
from storage.work.workers import SourcePause

_A_MOMENT = timedelta(seconds=5)
"""Long enough for another machine to take what this one put back."""
_CUT_OFF = timedelta(seconds=30)
_OTHER_ADDRESS = timedelta(minutes=5)
_REMEMBERED = 1_000


class WorkerPauses:
    """What one process met at each of its sources."""

    def __init__(self) -> None:
        self._unreached: dict[str, set[str]] = {}
        """By source, what could not be reached since anything of it last was: servers, or requests."""
        self._left: deque[str] = deque(maxlen=_REMEMBERED)
        """Requests that were left to others because nothing was reached."""

    def pause_after(self, question: Question, answer: CollectorAnswer, now: datetime) -> SourcePause | None:
        """How long this machine leaves a source to others, and why; None when the answer is for everybody."""
        failure = answer.trouble
        if failure is not None and not answer.sent:
            return refused_alone(question, answer)
        if failure is None or failure.reason is not MissedReason.NETWORK:
            self._unreached.pop(question.source, None)
            return refused_alone(question, answer)
        is_cut_off = self._is_cut_off(question)
        if _is_one_server(question) and not is_cut_off:
            return None  # of one server among many it is likelier that it is down
        if question.key in self._left:
            return None  # nobody reached it meanwhile, or it would not be here again
        self._left.append(question.key)
        until = now + (_CUT_OFF if is_cut_off else _A_MOMENT)
        return SourcePause(until, failure.reason.value, failure.detail)

    def _is_cut_off(self, question: Question) -> bool:
        unreached = self._unreached.setdefault(question.source, set())
        if len(unreached) < FAILURES_TO_TRIP:
            unreached.add(question.place if _is_one_server(question) else question.key)
        return len(unreached) >= FAILURES_TO_TRIP


def _is_one_server(question: Question) -> bool:
    return DECLARED[question.platform].is_one_server(question.place)


def refused_alone(question: Question, answer: CollectorAnswer) -> SourcePause | None:
    """Why a platform refuses whoever asked: what it says of one token or one address, and not of another.

    None when it refuses nobody, or everybody.
    """
    failure = answer.trouble
    if failure is None or _is_one_server(question):
        return None
    if not failure.breaker and failure.reason is not MissedReason.RATE_LIMITED:
        return None
    return SourcePause(failure.retry_at, failure.reason.value, failure.detail)


def asks_elsewhere(question: Question, base_url: str, now: datetime) -> SourcePause | None:
    """Why a machine that asks `base_url` must not make a request: what another server says is said of others.

    None when the process that plans asks the same.
    """
    if question.base_url is None or question.base_url == base_url:
        return None
    ours, theirs = (url or "the server itself" for url in (base_url, question.base_url))
    detail = f"it asks {ours}, and the process that plans asks {theirs}"
    return SourcePause(now + _OTHER_ADDRESS, OTHER_ADDRESS, detail)


def unasked(pause: SourcePause) -> CollectorAnswer:
    """What is handed over of a request that this machine must not make, and nobody else makes."""
    failure = RequestFailure(MissedReason.UNCLASSIFIED, pause.detail, pause.until, breaker=False)
    return CollectorAnswer((), (), trouble=failure, sent=False)
