"""The results of the search box in the header, as links with a description."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from dashboard.asgi.refusals import refusal
from storage.accounts.search import FoundKind, SearchResult, search
from storage.model.text.states import PLATFORM_NAME, clean
from storage.postgres.pool import Pool, StorageError, transaction

LONGEST = 100
MOST = 8
"""Results of each kind."""


def search_routes(pool: Pool) -> APIRouter:
    """`/api/search?q=`: at most a few of each kind."""
    router = APIRouter()

    @router.get("/api/search")
    async def find(q: Annotated[str, Query()] = "") -> Response:
        text = q.strip().removeprefix("@")[:LONGEST]
        if "\0" in text:
            return JSONResponse({"found": []})
        try:
            async with transaction(pool) as conn:
                found = await search(conn, text, MOST)
        except StorageError as error:
            return refusal(503, str(error))
        return JSONResponse({"found": [found_json(one) for one in found]})

    return router


def found_json(one: SearchResult) -> dict[str, str]:
    """One result: its kind, its name, what distinguishes it from others, and its address."""
    name = clean(one.name, 120)
    platform = PLATFORM_NAME[one.platform] if one.platform is not None else ""
    match one.kind:
        case FoundKind.ACCOUNT:
            parts = [platform, clean(one.native_id)]
            if one.once:
                parts.insert(0, f"formerly @{clean(one.once)}")
            if not one.watched:
                parts.append("stored only")
            name, more, href = f"@{name}", " · ".join(parts), f"/account/{one.number}"
        case FoundKind.LIST:
            more = f"{one.members:,} account{'' if one.members == 1 else 's'}"
            href = f"/accounts?list={one.number}&whom=all"
        case FoundKind.ORDER:
            more, href = clean(one.native_id), f"/orders/{one.number}"
        case FoundKind.EXECUTIVE:
            more, href = f"@{clean(one.once)} · {platform}", f"/executives/{one.number}"
    return {"kind": one.kind.value, "name": name, "more": more, "href": href}
