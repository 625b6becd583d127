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
    if value is None:
        return None
    if value.tzinfo is None:
        return refusal(422, f"{name}: this time has no zone; write it like 2021-02-11T12:00:00Z.")
    if value.year < EARLIEST_YEAR:
        return refusal(422, f"{name}: times before {EARLIEST_YEAR} are not accepted.")
    if value > now:
        return refusal(422, f"{name}: the time is in the future.")
    return None
