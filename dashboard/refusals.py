"""How the pages' own routes refuse: one sentence. Programs get problem documents instead (problems.py)."""

from fastapi.responses import JSONResponse, Response


def refusal(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status_code=status)
