"""The commands about people and tokens, as their user meets them."""

import asyncio
import io

import pytest

from dashboard.auth.passwords import token_hash
from storage.people.people import person_called
from storage.people.second_factor import add_second_factor
from storage.postgres.pool import open_pool, transaction
from tests.support.clients.command_line import Blockline, Ran
from tests.support.samples.readings import minutes

PASSWORD = "correct horse battery"


@pytest.fixture
def run(run: Blockline, monkeypatch: pytest.MonkeyPatch) -> Blockline:
    def with_password(*arguments: object) -> Ran:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
        return run(*arguments)

    return with_password


def test_what_is_done_to_people_is_in_the_log_under_the_command_line(run: Blockline) -> None:
    run("users", "add", "ada", "--role", "admin", "--password-stdin")
    run("users", "add", "bob", "--password-stdin")
    assert run("users", "role", "bob", "analyst").said == ["bob now has the role analyst."]
    assert run("users", "password", "bob", "--password-stdin").said == ["The password of bob is changed."]
    assert run("users", "disable", "BOB").said == ["BOB can no longer log in."]
    assert run("users", "enable", "bob").said == ["bob can log in again."]
    log = run("alerts", "log", "--json").json["log"]
    assert [(e["actor"], e["action"], e["subject"]) for e in reversed(log)] == [
        ("command line", "person added", "ada"),
        ("command line", "person added", "bob"),
        ("command line", "role changed", "bob"),
        ("command line", "password set", "bob"),
        ("command line", "person disabled", "bob"),
        ("command line", "person enabled", "bob"),
    ]
    assert PASSWORD not in str(log)
    assert "argon2" not in str(log)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["add", "ADA", "--password-stdin"], "There is already a user called 'ADA'."),
        (["add", "settings", "--password-stdin"], "'settings' cannot be a login name"),
        (["add", "command line", "--password-stdin"], "'command line' cannot be a login name"),
        (["add", "bob"], "There is no terminal to ask for the password; use --password-stdin."),
        (["password", "bob", "--password-stdin"], "There is no user called 'bob'."),
        (["role", "ada", "viewer"], "ada is the last admin. Make another user an admin first."),
        (["disable", "ada"], "ada is the last admin. Make another user an admin first."),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    run: Blockline, arguments: list[str], sentence: str
) -> None:
    run("users", "add", "ada", "--role", "admin", "--password-stdin")
    before = run("users", "list", "--json").json
    ran = run("users", *arguments)
    assert (ran.code, len(ran.complaints)) == (1, 1)
    assert ran.err.startswith(sentence)
    assert run("users", "list", "--json").json == before


def test_a_short_password_is_refused(run: Blockline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.jobs.cli.test_users.PASSWORD", "short")
    ran = run("users", "add", "ada", "--password-stdin")
    assert (ran.code, ran.err) == (1, "A password needs at least 12 characters.\n")


def test_a_lost_second_factor_is_reset_by_command(run: Blockline, dsn: str) -> None:
    run("users", "add", "ada", "--role", "admin", "--password-stdin")
    assert run("users", "reset-second-factor", "ada").said == ["ada has no second factor."]

    async def set_up() -> None:
        async with open_pool(dsn) as pool, transaction(pool) as conn:
            person = await person_called(conn, "ada")
            codes = [token_hash("a code")]
            await add_second_factor(conn, person.person_id, "ada", "ABCDEFGH", 1, codes, minutes(0))

    asyncio.run(set_up())
    (ada,) = run("users", "list", "--json").json["users"]
    assert ada["second_factor_since"] == minutes(0).isoformat()
    assert run("users", "reset-second-factor", "ADA").said == ["The second factor of ADA is removed."]
    (ada,) = run("users", "list", "--json").json["users"]
    assert ada["second_factor_since"] is None
    newest = run("alerts", "log", "--json").json["log"][0]
    assert (newest["actor"], newest["action"], newest["subject"]) == (
        "command line",
        "second factor reset",
        "ada",
    )
    assert run("users", "reset-second-factor", "bob").err == "There is no user called 'bob'.\n"


def test_a_token_is_printed_once_listed_and_revoked(run: Blockline) -> None:
    run("users", "add", "ada", "--role", "admin", "--password-stdin")
    assert run("tokens", "list").said == ["There are no tokens."]
    ran = run("tokens", "add", "wall screen", "--for", "ada", "--scope", "feeds", "--expires", "90d")
    (secret,) = ran.said
    assert ran.code == 0
    assert secret.startswith("blockline_")
    (token,) = run("tokens", "list", "--json").json["tokens"]
    assert (token["login"], token["name"], token["scope"]) == ("ada", "wall screen", "feeds")
    assert token["expires_at"] is not None
    assert secret not in run("tokens", "list").out
    assert run("tokens", "revoke", token["token"]).said == ["Token 1 is revoked."]
    assert run("tokens", "revoke", "1").err == "There is no active token 1.\n"
    assert run("tokens", "revoke", "x").err == "There is no token 'x'.\n"
    assert run("tokens", "add", "n", "--for", "bob").err == "There is no user called 'bob'.\n"
    assert run("tokens", "add", "n", "--for", "ada", "--expires", "soon").err.startswith(
        "--expires: 'soon' is"
    )
