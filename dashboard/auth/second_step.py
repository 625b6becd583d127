"""The second page of a login: a code, or the set-up of a second factor where the role requires one.

Nobody is logged in before it. What the first page found out goes with the form, signed.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from dashboard.asgi.settings import DashboardSettings, Login
from dashboard.auth.access import LOGIN_UNAVAILABLE
from dashboard.auth.form_actions import read_body
from dashboard.auth.login_page import login_document, login_page, own_page
from dashboard.auth.login_refusals import lock_of, record_failed
from dashboard.auth.login_sessions import address_of, start_session
from dashboard.auth.passwords import token_hash
from dashboard.auth.second_factor import (
    LoginTicket,
    accept,
    matching_step,
    new_recovery_codes,
    new_secret,
    qr_code,
    read_ticket,
    recovery_hash,
    setup_address,
    signed_ticket,
    ticket_for,
)
from dashboard.ui import words
from dashboard.ui.form_input import WrongInput, filled
from storage.people import people
from storage.people.login_limits import LoginLock, succeeded
from storage.people.second_factor import begin_second_factor, confirm_second_factor, unconfirmed_secret
from storage.postgres.installation import login_key
from storage.postgres.pool import Conn, Pool, StorageError, transaction

WRONG_CODE: Final = "The code is wrong, or it was used before. Wait for the next one."
TOO_LATE: Final = "This took too long, or your password was changed meanwhile. Log in again."


class SecondStep:
    """What follows a right password."""

    def __init__(
        self, pool: Pool, clock: Callable[[], datetime], settings: DashboardSettings, login: Login
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._settings = settings
        self._login = login

    async def page(
        self, conn: Conn, name: str, known: tuple[int, str], leads_to: str, now: datetime
    ) -> Response | None:
        """The page that follows a right password; None where the password is enough.

        `known` is the number of the person and the stored hash. Raises Refused when nobody has that name.
        """
        person = await people.person_called(conn, name)
        if person.second_factor_since is None and not self._login.requires_second_factor(person.role):
            return None
        ticket = ticket_for(person.person_id, person.login, known[1], own_page(leads_to), now)
        text = signed_ticket(await login_key(conn), ticket)
        if person.second_factor_since is not None:
            return login_document("code.html", ticket=text)
        secret = new_secret()
        await begin_second_factor(conn, person.person_id, secret, now)
        return setup_page(secret, person.login, self._login, text)

    async def enter_code(self, request: Request) -> Response:
        """Let in who shows a code of the app, or a recovery code."""
        return await self._answer(request, self._code)

    async def set_up(self, request: Request) -> Response:
        """Let in who shows the first code of the app, with recovery codes to store."""
        return await self._answer(request, self._setup)

    async def begin_again(self) -> Response:
        """Lead whoever reloads one of these pages to the first."""
        return RedirectResponse("/login", status_code=303)

    async def _answer(
        self,
        request: Request,
        deed: Callable[[Request, LoginTicket, str, str, datetime], Awaitable[Response]],
    ) -> Response:
        now = self._clock()
        try:
            given = filled(request.headers.get("content-type", ""), await read_body(request))
            text = given.text("ticket")
            async with transaction(self._pool) as conn:
                ticket = read_ticket(await login_key(conn), text, now)
            if ticket is None:
                return self._too_late()
            return await deed(request, ticket, text, given.text("code"), now)
        except WrongInput as error:
            return login_page(self._settings, "", str(error), status=422)
        except StorageError:
            return login_page(self._settings, "", LOGIN_UNAVAILABLE, status=503)

    async def _code(
        self, request: Request, ticket: LoginTicket, text: str, code: str, now: datetime
    ) -> Response:
        address = address_of(request)
        lock = await lock_of(self._pool, ticket.login, address, now)
        if lock is not None:
            return login_page(self._settings, ticket.leads_to, too_many(lock), ticket.login, status=429)
        async with transaction(self._pool) as conn:
            if not await _still_holds(conn, ticket):
                return self._too_late()
            if await accept(conn, ticket.person_id, ticket.login, code, now):
                await succeeded(conn, ticket.login, address)
                return await start_session(conn, request, self._login, ticket.person_id, ticket.leads_to, now)
        await record_failed(
            self._pool, ticket.login, address, now, "the password was right, the code was not"
        )
        return login_document("code.html", WRONG_CODE, 403, ticket=text)

    async def _setup(
        self, request: Request, ticket: LoginTicket, text: str, code: str, now: datetime
    ) -> Response:
        """There is nothing to guess, so attempts are not counted: the page itself shows the secret."""
        async with transaction(self._pool) as conn:
            secret = await unconfirmed_secret(conn, ticket.person_id)
            if secret is None or not await _still_holds(conn, ticket):
                return self._too_late()
            step = matching_step(secret, code, now)
            if step is None:
                return setup_page(secret, ticket.login, self._login, text, WRONG_CODE, 403)
            codes = new_recovery_codes()
            hashes = [recovery_hash(code) for code in codes]
            await confirm_second_factor(conn, ticket.person_id, ticket.login, step, hashes, now)
            await succeeded(conn, ticket.login, address_of(request))
            page = login_document("recovery_codes.html", codes=codes, leads_to=own_page(ticket.leads_to))
            return await start_session(
                conn, request, self._login, ticket.person_id, ticket.leads_to, now, page
            )

    def _too_late(self) -> Response:
        return login_page(self._settings, "", TOO_LATE, status=403)


async def _still_holds(conn: Conn, ticket: LoginTicket) -> bool:
    """Whether the person may log in, with the password of before."""
    known = await people.password_of(conn, ticket.login)
    return known is not None and (known[0], token_hash(known[1]).hex()) == (ticket.person_id, ticket.password)


def setup_page(
    secret: str, name: str, login: Login, ticket: str = "", sentence: str = "", status: int = 200
) -> Response:
    """What an app is set up with. With a ticket it is part of a login, else of the person's own page."""
    return login_document(
        "set_up.html",
        sentence,
        status,
        qr=qr_code(setup_address(secret, name, login.url)),
        secret=secret,
        ticket=ticket,
        required=bool(ticket),
        action="/login/set-up" if ticket else "/second-factor/confirm",
        back="/login" if ticket else "/second-factor",
    )


def too_many(lock: LoginLock) -> str:
    return f"There were too many attempts. Try again at {words.clock(lock.until)} UTC."
