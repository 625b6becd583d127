"""How the pages' own routes refuse: one sentence. Programs get problem documents (problem_json.py)."""

from datetime import datetime

from fastapi.responses import JSONResponse, Response

LARGEST_ID = 2**63 - 1
"""The largest number that an id in an address can be: a bigint of the database."""
EARLIEST_YEAR = 1900


def refusal(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status_code=status)


def refused_time(name: str, value: datetime | None, now: datetime) -> Response | None:
    """Why nothing can be shown as known at that time; None if it can, or if no time was given."""
    fault = None if value is None else time_fault(name, value, now)
    return None if fault is None else refusal(422, fault)


def time_fault(name: str, value: datetime, now: datetime) -> str | None:
    """Why nothing can be shown as known at that time; None if it can."""
    if value.tzinfo is None:
        return f"{name}: this time has no zone; write it like 2021-02-11T12:00:00Z."
    if value.year < EARLIEST_YEAR:
        return f"{name}: times before {EARLIEST_YEAR} are not accepted."
    if value > now:
        return f"{name}: the time is in the future."
    return None
