"""One's own second factor: set up, looked at and turned off on plain pages that work without scripts."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from dashboard.asgi.refusals import refusal
from dashboard.asgi.settings import Login
from dashboard.auth.access import actor_of
from dashboard.auth.form_actions import read_body
from dashboard.auth.login_page import READ, login_document
from dashboard.auth.login_refusals import lock_of, record_failed
from dashboard.auth.login_sessions import address_of
from dashboard.auth.passwords import DUMMY_HASH, LONGEST, Passwords
from dashboard.auth.second_factor import (
    RECOVERY_CODES,
    LoginTicket,
    accept,
    new_secret,
    read_ticket,
    signed_ticket,
    ticket_for,
)
from dashboard.auth.second_step import (
    WRONG_CODE,
    WRONG_FIRST_CODE,
    confirmed,
    setup_page,
    still_holds,
    too_many,
)
from dashboard.people.routes import TAKES_LOGIN
from dashboard.ui import words
from dashboard.ui.form_input import WrongInput, filled
from storage.people import second_factor as stored
from storage.people.login_limits import AttemptKind, succeeded
from storage.people.people import password_of, person_called
from storage.postgres.installation import login_key
from storage.postgres.pool import Conn, Pool, Refused, StorageError, transaction

REQUIRED = "Your role requires a second factor, so it cannot be turned off."
NOTHING_BEGUN = "This took too long, or your password was changed meanwhile. Set up the second factor again."
WRONG_PASSWORD = "The password is wrong."  # noqa: S105 - a sentence


@dataclass(frozen=True, slots=True)
class SecondFactorForms:
    """A request about the user's own second factor. Each action answers with a page."""

    pool: Pool
    login: Login
    passwords: Passwords
    person_id: int
    name: str
    session_id: int
    address: str
    now: datetime
    password: str
    code: str
    ticket: str

    async def look(self, sentence: str = "", status: int = 200) -> Response:
        async with transaction(self.pool) as conn:
            person = await person_called(conn, self.name)
            left = await stored.recovery_codes_left(conn, self.person_id)
        since = person.second_factor_since
        return login_document(
            "second_factor.html",
            sentence,
            status,
            since=None if since is None else words.stamp(since),
            left=left,
            most=RECOVERY_CODES,
            required=self.login.requires_second_factor(person.role),
            has_password=person.has_password,
        )

    async def begin(self) -> Response:
        """Show a secret to who knows the password: an open page of somebody else is not enough."""
        lock = await lock_of(self.pool, self.name, self.address, self.now)
        if lock is not None:
            return await self.look(too_many(lock), 429)
        async with transaction(self.pool) as conn:
            _, kept = await password_of(conn, self.name) or (0, DUMMY_HASH)
        if not await self.passwords.is_right(self.password[: LONGEST + 1], kept):
            reason = "wrong password for a second factor"
            await record_failed(self.pool, self.name, self.address, self.now, reason)
            return await self.look(WRONG_PASSWORD, 403)
        secret = new_secret()
        ticket = ticket_for(self.person_id, self.name, kept, "/settings", self.now, secret)
        async with transaction(self.pool) as conn:
            await succeeded(conn, self.name, self.address)
            if (await person_called(conn, self.name)).second_factor_since is not None:
                raise Refused("Your second factor is already set up. Turn it off first.")
            text = signed_ticket(await login_key(conn), ticket)
        return setup_page(secret, self.name, self.login, text, required=False)

    async def confirm(self) -> Response:
        """Set it up with the secret that was shown to whoever knew the password."""
        async with transaction(self.pool) as conn:
            ticket = await self._own_ticket(conn)
            codes = ticket and await confirmed(conn, ticket, self.code, self.now, self.session_id)
        if ticket is None or ticket.secret is None:
            return await self.look(NOTHING_BEGUN, 409)
        if codes is None:
            return setup_page(
                ticket.secret, self.name, self.login, self.ticket, WRONG_FIRST_CODE, 403, required=False
            )
        return login_document("recovery_codes.html", codes=codes, leads_to="/settings")

    async def _own_ticket(self, conn: Conn) -> LoginTicket | None:
        """The ticket of the form, if it is this user's and the password is still the same."""
        ticket = read_ticket(await login_key(conn), self.ticket, self.now)
        if ticket is None or ticket.person_id != self.person_id or not await still_holds(conn, ticket):
            return None
        return ticket

    async def remove(self) -> Response:
        lock = await lock_of(self.pool, self.name, self.address, self.now, AttemptKind.BY_CODE)
        if lock is not None:
            return await self.look(too_many(lock), 429)
        async with transaction(self.pool) as conn:
            person = await person_called(conn, self.name)
            required = self.login.requires_second_factor(person.role)
            is_right = not required and await accept(conn, self.person_id, self.name, self.code, self.now)
            if is_right:
                await succeeded(conn, self.name, self.address, AttemptKind.BY_CODE)
                await stored.remove_second_factor(conn, self.person_id, self.name, self.now)
        if required:
            return await self.look(REQUIRED, 403)
        if not is_right:
            reason = "wrong code to turn off the second factor"
            await record_failed(self.pool, self.name, self.address, self.now, reason)
            return await self.look(WRONG_CODE, 403)
        return await self.look()


SecondFactorAction: TypeAlias = Callable[[SecondFactorForms], Awaitable[Response]]


def second_factor_pages(pool: Pool, clock: Callable[[], datetime], login: Login) -> APIRouter:
    router = APIRouter(prefix="/second-factor")
    passwords = Passwords(login.hash_cost)

    async def answer(deed: SecondFactorAction, request: Request) -> Response:
        actor = actor_of(request)
        if actor.person_id is None or actor.session_id is None:
            return refusal(403, TAKES_LOGIN)
        try:
            given = filled(request.headers.get("content-type", ""), await read_body(request))
            forms = SecondFactorForms(
                pool=pool,
                login=login,
                passwords=passwords,
                person_id=actor.person_id,
                name=actor.name,
                session_id=actor.session_id,
                address=address_of(request),
                now=clock(),
                password=given.fields.get("password", ""),
                code=given.text("code"),
                ticket=given.text("ticket"),
            )
            return await deed(forms)
        except WrongInput as error:
            return refusal(422, str(error))
        except Refused as error:
            return refusal(409, str(error))
        except StorageError as error:
            return refusal(503, str(error))

    @router.api_route("", methods=READ)
    async def look(request: Request) -> Response:
        return await answer(SecondFactorForms.look, request)

    @router.post("/begin")
    async def begin(request: Request) -> Response:
        return await answer(SecondFactorForms.begin, request)

    @router.post("/confirm")
    async def confirm(request: Request) -> Response:
        return await answer(SecondFactorForms.confirm, request)

    @router.post("/remove")
    async def remove(request: Request) -> Response:
        return await answer(SecondFactorForms.remove, request)

    @router.api_route("/begin", methods=READ)
    @router.api_route("/confirm", methods=READ)
    @router.api_route("/remove", methods=READ)
    async def lead_back() -> Response:
        """Who reloads the page that answered a form begins again."""
        return RedirectResponse("/second-factor", status_code=303)

    return router
