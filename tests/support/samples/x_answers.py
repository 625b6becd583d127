"""Answers of X: recorded ones, and the parts that tests put together."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_RECORDED = Path(__file__).parent.parent.parent / "fixtures" / "x"
AT = datetime(2021, 2, 1, 12, 0, tzinfo=UTC)
ID, OTHER = "481186914", "2244994945"

USER: Mapping[str, Any] = {"id": ID, "name": "n", "username": "Somebody", "protected": False}
ERROR: Mapping[str, Any] = {
    "value": ID,
    "detail": f"User has been suspended: [{ID}].",
    "title": "Forbidden",
    "resource_type": "user",
    "parameter": "ids",
    "resource_id": ID,
    "type": "https://api.x.com/2/problems/resource-not-found",
}
MISSING = {**ERROR, "title": "Not Found Error", "detail": f"Could not find user with ids: [{ID}]."}


def recorded(name: str) -> bytes:
    """An answer as it was recorded from X."""
    return (_RECORDED / f"{name}.json").read_bytes()


def body(**parts: object) -> bytes:
    """An answer with these parts."""
    return json.dumps(parts).encode()


def recorded_json(name: str) -> Any:
    """A recorded answer, parsed."""
    return json.loads(recorded(name))
