"""Commands about access: people who can use the dashboard, and tokens for programs."""

import sys
from typing import Annotated

import typer

from dashboard.auth.passwords import WrongPassword, hash_of, new_token, token_hash
from jobs.base.clock import system_clock
from jobs.base.errors import CommandError
from jobs.base.output import OutputTable, moment, show
from jobs.cli.command import COMMAND_LINE, AsJson, ConfigFile
from jobs.config.database import with_conn
from jobs.config.settings import load_settings
from storage.model.core.people import Role, Scope
from storage.model.text.units import parse_duration
from storage.people import people
from storage.people import tokens as stored_tokens
from storage.postgres.pool import Conn

Name = Annotated[str, typer.Argument(metavar="NAME", help="What the person logs in with.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the standard input, one line.")
]
LONGEST_NUMBER = 18

users = typer.Typer(no_args_is_help=True)
tokens = typer.Typer(no_args_is_help=True)


def register(cli: typer.Typer) -> None:
    cli.add_typer(users, name="users")
    cli.add_typer(tokens, name="tokens")


@users.command("add")
def users_add(
    name: Name,
    *,
    role: Annotated[Role, typer.Option(help="What the person may do.")] = Role.VIEWER,
    display: Annotated[str, typer.Option(metavar="TEXT", help="The name that others read.")] = "",
    password_stdin: FromStdin = False,
    config: ConfigFile = None,
) -> None:
    """Add a person who can log in.

    The command asks for the password, or reads it from standard input with --password-stdin.
    """
    settings = load_settings(config)
    if not people.is_login(name):
        raise CommandError(f"{name!r} cannot be a name to log in with: use a-z, 0-9 and ._@+- only.")
    hashed = _password(password_stdin)
    with_conn(
        settings,
        lambda conn: people.add_person(conn, name, display, role, hashed, COMMAND_LINE, system_clock()),
    )
    show(f"{name} may log in as {role.value}.")


@users.command("list")
def users_list(*, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """List all people with their roles."""
    out = OutputTable(
        ("Name", "Called", "Role", "Logs in with", "Since", "Disabled"), "Nobody is on file yet."
    )
    for one in with_conn(load_settings(config), people.people):
        ways = [*(["password"] if one.has_password else []), *([one.oidc_issuer] if one.oidc_issuer else [])]
        out.add(
            (
                one.login,
                one.display_name,
                one.role.value,
                ", ".join(ways),
                moment(one.created_at),
                moment(one.disabled_at),
            ),
            {
                "login": one.login,
                "name": one.display_name,
                "role": one.role.value,
                "password": one.has_password,
                "provider": one.oidc_issuer,
                "created_at": one.created_at.isoformat(),
                "disabled_at": one.disabled_at and one.disabled_at.isoformat(),
            },
        )
    out.show("users", as_json=as_json)


@users.command("role")
def users_role(name: Name, role: Annotated[Role, typer.Argument()], *, config: ConfigFile = None) -> None:
    """Change a person's role.

    The person is logged out.
    """
    with_conn(
        load_settings(config),
        lambda conn: people.set_role(conn, name, role, COMMAND_LINE, system_clock()),
    )
    show(f"{name} is {role.value}.")


@users.command("password")
def users_password(name: Name, *, password_stdin: FromStdin = False, config: ConfigFile = None) -> None:
    """Change a person's password.

    The person is logged out.
    """
    settings = load_settings(config)
    with_conn(settings, lambda conn: people.person_called(conn, name))
    hashed = _password(password_stdin)
    with_conn(settings, lambda conn: people.set_password(conn, name, hashed, COMMAND_LINE, system_clock()))
    show(f"{name} logs in with the new password.")


@users.command("disable")
def users_disable(name: Name, *, config: ConfigFile = None) -> None:
    """Disable a person and that person's tokens."""
    with_conn(load_settings(config), lambda conn: people.disable(conn, name, COMMAND_LINE, system_clock()))
    show(f"{name} may not log in any more.")


@users.command("enable")
def users_enable(name: Name, *, config: ConfigFile = None) -> None:
    """Enable a person who was disabled."""
    with_conn(load_settings(config), lambda conn: people.enable(conn, name, COMMAND_LINE, system_clock()))
    show(f"{name} may log in again.")


@tokens.command("add")
def tokens_add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the token is for.")],
    *,
    whose: Annotated[
        str, typer.Option("--for", metavar="NAME", help="It reaches no further than this person.")
    ],
    scope: Annotated[Scope, typer.Option(help="How far it reaches.")] = Scope.READ,
    expires: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Such as 90d.", show_default="never")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Create a token and print it.

    The token is shown only this once.
    """
    settings, now, secret = load_settings(config), system_clock(), new_token()
    try:
        until = None if expires is None else now + parse_duration(expires)
    except (ValueError, OverflowError) as error:
        raise CommandError(f"--expires: {error}") from error

    async def made(conn: Conn) -> int:
        person = await people.person_called(conn, whose)
        key = token_hash(secret)
        return await stored_tokens.add_token(
            conn, person.person_id, key, name, scope, until, COMMAND_LINE, now
        )

    with_conn(settings, made)
    show(secret)


@tokens.command("list")
def tokens_list(*, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """List all tokens with their owners and last use."""
    columns = ("Number", "Of", "For", "Scope", "Made", "Ends", "Used", "Revoked")
    out = OutputTable(columns, "There are no tokens.")
    for one in with_conn(load_settings(config), stored_tokens.tokens):
        out.add(
            (
                str(one.token_id),
                one.login,
                one.name,
                one.scope.value,
                moment(one.created_at),
                moment(one.expires_at),
                moment(one.used_at),
                moment(one.revoked_at),
            ),
            {
                "token": one.token_id,
                "login": one.login,
                "name": one.name,
                "scope": one.scope.value,
                "created_at": one.created_at.isoformat(),
                "expires_at": one.expires_at and one.expires_at.isoformat(),
                "used_at": one.used_at and one.used_at.isoformat(),
                "revoked_at": one.revoked_at and one.revoked_at.isoformat(),
                "revoked_by": one.revoked_by,
            },
        )
    out.show("tokens", as_json=as_json)


@tokens.command("revoke")
def tokens_revoke(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="See tokens list.")],
    *,
    config: ConfigFile = None,
) -> None:
    """Revoke a token."""
    if not (number.isascii() and number.isdecimal()) or len(number) > LONGEST_NUMBER:
        raise CommandError(f"There is no token {number!r}.")
    with_conn(
        load_settings(config),
        lambda conn: stored_tokens.revoke_token(conn, int(number), None, COMMAND_LINE, system_clock()),
    )
    show(f"Token {int(number)} lets nobody in any more.")


def _password(from_stdin: bool) -> str:
    """The hash of a password that is asked for; a password in the arguments would be seen by everybody."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        raise CommandError("Nobody is there to ask for a password: give it by --password-stdin.")
    try:
        return hash_of(password)
    except WrongPassword as error:
        raise CommandError(str(error)) from error
