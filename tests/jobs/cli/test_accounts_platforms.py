"""Watch lists and executives on three platforms, through the real entry and on a real database."""

import sys
from io import StringIO
from pathlib import Path

import pytest

from tests.support.clients.command_line import Blockline
from tests.support.simulated.several_platforms import (
    BOB,
    HEALTHY,
    TAKEN_DOWN,
)

WATCH = "platform,handle,account_id,list\n"
EXECUTIVES = "platform,handle,name,title\n"


def file(content: str) -> str:
    """Written where the command runs."""
    Path("watch.csv").write_text(content)
    return "watch.csv"


def test_accounts_of_a_platform_that_the_settings_leave_out_are_refused(
    run: Blockline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOCKLINE_PLATFORMS", "x")
    ran = run("accounts", "import", file(f"{WATCH}x,alpha,1001,\nbluesky,b.test,{HEALTHY},\n"))
    assert ran.code == 1
    assert ran.complaints[0] == (
        "watch.csv, line 3: @b.test is on Bluesky, which is not read (setting platforms)."
    )
    assert run("accounts", "list", "--json").json == {"accounts": []}


def test_a_removed_account_may_be_named_by_its_address(run: Blockline) -> None:
    run("accounts", "import", file(f"{WATCH}bluesky,taken.test,{TAKEN_DOWN},L\n"))
    ran = run("accounts", "remove", "bluesky", "https://bsky.app/profile/taken.test")
    assert (ran.code, ran.out) == (
        0,
        f"@taken.test ({TAKEN_DOWN}) is no longer watched. Its readings and changes are kept.\n",
    )
    assert run("accounts", "remove", "x", "https://bsky.app/profile/taken.test").err == (
        "'https://bsky.app/profile/taken.test' names an account of Bluesky, not of X.\n"
    )


def test_executives_of_every_platform_are_listed_apart(online: Blockline) -> None:
    people = file(
        EXECUTIVES + "bluesky,healthy.test,Hea Lthy,CEO\nmastodon,https://social.example/@bob,Bob,Founder\n"
    )
    assert online("executives", "import", people).code == 0
    again = online("executives", "import", people)
    assert again.said[-1] == "2 executives of watch.csv stored; no line added or changed data."
    on_mastodon = online("executives", "list", "--platform", "mastodon", "--json").json["executives"]
    assert [(e["handle"], e["account_id"]) for e in on_mastodon] == [("bob@social.example", BOB)]
    assert len(online("executives", "list", "--json").json["executives"]) == 2


@pytest.mark.parametrize(
    ("answer", "code", "handle"), [("y\n", 0, "1001"), ("n\n", 1, "alpha"), ("", 1, "alpha")]
)
def test_a_purge_asks_once_and_does_nothing_without_a_yes(
    run: Blockline, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, handle: str
) -> None:
    run("accounts", "import", file(f"{WATCH}x,alpha,1001,L\n"))
    monkeypatch.setattr(sys, "stdin", StringIO(answer))
    ran = run("purge", "x", "https://x.com/ALPHA")
    assert ran.code == code
    assert ran.err.count("Purge it? [y/N]") == 1
    (account,) = run("accounts", "list", "--list", "L", "--json").json["accounts"]
    assert account["handle"] == handle
