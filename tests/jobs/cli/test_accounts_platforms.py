"""Watch lists and executives on three platforms, through the real entry and on a real database."""

import sys
from io import StringIO
from pathlib import Path

import pytest

from tests.support.clients.command_line import Blockline
from tests.support.simulated.several_platforms import (
    ALICE,
    BOB,
    FROZEN,
    HEALTHY,
    HIDDEN,
    TAKEN_DOWN,
)

WATCH = "platform,handle,account_id,list\n"
EXECUTIVES = "platform,handle,name,title\n"


def file(content: str) -> str:
    """Written where the command runs."""
    Path("watch.csv").write_text(content)
    return "watch.csv"


def test_handles_and_addresses_are_resolved_by_their_own_platform(online: Blockline) -> None:
    ran = online(
        "accounts",
        "import",
        file(
            "platform,handle,account_id,list\n"
            "x,https://x.com/ALPHA,,L\n"
            "bluesky,@healthy.test,,L\n"
            f"bluesky,https://bsky.app/profile/{HIDDEN},,L\n"
            "mastodon,@alice@mastodon.example,,L\n"
            "mastodon,https://mastodon.example/@frozen,,L\n"
            "mastodon,bob@social.example,https://social.example/users/bob,L\n"
        ),
    )
    assert (ran.code, ran.err) == (0, "")
    assert ran.said[-1] == "6 accounts of watch.csv watched; 6 lines added or changed data."
    listed = online("accounts", "list", "--json").json["accounts"]
    assert {(a["platform"], a["account_id"], a["handle"]) for a in listed} == {
        ("x", "1001", "alpha"),
        ("bluesky", HEALTHY, "healthy.test"),
        ("bluesky", HIDDEN, "hidden.test"),
        ("mastodon", ALICE, "alice@mastodon.example"),
        ("mastodon", FROZEN, "frozen@mastodon.example"),
        ("mastodon", BOB, "bob@social.example"),
    }
    only = online("accounts", "list", "--platform", "bluesky", "--json").json["accounts"]
    assert [a["handle"] for a in only] == ["healthy.test", "hidden.test"]


def test_ids_of_every_platform_are_taken_as_they_are_without_asking_anybody(run: Blockline) -> None:
    watch = file(
        f"platform,handle,account_id\nx,a,1\nbluesky,b.test,{HEALTHY}\nmastodon,c@mastodon.example,{ALICE}\n"
    )
    assert run("accounts", "import", watch).code == 0
    listed = run("accounts", "list", "--json").json["accounts"]
    assert {a["account_id"] for a in listed} == {"1", HEALTHY, ALICE}
    assert run("accounts", "import", watch).said[-1].endswith("no line added or changed data.")


@pytest.mark.slow
def test_a_name_without_an_id_is_refused_with_the_reason_of_its_platform(online: Blockline) -> None:
    ran = online(
        "accounts",
        "import",
        file(
            "platform,handle,account_id\n"
            "bluesky,takendown.test,\n"
            "bluesky,closed.test,\n"
            "bluesky,nobody.test,\n"
            "mastodon,nobody@social.example,\n"
            "mastodon,alice@nowhere.invalid,\n"
        ),
    )
    assert (ran.code, ran.out) == (1, "")
    assert ran.complaints[:4] == [
        "watch.csv, line 2: @takendown.test is suspended, and Bluesky does not give the id of a suspended "
        "account: add its id, as bluesky:id:ID or as account_id of a table.",
        "watch.csv, line 3: @closed.test is deactivated, and Bluesky gives no id while it is: add its id, as "
        "bluesky:id:ID or as account_id of a table.",
        "watch.csv, line 4: Bluesky knows no account @nobody.test (deleted, renamed or never existed).",
        "watch.csv, line 5: Mastodon knows no account @nobody@social.example (deleted or never existed, or "
        "its server is another one).",
    ]
    assert ran.complaints[4].startswith(
        "watch.csv, line 6: Mastodon gave no answer for @alice@nowhere.invalid ("
    )


def test_an_actor_without_its_local_id_is_resolved_itself_whatever_the_handle_beside_it_says(
    online: Blockline,
) -> None:
    watch = file(
        "platform,handle,account_id\nmastodon,alice@mastodon.example,https://social.example/users/bob\n"
    )
    assert online("accounts", "import", watch).code == 0
    (account,) = online("accounts", "list", "--json").json["accounts"]
    assert (account["account_id"], account["handle"]) == (BOB, "bob@social.example")


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


def test_a_purge_takes_content_and_handles_and_says_what_stays(run: Blockline) -> None:
    run("accounts", "import", file(f"{WATCH}bluesky,taken.test,{TAKEN_DOWN},L\n"))
    ran = run("purge", "bluesky", "@Taken.Test", "--yes")
    assert (ran.code, ran.err) == (0, "")
    assert ran.said == [
        f"@taken.test ({TAKEN_DOWN}) is purged. Removed: 0 pieces of evidence, 1 handle, 0 side facts, "
        "0 emails. It is no longer watched.",
        "Kept: its id, 0 changes and 0 engagements of executives with their times, and the SHA-256 of each "
        "piece of evidence.",
    ]
    (account,) = run("accounts", "list", "--list", "L", "--json").json["accounts"]
    assert (account["handle"], account["watched"]) == (TAKEN_DOWN, False)
    again = run("purge", "bluesky", TAKEN_DOWN, "--yes", "--json")
    assert (again.code, again.json["handles"], again.json["was_watched"]) == (0, 0, False)


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


def test_a_purge_of_a_handle_that_two_accounts_have_asks_which(run: Blockline) -> None:
    run("accounts", "import", file(f"{WATCH}x,alpha,1001,L\n"))
    run("accounts", "remove", "x", "alpha")
    run("accounts", "import", file(f"{WATCH}x,alpha,2002,L\n"))
    ran = run("purge", "x", "alpha", "--yes")
    assert (ran.code, ran.err) == (
        1,
        ("2 accounts have the handle alpha. Give one of these ids: id:1001, id:2002.\n"),
    )
    assert run("purge", "x", "id:2002", "--yes").code == 0
    listed = run("accounts", "list", "--list", "L", "--json").json["accounts"]
    assert {a["account_id"]: a["handle"] for a in listed} == {"1001": "alpha", "2002": "2002"}


def test_a_purge_of_nobody_is_refused(run: Blockline) -> None:
    ran = run("purge", "mastodon", "@alice@mastodon.example", "--yes")
    assert (ran.code, ran.err) == (1, "No account on Mastodon is stored as alice@mastodon.example.\n")
