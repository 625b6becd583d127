"""Commands about access: people who can use the dashboard, tokens for programs, and keys that sign links."""

import sys
from typing import Annotated

import typer

from dashboard.auth.passwords import WrongPassword, hash_of, new_token, token_hash
from jobs.base.errors import CommandError
from jobs.base.output import OutputTable, moment, show
from jobs.cli.command import COMMAND_LINE, AsJson, ConfigFile, examples
from jobs.config.database import with_conn
from jobs.config.demonstration import command_clock
from jobs.config.settings import load_settings
from storage.alerts import outbox
from storage.model.core.people import Role, Scope
from storage.model.text.units import parse_duration
from storage.people import people
from storage.people import tokens as stored_tokens
from storage.people.second_factor import reset_second_factor
from storage.postgres.installation import rotate_keys
from storage.postgres.pool import Conn

Name = Annotated[str, typer.Argument(metavar="NAME", help="Login name of the person.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from one line of standard input.")
]
LONGEST_NUMBER = 18

users = typer.Typer(no_args_is_help=True, epilog=examples("blockline users add ada --role admin"))
tokens = typer.Typer(no_args_is_help=True, epilog=examples("blockline tokens list"))
secrets = typer.Typer(no_args_is_help=True, epilog=examples("blockline secrets rotate"))


def register(cli: typer.Typer) -> None:
    cli.add_typer(users, name="users")
    cli.add_typer(tokens, name="tokens")
    cli.add_typer(secrets, name="secrets")


@users.command("add", epilog=examples("blockline users add ada --role admin"))
def users_add(
    name: Name,
    *,
    role: Annotated[Role, typer.Option(help="Role of the person.")] = Role.VIEWER,
    display: Annotated[str, typer.Option(metavar="TEXT", help="Name shown to others.")] = "",
    password_stdin: FromStdin = False,
    config: ConfigFile = None,
) -> None:
    """Add a person who can log in.

    The command asks for the password, or reads it from standard input with --password-stdin.
    """
    settings = load_settings(config)
    if not people.is_login(name):
        raise CommandError(
            f"{name!r} cannot be a login name: use only a-z, 0-9 and ._@+-, and not a reserved word."
        )
    hashed = _password(name, password_stdin)
    with_conn(
        settings,
        lambda conn: people.add_person(conn, name, display, role, hashed, COMMAND_LINE, command_clock()),
    )
    show(f"{name} can log in as {role.value}.")


@users.command("list", epilog=examples("blockline users list"))
def users_list(*, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """List all people with their roles."""
    out = OutputTable(
        ("Name", "Display name", "Role", "Login", "Second factor", "Created", "Disabled"),
        "No people are stored yet.",
    )
    for one in with_conn(load_settings(config), people.people):
        ways = [*(["password"] if one.has_password else []), *([one.oidc_issuer] if one.oidc_issuer else [])]
        out.add(
            (
                one.login,
                one.display_name,
                one.role.value,
                ", ".join(ways),
                moment(one.second_factor_since),
                moment(one.created_at),
                moment(one.disabled_at),
            ),
            {
                "login": one.login,
                "name": one.display_name,
                "role": one.role.value,
                "password": one.has_password,
                "provider": one.oidc_issuer,
                "second_factor_since": one.second_factor_since and one.second_factor_since.isoformat(),
                "created_at": one.created_at.isoformat(),
                "disabled_at": one.disabled_at and one.disabled_at.isoformat(),
            },
        )
    out.show("users", as_json=as_json)


@users.command("role", epilog=examples("blockline users role ada analyst"))
def users_role(
    name: Name, role: Annotated[Role, typer.Argument(help="The new role.")], *, config: ConfigFile = None
) -> None:
    """Change a person's role.

    The person is logged out.
    """
    with_conn(
        load_settings(config),
        lambda conn: people.set_role(conn, name, role, COMMAND_LINE, command_clock()),
    )
    show(f"{name} now has the role {role.value}.")


@users.command("password", epilog=examples("blockline users password ada"))
def users_password(name: Name, *, password_stdin: FromStdin = False, config: ConfigFile = None) -> None:
    """Change a person's password.

    The person is logged out.
    """
    settings = load_settings(config)
    with_conn(settings, lambda conn: people.person_called(conn, name))
    hashed = _password(name, password_stdin)
    with_conn(settings, lambda conn: people.set_password(conn, name, hashed, COMMAND_LINE, command_clock()))
    show(f"The password of {name} is changed.")


@users.command("reset-second-factor", epilog=examples("blockline users reset-second-factor ada"))
def users_reset_second_factor(name: Name, *, config: ConfigFile = None) -> None:
    """Remove the second factor of a person who has lost it.

    The person is logged out. The next login asks for the password only. Where the role requires it, the
    login also asks to set up another one.
    """
    done = with_conn(
        load_settings(config),
        lambda conn: reset_second_factor(conn, name, COMMAND_LINE, command_clock()),
    )
    show(f"The second factor of {name} is removed." if done else f"{name} has no second factor.")


@users.command("disable", epilog=examples("blockline users disable ada"))
def users_disable(name: Name, *, config: ConfigFile = None) -> None:
    """Disable a person and that person's tokens."""
    with_conn(load_settings(config), lambda conn: people.disable(conn, name, COMMAND_LINE, command_clock()))
    show(f"{name} can no longer log in.")


@users.command("enable", epilog=examples("blockline users enable ada"))
def users_enable(name: Name, *, config: ConfigFile = None) -> None:
    """Enable a person who was disabled."""
    with_conn(load_settings(config), lambda conn: people.enable(conn, name, COMMAND_LINE, command_clock()))
    show(f"{name} can log in again.")


@tokens.command("add", epilog=examples("blockline tokens add grafana --for ada --expires 90d"))
def tokens_add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Purpose of the token.")],
    *,
    whose: Annotated[
        str, typer.Option("--for", metavar="NAME", help="Owner; the token has at most this person's rights.")
    ],
    scope: Annotated[Scope, typer.Option(help="Rights of the token.")] = Scope.READ,
    expires: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Lifetime, such as 90d.", show_default="never")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Create a token and print it.

    The token is shown only this once.
    """
    settings, now, secret = load_settings(config), command_clock(), new_token()
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


@tokens.command("list", epilog=examples("blockline tokens list"))
def tokens_list(*, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """List all tokens with their owners and last use."""
    columns = ("Number", "Owner", "Purpose", "Scope", "Created", "Expires", "Last used", "Revoked")
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


@tokens.command("revoke", epilog=examples("blockline tokens revoke 3"))
def tokens_revoke(
    number: Annotated[str, typer.Argument(metavar="N", help="Number of the token (see `tokens list`).")],
    *,
    config: ConfigFile = None,
) -> None:
    """Revoke a token."""
    if not (number.isascii() and number.isdecimal()) or len(number) > LONGEST_NUMBER:
        raise CommandError(f"There is no token {number!r}.")
    with_conn(
        load_settings(config),
        lambda conn: stored_tokens.revoke_token(conn, int(number), None, COMMAND_LINE, command_clock()),
    )
    show(f"Token {int(number)} is revoked.")


@secrets.callback()
def secrets_group() -> None:
    """Change the keys of this installation. Passwords and tokens in the settings are not changed."""


@secrets.command("rotate", epilog=examples("blockline secrets rotate"))
def secrets_rotate(*, config: ConfigFile = None) -> None:
    """Change the keys, so that links in all earlier emails are void.

    Use it when a backup, or a copy of the emails, may be in the wrong hands. Running processes use the new
    keys at once. Sessions and tokens stay valid.
    """

    async def rotated(conn: Conn) -> None:
        await outbox.begin(conn)  # Emails that a notifier is writing are stored first, with the old key.
        await rotate_keys(conn, COMMAND_LINE, command_clock())

    with_conn(load_settings(config), rotated)
    show(
        "The keys are changed: links in emails written until now are void, and people who are logging in "
        "through a provider must begin again."
    )


def _password(login: str, from_stdin: bool) -> str:
    """Ask for a password, and return its hash. As an argument, other users of the machine would see it."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        raise CommandError("There is no terminal to ask for the password; use --password-stdin.")
    try:
        return hash_of(password, login)
    except WrongPassword as error:
        raise CommandError(str(error)) from error
