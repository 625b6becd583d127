"""What everybody is shown before anybody has logged in: the form, and all that it needs."""

from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from dashboard.asgi.settings import DashboardSettings
from storage.model.text.states import clean
from storage.people import people

STYLES = ("tokens.css", "shell.css", "alerts.css", "login.css")
"""Of the login, and of the pages behind links in mails."""
READ = ["GET", "HEAD"]
_ASSETS = Path(__file__).parent.parent / "assets"


def login_page_routes(settings: DashboardSettings) -> APIRouter:
    router = APIRouter(prefix="/login")

    @router.api_route("", methods=READ)
    async def form(request: Request) -> Response:
        if settings.login is None:
            return RedirectResponse("/", status_code=303)
        return login_page(settings, request.query_params.get("next", ""))

    @router.api_route("/style.css", methods=READ)
    async def style() -> Response:
        return Response(_style(), media_type="text/css")

    @router.api_route("/boot.js", methods=READ)
    async def boot() -> Response:
        return Response(_boot(), media_type="text/javascript")

    return router


def own_page(address: str) -> str:
    """A page of ours to be led to, whatever was asked."""
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\", "/login", "/logout"))
    return address if is_ours and address.isascii() and address.isprintable() else "/"


def login_page(
    settings: DashboardSettings, leads_to: str, sentence: str = "", name: str = "", status: int = 200
) -> Response:
    """The form, with one sentence on why it is shown again."""
    login = settings.login
    return login_document(
        "login.html",
        sentence,
        status,
        leads_to=own_page(leads_to),
        name=clean(name, people.LONGEST) if people.is_login(name) else "",
        provider=login is not None and login.provider is not None,
    )


def login_document(template: str, sentence: str = "", status: int = 200, **given: object) -> Response:
    """A page of plain HTML, with one sentence on why it is shown again."""
    content = _environment().get_template(template).render(sentence=sentence, **given)
    return HTMLResponse(content, status_code=status)


@cache
def _boot() -> bytes:
    return (_ASSETS / "boot.js").read_bytes()


@cache
def _style() -> bytes:
    return b"\n".join((_ASSETS / name).read_bytes() for name in STYLES)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("dashboard.auth"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
