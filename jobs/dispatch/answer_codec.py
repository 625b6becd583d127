"""Pure: the answer to a request on its way from the machine that made it to the process that judges it."""

import json
import zlib
from dataclasses import replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from collectors.core.collector import CollectorAnswer, Exchange

_ANSWER = TypeAdapter(CollectorAnswer)
_QUICK = 1
_MICROSECOND = timedelta(microseconds=1)


def pack(answer: CollectorAnswer) -> bytes:
    """An answer as bytes, a tenth of what the platform sent."""
    answered = _ANSWER.dump_json(replace(answer, exchanges=())).decode()
    exchanges = [
        # Bodies are bytes that nobody checked: letter by letter, so that evidence stays what was received.
        (
            e.url,
            e.at.isoformat(),
            e.http_status,
            e.body.decode("latin-1"),
            e.request_id,
            e.said,
            e.asked_after // _MICROSECOND,
            e.answered_after // _MICROSECOND,
        )
        for e in answer.exchanges
    ]
    return zlib.compress(json.dumps((answered, exchanges)).encode(), _QUICK)


def unpack(packed: bytes) -> CollectorAnswer:
    """The answer that was packed. Raises ValueError for anything else."""
    try:
        answered, exchanges = json.loads(zlib.decompress(packed))
        return replace(_ANSWER.validate_json(answered), exchanges=tuple(_exchange(*one) for one in exchanges))
    except (zlib.error, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError("the data is not a packed answer") from error


def _exchange(
    url: str,
    at: str,
    http_status: int,
    body: str,
    request_id: str | None,
    said: list[tuple[str, str]],
    asked_us: int = 0,
    answered_us: int = 0,
) -> Exchange:
    """A worker of the version before tells no times of its own."""
    return Exchange(
        url,
        datetime.fromisoformat(at),
        http_status,
        body.encode("latin-1"),
        request_id,
        tuple((name, value) for name, value in said),
        asked_us * _MICROSECOND,
        answered_us * _MICROSECOND,
    )
