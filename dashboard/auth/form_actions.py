"""What people do on pages: a form is read and something done, or it is refused in one sentence."""

from collections.abc import Awaitable, Callable

from fastapi import Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from dashboard.asgi.off_loop import off_loop
from dashboard.asgi.refusals import refusal
from dashboard.auth import access
from dashboard.ui.form_input import LARGEST, Filled, WrongInput, filled
from dashboard.ui.toasts import Toast
from storage.model.core.people import Actor, Role
from storage.postgres.errors import Refused, StorageError


async def run_form_action(
    request: Request,
    role: Role,
    deed: Callable[[Filled, Actor], Awaitable[Response]],
    largest: int = LARGEST,
) -> Response:
    """What `deed` answers to the form that was sent, by somebody who has `role`; or why nothing was done.

    `largest` are the bytes that may be sent, which are more for a form with a file.
    """
    actor = access.actor_of(request)
    try:
        access.require(actor, role)
        kind, body = request.headers.get("content-type", ""), await read_body(request, largest)
        given = filled(kind, body) if len(body) <= LARGEST else await off_loop(filled, kind, body)
        return await deed(given, actor)
    except access.Forbidden as error:
        return refusal(403, str(error))
    except WrongInput as error:
        return refusal(422, str(error))
    except Refused as error:
        return refusal(409, str(error))
    except StorageError as error:
        return refusal(503, str(error))


def redirect_to(request: Request, address: str, done: str | None = None) -> Response:
    """Lead to a page: a browser follows the redirect, and the pages' own script gets the address, and the
    sentence `done` to show with it.
    """
    if _is_browser(request):
        return RedirectResponse(address, status_code=303)
    return JSONResponse({"next": address} | ({} if done is None else {"toast": Toast(done).as_json()}))


def stay(request: Request, address: str, toast: Toast) -> Response:
    """Say what was done on the page with this address: the pages' own script shows it there, and a browser
    without it is led to the page.
    """
    if _is_browser(request):
        return RedirectResponse(address, status_code=303)
    return JSONResponse({"toast": toast.as_json()})


def _is_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


async def read_body(request: Request, largest: int = LARGEST) -> bytes:
    """What was sent. Raises WrongInput when it is more than anything here needs."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > largest:
            raise WrongInput(f"The request body is larger than {largest:,} bytes.")
    return bytes(body)
