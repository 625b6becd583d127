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
from storage.people.login_limits import AttemptKind, LoginLock, succeeded
from storage.people.second_factor import add_second_factor, are_codes_locked
from storage.postgres.installation import login_key
from storage.postgres.pool import Conn, Pool, Refused, StorageError, transaction

WRONG_CODE: Final = (
    "The code is wrong or was already used. Enter the next code of the app, or an unused recovery code."
)
LOCKED_CODES: Final = (
    "Too many codes were wrong, so codes of the app are no longer accepted. Enter an unused recovery code, "
    "or ask an admin for a new password. Somebody else may know your password: change it."
)
WRONG_FIRST_CODE: Final = (
    "The code is wrong. Scan this picture again, and enter the code that the app shows now."
)
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
        secret = new_secret() if person.second_factor_since is None else None
        ticket = ticket_for(person.person_id, person.login, known[1], own_page(leads_to), now, secret)
        text = signed_ticket(await login_key(conn), ticket)
        if secret is None:
            return login_document("code.html", ticket=text)
        return setup_page(secret, person.login, self._login, text, required=True)

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
        except Refused:  # another set-up came first
            return self._too_late()
        except StorageError:
            return login_page(self._settings, "", LOGIN_UNAVAILABLE, status=503)

    async def _code(
        self, request: Request, ticket: LoginTicket, text: str, code: str, now: datetime
    ) -> Response:
        address = address_of(request)
        lock = await lock_of(self._pool, ticket.login, address, now, AttemptKind.BY_CODE)
        if lock is not None:
            return login_page(self._settings, ticket.leads_to, too_many(lock), ticket.login, status=429)
        async with transaction(self._pool) as conn:
            if not await still_holds(conn, ticket):
                return self._too_late()
            if await accept(conn, ticket.person_id, ticket.login, code, now):
                await succeeded(conn, ticket.login, address, AttemptKind.BY_CODE)
                return await start_session(conn, request, self._login, ticket.person_id, ticket.leads_to, now)
            is_locked = await are_codes_locked(conn, ticket.person_id)
        await record_failed(
            self._pool, ticket.login, address, now, "the password was right, the code was not"
        )
        return login_document("code.html", LOCKED_CODES if is_locked else WRONG_CODE, 403, ticket=text)

    async def _setup(
        self, request: Request, ticket: LoginTicket, text: str, code: str, now: datetime
    ) -> Response:
        """There is nothing to guess, so attempts are not counted: the page itself shows the secret."""
        async with transaction(self._pool) as conn:
            if ticket.secret is None or not await still_holds(conn, ticket):
                return self._too_late()
            codes = await confirmed(conn, ticket, code, now)
            if codes is None:
                return setup_page(
                    ticket.secret, ticket.login, self._login, text, WRONG_FIRST_CODE, 403, required=True
                )
            page = login_document("recovery_codes.html", codes=codes, leads_to=own_page(ticket.leads_to))
            return await start_session(
                conn, request, self._login, ticket.person_id, ticket.leads_to, now, page
            )

    def _too_late(self) -> Response:
        return login_page(self._settings, "", TOO_LATE, status=403)


async def confirmed(
    conn: Conn, ticket: LoginTicket, code: str, now: datetime, stays: int | None = None
) -> list[str] | None:
    """Set up the second factor of a ticket with its first code; None if the code is wrong.

    Returns the recovery codes, which are shown once. `stays` is the session that goes on. Raises Refused if
    the person has a second factor already.
    """
    step = None if ticket.secret is None else matching_step(ticket.secret, code, now)
    if ticket.secret is None or step is None:
        return None
    codes = new_recovery_codes()
    hashes = [recovery_hash(one) for one in codes]
    await add_second_factor(conn, ticket.person_id, ticket.login, ticket.secret, step, hashes, now, stays)
    return codes


async def still_holds(conn: Conn, ticket: LoginTicket) -> bool:
    """Whether the person may log in, with the password of before."""
    known = await people.password_of(conn, ticket.login)
    return known is not None and (known[0], token_hash(known[1]).hex()) == (ticket.person_id, ticket.password)


def setup_page(
    secret: str,
    name: str,
    login: Login,
    ticket: str,
    sentence: str = "",
    status: int = 200,
    *,
    required: bool,
) -> Response:
    """What an app is set up with: as part of a login if it is required, else on the person's own page."""
    return login_document(
        "set_up.html",
        sentence,
        status,
        qr=qr_code(setup_address(secret, name, login.url)),
        secret=secret,
        ticket=ticket,
        required=required,
        action="/login/set-up" if required else "/second-factor/confirm",
        back="/login" if required else "/second-factor",
    )


def too_many(lock: LoginLock) -> str:
    return f"There were too many attempts. Try again at {words.clock(lock.until)} UTC."
