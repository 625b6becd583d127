"""The commands about purges, as their user meets them."""

from pathlib import Path

import pytest

from tests.support.clients.command_line import Blockline


@pytest.fixture
def run(run: Blockline) -> Blockline:
    """Commands on a database that holds one account."""
    Path("a.csv").write_text("platform,handle,account_id,list\nx,alpha,1001,L\n", encoding="utf-8")
    assert run("accounts", "import", "a.csv").code == 0
    return run


def test_a_whole_purge_says_what_went_and_what_stays(run: Blockline) -> None:
    ran = run("purge", "x", "@alpha", "--whole", "--yes", "--reason", "asked for on 3 May")
    assert (ran.code, ran.err) == (0, "")
    assert ran.said == [
        "@alpha (1001) is purged completely. Removed: 0 changes, 0 pieces of evidence, 1 handle, 0 "
        "side facts, 0 emails, 0 engagements of executives. It is no longer watched.",
        "Kept: the meaningless name purged-1 in the proof of readings, and the hashes of its "
        "changes in the hash chain.",
    ]
    assert run("accounts", "list", "--list", "L", "--json").json["accounts"] == []
    assert run("purge", "x", "alpha", "--whole", "--yes").err == ("No account on X is stored as alpha.\n")


def test_every_purge_is_listed_with_its_reason(run: Blockline) -> None:
    assert run("purges").said == ["No account was purged yet."]
    run("purge", "x", "alpha", "--yes")
    run("purge", "x", "1001", "--whole", "--yes", "--reason", "=cmd()\nby the desk")
    whole, content = run("purges", "--json").json["purges"]
    assert (whole["whole"], whole["native_id"], whole["reason"]) == (True, "purged-1", "=cmd()\nby the desk")
    assert (content["whole"], content["handles"], content["reason"]) == (False, 1, "")
    assert "its content" in run("purges").out


def test_a_whole_purge_asks_and_names_what_brings_it_back(
    run: Blockline, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = run("purge", "x", "alpha", "--whole")
    assert ran.code == 1
    assert "Only an earlier backup still has it. Purge the whole account? [y/N]" in ran.err
    assert run("accounts", "list", "--json").json["accounts"][0]["handle"] == "alpha"


def test_a_dry_run_says_what_would_go_and_removes_nothing(run: Blockline) -> None:
    ran = run("purge", "x", "alpha", "--dry-run")
    assert (ran.code, ran.err) == (0, "")
    assert ran.said == [
        "A purge of @alpha (1001) would remove: 0 pieces of evidence, 1 handle, 0 side facts, 0 emails. It "
        "would no longer be watched.",
        "It would keep: its id, 0 changes and 0 engagements of executives with their times, and the SHA-256 "
        "of each piece of evidence.",
    ]
    assert run("purge", "x", "alpha", "--dry-run", "--whole", "--json").json["handles"] == 1
    assert run("purges").said == ["No account was purged yet."]
    assert run("accounts", "list", "--json").json["accounts"][0]["handle"] == "alpha"
