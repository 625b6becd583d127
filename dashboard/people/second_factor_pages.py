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
    accept,
    matching_step,
    new_recovery_codes,
    new_secret,
    recovery_hash,
)
from dashboard.auth.second_step import WRONG_CODE, setup_page, too_many
from dashboard.people.routes import TAKES_LOGIN
from dashboard.ui import words
from dashboard.ui.form_input import WrongInput, filled
from storage.people import second_factor as stored
from storage.people.login_limits import succeeded
from storage.people.people import password_of, person_called
from storage.postgres.pool import Pool, Refused, StorageError, transaction

REQUIRED = "Your role requires a second factor, so it cannot be turned off."
NOTHING_BEGUN = "There is nothing to confirm. Set up the second factor from the beginning."
WRONG_PASSWORD = "The password is wrong."  # noqa: S105 - a sentence


@dataclass(frozen=True, slots=True)
class SecondFactorForms:
    """Who does something about the own second factor, and with what. Each deed answers with a page."""

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
        async with transaction(self.pool) as conn:
            await succeeded(conn, self.name, self.address)
            await stored.begin_second_factor(conn, self.person_id, secret, self.now)
        return setup_page(secret, self.name, self.login)

    async def confirm(self) -> Response:
        async with transaction(self.pool) as conn:
            secret = await stored.unconfirmed_secret(conn, self.person_id)
            step = None if secret is None else matching_step(secret, self.code, self.now)
            codes = new_recovery_codes()
            if step is not None:
                hashes = [recovery_hash(code) for code in codes]
                await stored.confirm_second_factor(
                    conn, self.person_id, self.name, step, hashes, self.now, self.session_id
                )
        if secret is None:
            return await self.look(NOTHING_BEGUN, 409)
        if step is None:
            return setup_page(secret, self.name, self.login, sentence=WRONG_CODE, status=403)
        return login_document("recovery_codes.html", codes=codes, leads_to="/settings")

    async def remove(self) -> Response:
        lock = await lock_of(self.pool, self.name, self.address, self.now)
        if lock is not None:
            return await self.look(too_many(lock), 429)
        async with transaction(self.pool) as conn:
            person = await person_called(conn, self.name)
            required = self.login.requires_second_factor(person.role)
            is_right = not required and await accept(conn, self.person_id, self.name, self.code, self.now)
            if is_right:
                await succeeded(conn, self.name, self.address)
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
    passwords = Passwords()

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
