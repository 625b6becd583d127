"""What people do about people, as plain POST requests: passwords, sessions, tokens, and who may do what.

All of it takes a login: neither a token nor an open door may make another way in. Each deed is done in one
transaction with its entry in the audit log, or refused in one sentence, and then nothing is stored.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from dashboard.asgi.refusals import refusal
from dashboard.asgi.settings import Login
from dashboard.auth.access import Forbidden, actor_of, require
from dashboard.auth.form_actions import read_body, stay
from dashboard.auth.login_refusals import lock_of, record_failed
from dashboard.auth.login_sessions import address_of
from dashboard.auth.passwords import DUMMY_HASH, LONGEST, Passwords, WrongPassword, new_token, token_hash
from dashboard.auth.second_step import too_many
from dashboard.ui.form_input import Filled, WrongInput, filled
from dashboard.ui.toasts import Toast
from storage.model.alerts.rule_codec import duration_of
from storage.model.core.people import Actor, Role, Scope
from storage.people import people, sessions, tokens
from storage.people.login_limits import succeeded
from storage.people.second_factor import reset_second_factor
from storage.postgres.pool import Pool, Refused, StorageError, transaction

LONGEST_TOKEN = timedelta(days=3660)
TAKES_LOGIN = "This needs a login; a token is not enough."


@dataclass(frozen=True, slots=True)
class PeopleForms:
    """Who does something, and with what."""

    pool: Pool
    passwords: Passwords
    actor: Actor
    person_id: int
    session_id: int
    given: Filled
    now: datetime
    address: str

    async def add(self) -> None:
        given = self.given
        login, role = given.needed("name", "Login name"), _role(given)
        hashed = await self.passwords.hashed(given.fields.get("password", ""), login)
        async with transaction(self.pool) as conn:
            await people.add_person(
                conn, login, given.text("display"), role, hashed, self.actor.name, self.now
            )

    async def change_role(self) -> None:
        who, role = self.given.needed("person"), _role(self.given)
        async with transaction(self.pool) as conn:
            await people.set_role(conn, who, role, self.actor.name, self.now)

    async def set_password(self) -> None:
        """Of somebody else: one's own takes the current one, so that an open page is not enough."""
        who, password = self.given.needed("person"), self.given.fields.get("password", "")
        async with transaction(self.pool) as conn:
            person = await people.person_called(conn, who)
        if person.person_id == self.person_id:
            raise WrongInput("Change your own password with the current one, under You.")
        hashed = await self.passwords.hashed(password, person.login)
        async with transaction(self.pool) as conn:
            await people.set_password(conn, person.login, hashed, self.actor.name, self.now)

    async def disable(self) -> None:
        async with transaction(self.pool) as conn:
            await people.disable(conn, self.given.needed("person"), self.actor.name, self.now)

    async def enable(self) -> None:
        async with transaction(self.pool) as conn:
            await people.enable(conn, self.given.needed("person"), self.actor.name, self.now)

    async def reset_second_factor(self) -> None:
        """Of somebody else, who has lost it: one's own is turned off with a code."""
        async with transaction(self.pool) as conn:
            person = await people.person_called(conn, self.given.needed("person"))
            if person.person_id == self.person_id:
                raise WrongInput("Turn off your own second factor with a code, on its own page.")
            await reset_second_factor(conn, person.login, self.actor.name, self.now)

    async def change_own_password(self) -> None:
        """Who has an open page of somebody else does not thereby have the account: the old one is asked."""
        name, fields = self.actor.name, self.given.fields
        lock = await lock_of(self.pool, name, self.address, self.now)
        if lock is not None:
            raise WrongInput(too_many(lock))
        async with transaction(self.pool) as conn:
            _, kept = await people.password_of(conn, name) or (0, DUMMY_HASH)
        if not await self.passwords.is_right(fields.get("current", "")[: LONGEST + 1], kept):
            await record_failed(
                self.pool, name, self.address, self.now, "wrong current password for a new one"
            )
            raise WrongInput("The current password is wrong.")
        async with transaction(self.pool) as conn:
            await succeeded(conn, name, self.address)  # also if the new one is refused: nothing was guessed
        hashed = await self.passwords.hashed(fields.get("password", ""), name)
        async with transaction(self.pool) as conn:
            await people.set_password(conn, name, hashed, name, self.now, self.session_id)

    async def end_session(self) -> None:
        session_id = self.given.number("session")
        with suppress(Refused):  # it is over already, as was asked
            async with transaction(self.pool) as conn:
                await sessions.end_session(conn, session_id, self.person_id, self.actor.name, self.now)

    async def make_token(self) -> str:
        scope, secret = _scope(self.given), new_token()
        if not self.actor.role.includes(scope.role):
            raise Forbidden(
                f"To make a token with the scope {scope.value}, you need the role {scope.role.value} or a "
                "higher one."
            )
        until, name = _until(self.given, self.now), self.given.needed("name", "Token name")
        async with transaction(self.pool) as conn:
            await tokens.add_token(
                conn, self.person_id, token_hash(secret), name, scope, until, self.actor.name, self.now
            )
        return secret

    async def revoke_token(self) -> None:
        token_id = self.given.number("token")
        whose = None if self.actor.role.includes(Role.ADMIN) else self.person_id
        async with transaction(self.pool) as conn:
            await tokens.revoke_token(conn, token_id, whose, self.actor.name, self.now)


PeopleAction: TypeAlias = Callable[[PeopleForms], Awaitable[str | None]]
"""Answers with a secret that is shown once, if it made one."""
PEOPLE_ACTIONS: dict[str, tuple[Role, PeopleAction, str]] = {
    "/add": (Role.ADMIN, PeopleForms.add, "The user is added."),
    "/role": (Role.ADMIN, PeopleForms.change_role, "The role is changed."),
    "/password": (Role.ADMIN, PeopleForms.set_password, "The password is set."),
    "/disable": (Role.ADMIN, PeopleForms.disable, "The user can no longer log in."),
    "/enable": (Role.ADMIN, PeopleForms.enable, "The user can log in again."),
    "/second-factor/reset": (Role.ADMIN, PeopleForms.reset_second_factor, "The second factor is reset."),
    "/own-password": (Role.VIEWER, PeopleForms.change_own_password, "Your password is changed."),
    "/sessions/end": (Role.VIEWER, PeopleForms.end_session, "The session is ended."),
    "/tokens": (Role.VIEWER, PeopleForms.make_token, "The token is made."),
    "/tokens/revoke": (Role.VIEWER, PeopleForms.revoke_token, "The token is revoked."),
}
"""By address: whose role it takes, what does it, and the sentence that says that it is done."""


def people_routes(pool: Pool, clock: Callable[[], datetime], login: Login | None) -> APIRouter:
    router = APIRouter(prefix="/api/people")
    passwords = Passwords() if login is None else Passwords(login.hash_cost)

    @router.get("/me")
    async def me(request: Request) -> Response:
        actor = actor_of(request)
        return JSONResponse({"name": actor.name if actor.person_id else None, "role": actor.role.value})

    for path, (role, deed, done) in PEOPLE_ACTIONS.items():
        router.add_api_route(path, _route(pool, clock, passwords, role, deed, done), methods=["POST"])
    return router


def _route(
    pool: Pool,
    clock: Callable[[], datetime],
    passwords: Passwords,
    role: Role,
    deed: PeopleAction,
    done: str,
) -> Callable[[Request], Awaitable[Response]]:
    async def act(request: Request) -> Response:
        actor = actor_of(request)
        try:
            require(actor, role)
            if actor.person_id is None or actor.session_id is None:
                raise Forbidden(TAKES_LOGIN)  # noqa: TRY301 - answered like all that is forbidden
            given = filled(request.headers.get("content-type", ""), await read_body(request))
            deeds = PeopleForms(
                pool, passwords, actor, actor.person_id, actor.session_id, given, clock(), address_of(request)
            )
            secret = await deed(deeds)
        except Forbidden as error:
            return refusal(403, str(error))
        except (WrongInput, WrongPassword) as error:
            return refusal(422, str(error))
        except Refused as error:
            return refusal(409, str(error))
        except StorageError as error:
            return refusal(503, str(error))
        if secret is not None:
            return JSONResponse({"secret": secret}, status_code=201)
        return stay(request, "/settings", Toast(done))

    return act


def _role(given: Filled) -> Role:
    try:
        return Role(given.needed("role"))
    except ValueError:
        raise WrongInput("The role must be viewer, analyst or admin.") from None


def _scope(given: Filled) -> Scope:
    try:
        return Scope(given.needed("scope"))
    except ValueError:
        raise WrongInput("The scope must be feeds, read, write or admin.") from None


def _until(given: Filled, now: datetime) -> datetime | None:
    """When a token ends; None: never."""
    if not (text := given.text("expires")):
        return None
    try:
        span = duration_of(text)
    except (ValueError, OverflowError):
        raise WrongInput(
            "Expires after: give a time span such as 90d, or leave it empty for a token that does not expire."
        ) from None
    if span > LONGEST_TOKEN:
        raise WrongInput("A token may last ten years at most.")
    return now + span
