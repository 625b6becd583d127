"""The results of the search box in the header: what is stored, pages, and what can be done."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from dashboard.asgi.refusals import refusal
from dashboard.auth import access
from dashboard.ui.pages import Page, PageAction, Place
from storage.accounts.search import FoundKind, SearchResult, search
from storage.model.text.states import PLATFORM_NAME, clean
from storage.postgres.pool import Conn, Pool, StorageError, transaction

LONGEST = 100
MOST = 8
"""Results of each kind."""
SHORTEST_TOPIC = 3
"""Characters; fewer would find most of the documentation."""
MOST_LISTS = 3
"""Lists for which the same action is offered."""


def search_routes(pool: Pool, pages: Sequence[Page]) -> APIRouter:
    """`/api/search?q=`: at most a few of each kind; without a text all pages and actions."""
    router = APIRouter()

    @router.get("/api/search")
    async def find(request: Request, q: Annotated[str, Query()] = "") -> Response:
        text = " ".join(q.split())[:LONGEST]
        if "\0" in text:
            return JSONResponse({"found": []})
        role = access.actor_of(request).role
        offered = [page for page in pages if role.includes(page.role)]
        actions = [a for page in offered for a in page.actions if role.includes(a.role)]
        try:
            async with transaction(pool) as conn:
                found = await search(conn, text.removeprefix("@"), MOST)
                asked = await _asked_actions(conn, actions, text)
        except StorageError as error:
            return refusal(503, str(error))
        answers = [
            *_named_pages(offered, text),
            *asked,
            *map(found_json, found),
            *_on_lists(actions, found),
            *_topics(offered, text),
        ]
        first: dict[str, dict[str, str]] = {}
        for one in answers:
            first.setdefault(one["href"], one)
        return JSONResponse({"found": list(first.values())})

    return router


def _named_pages(pages: Sequence[Page], text: str) -> list[dict[str, str]]:
    """The pages of the navigation whose title has the text; without a text all."""
    named = [page for page in pages if page.place is not Place.NOWHERE and _has(page.title, text)]
    return [_offer("page", page.title, f"/{page.path}") for page in named]


def _topics(pages: Sequence[Page], text: str) -> list[dict[str, str]]:
    """The first topics of pages whose name has the text."""
    if len(text) < SHORTEST_TOPIC:
        return []
    found = [(name, href) for page in pages for name, href in page.topics if _has(name, text)]
    return [_offer("help", name, href) for name, href in found[:MOST]]


async def _asked_actions(conn: Conn, actions: Sequence[PageAction], text: str) -> list[dict[str, str]]:
    """The actions that the text asks for by their words, such as "new order" or "mute india"."""
    out: list[dict[str, str]] = []
    for action in actions:
        rest = action.rest_of(text)
        if "{name}" not in action.words:
            out += [_offer("action", *action.named(""))] if _has(action.words, text) else []
        elif rest and action.of_lists:
            out += _on_lists([action], await search(conn, rest, MOST))
        elif rest:
            out.append(_offer("action", *action.named(rest)))
    return out


def _on_lists(actions: Sequence[PageAction], found: Sequence[SearchResult]) -> list[dict[str, str]]:
    """The actions on lists that were found."""
    names = [one.name for one in found if one.kind is FoundKind.LIST][:MOST_LISTS]
    return [_offer("action", *action.named(name)) for action in actions if action.of_lists for name in names]


def _has(title: str, text: str) -> bool:
    """Whether a title has words that begin with each word of the text."""
    words = title.casefold().split()
    return all(any(word.startswith(typed) for word in words) for typed in text.casefold().split())


def _offer(kind: str, name: str, href: str) -> dict[str, str]:
    return {"kind": kind, "name": clean(name, 160), "more": "", "href": href}


def found_json(one: SearchResult) -> dict[str, str]:
    """One result: its kind, its name, what distinguishes it from others, and its address."""
    name = clean(one.name, 120)
    platform = PLATFORM_NAME[one.platform] if one.platform is not None else ""
    match one.kind:
        case FoundKind.ACCOUNT | FoundKind.POST:
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
