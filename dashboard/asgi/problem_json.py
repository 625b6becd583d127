"""Refusals of the HTTP API as problem details (RFC 9457), whoever refuses: a middleware or the API itself."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

API = "/api/v1"
MEDIA_TYPE = "application/problem+json"


def is_api(path: str) -> bool:
    """Whether what is asked for at this address is answered in the API's own way."""
    return path == API or path.startswith(API + "/")


def problem_json(
    status: int, detail: str, errors: Sequence[Mapping[str, str]] = ()
) -> dict[str, str | int | list[dict[str, str]]]:
    """`errors` name the fields that cannot be used, each with one sentence."""
    problem: dict[str, str | int | list[dict[str, str]]] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        problem["errors"] = [dict(e) for e in errors]
    return problem


def problem_bytes(status: int, detail: str, errors: Sequence[Mapping[str, str]] = ()) -> bytes:
    return json.dumps(problem_json(status, detail, errors), separators=(",", ":")).encode()
