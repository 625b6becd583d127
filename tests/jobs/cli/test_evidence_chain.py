"""A chain that its owner made again is whole in itself; time stamps and kept heads show it."""

import asyncio
import json
from collections.abc import Generator
from pathlib import Path

import pytest

from storage.postgres.pool import open_pool, transaction
from tests.support.clients.command_line import Blockline
from tests.support.seeds.audit_entries import (
    AUDIT_CHAIN_MADE_AGAIN,
    CHAIN_HEAD_MADE_AGAIN,
    as_owner,
    logged,
)
from tests.support.seeds.chain_rows import block_of
from tests.support.servers.timestamp_authority import Openssl, authority_in_thread

ALTERED = "update audit_log set actor = 'bob' where audit_id = 3"
NO_ANCHOR = """
    alter table chain_anchor disable trigger user;
    delete from chain_anchor;
    alter table chain_checkpoint disable trigger user;
    delete from chain_checkpoint;
"""
OTHER_NOTE = """
    alter table chain_checkpoint disable trigger user;
    update chain_checkpoint set note = replace(note, E'\\n9\\n', E'\\n8\\n');
"""


@pytest.fixture
def anchored(run: Blockline, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Openssl]:
    """Four changes with outcomes, six acts, and a time stamp on entry 9, the head of the acts."""

    async def made() -> None:
        async with open_pool(dsn, max_size=1) as pool:
            async with transaction(pool) as conn:
                await block_of(conn)
            await logged(pool)

    asyncio.run(made())
    openssl = Openssl(tmp_path / "tsa")
    with authority_in_thread(openssl) as tsa:
        monkeypatch.setenv("BLOCKLINE_TSA_URL", tsa.url)
        monkeypatch.setenv("BLOCKLINE_TSA_CERTIFICATES", str(openssl.root))
        ran = run("evidence", "anchor")
        assert (ran.code, ran.err) == (0, "")
        assert "signed the checkpoint of 9 entries on" in ran.out
        yield openssl


def done_as_owner(dsn: str, *commands: str) -> None:
    async def done() -> None:
        async with open_pool(dsn, max_size=1) as pool:
            await as_owner(pool, *commands)

    asyncio.run(done())


def add_acts(dsn: str, acts: int) -> None:
    async def added() -> None:
        async with open_pool(dsn, max_size=1) as pool:
            await logged(pool, acts)

    asyncio.run(added())


def checks(run: Blockline, part: str) -> list[tuple[str, str]]:
    found = run("doctor", "--json").json["checks"]
    return [(c["verdict"], c["said"]) for c in found if c["part"] == part]


def test_both_chains_are_compared_with_the_time_stamps(run: Blockline, anchored: Openssl, dsn: str) -> None:
    add_acts(dsn, 2)
    ran = run("evidence", "chain")
    assert (ran.code, ran.err) == (0, "")
    whole, audit, signed, stamps = ran.said
    assert signed == "The log continues all stored checkpoints; the newest covers 9 entries."
    assert whole == "The chain is whole: 9 entries, computed again from the recorded data."
    assert audit.startswith(
        "The audit log is whole: 8 entries, computed again from the recorded data; last anchored"
    )
    assert audit.endswith("UTC, without the newest 2 entries.")
    assert stamps == "Compared with 1 time stamp."
    assert run("evidence", "chain", "--json").json == {
        "ok": True,
        "entries": 9,
        "purged": 0,
        "broken": None,
        "tree": None,
        "checkpoints": {"signed": 9, "wrong": None, "given": 0, "given_wrong": []},
        "audit_log": {"entries": 8, "broken": None, "in_chain": 6, "anchored": 6},
        "time_stamps": {"stored": 1, "signatures_checked": True, "wrong": None},
        "heads": {"given": 0, "missing": None},
    }


def test_a_checkpoint_and_its_time_stamp_show_that_all_was_computed_again(
    run: Blockline, anchored: Openssl, dsn: str
) -> None:
    done_as_owner(dsn, ALTERED, AUDIT_CHAIN_MADE_AGAIN, CHAIN_HEAD_MADE_AGAIN)
    ran = run("evidence", "chain")
    assert (ran.code, ran.complaints) == (
        1,
        [
            "The checkpoints do not match: the log does not begin with the 9 entries of a signed checkpoint, "
            "so an entry or a node of the tree was altered."
        ],
    )
    done_as_owner(dsn, OTHER_NOTE)
    (complaint,) = run("evidence", "chain").complaints
    assert "the stored checkpoint of 9 entries was altered (the key did not sign it)." in complaint
    assert complaint.endswith(
        "on the checkpoint of 9 entries does not match: the answer is a time stamp of other data. The "
        "checkpoint was altered."
    )


def test_a_time_stamp_on_an_entry_from_an_earlier_version_is_compared(
    run: Blockline, anchored: Openssl, dsn: str
) -> None:
    done_as_owner(
        dsn,
        "alter table chain_anchor disable trigger user",
        "update chain_anchor set checkpoint_id = null",
        "alter table chain_checkpoint disable trigger user",
        "delete from chain_checkpoint",
    )
    (complaint,) = run("evidence", "chain").complaints
    assert complaint.endswith(
        "on entry 9 does not match: the answer is a time stamp of other data. This entry or an earlier one "
        "was altered."
    )
    done_as_owner(
        dsn,
        "alter table chain_anchor drop constraint chain_anchor_seq_fkey",
        "delete from chain where seq = 9",
    )
    assert run("evidence", "chain").complaints[-1].endswith("on entry 9 has no entry: the entry was removed.")


def test_heads_that_were_kept_show_it_where_the_time_stamps_were_deleted_too(
    run: Blockline, anchored: Openssl, dsn: str
) -> None:
    assert run("evidence", "heads", "--output", "heads.json").code == 0
    head = json.loads(Path("heads.json").read_text())["heads"][-1]["head"]
    for option in (("--heads", "heads.json"), ("--head", head)):
        ran = run("evidence", "chain", *option)
        assert ran.code == 0
        assert any(line.startswith("Compared with ") for line in ran.said)
    done_as_owner(dsn, NO_ANCHOR, ALTERED, AUDIT_CHAIN_MADE_AGAIN, CHAIN_HEAD_MADE_AGAIN)
    assert run("evidence", "chain").code == 0, "the database alone does not show it"
    ran = run("evidence", "chain", "--heads", "heads.json")
    assert (ran.code, ran.out) == (1, "")
    (complaint,) = ran.complaints
    assert complaint.startswith(
        "The log does not continue the given checkpoint of 9 entries, which its key signed. An entry was "
        "altered or removed, an older backup was restored, or the key signed another log. The chain does "
        "not contain entry 9, the head of 20"
    )
    assert complaint.endswith(
        ": no entry has its number and its hash. That entry or an earlier one was altered or removed, or an "
        "older backup was restored."
    )
    assert (
        run("evidence", "chain", "--head", head)
        .complaints[0]
        .startswith(
            "The chain does not contain the head that you gave: no entry has its number and its hash."
        )
    )


def test_a_time_stamp_that_anybody_may_have_made_proves_nothing(
    run: Blockline, anchored: Openssl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOCKLINE_TSA_CERTIFICATES", str(Openssl(tmp_path / "other").root))
    ran = run("evidence", "chain")
    assert (ran.code, ran.out) == (1, "")
    assert "is not proved: its signature could not be verified" in ran.complaints[0]
    monkeypatch.delenv("BLOCKLINE_TSA_CERTIFICATES")
    monkeypatch.delenv("BLOCKLINE_TSA_URL")
    ran = run("evidence", "chain")
    assert (ran.code, ran.said[-1]) == (
        0,
        "Compared with 1 time stamp, but not their signatures: set tsa_certificates.",
    )


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        pytest.param(("--head", "abc"), "--head: 'abc' is not a chain head.", id="no hash"),
        pytest.param(("--heads", "none.json"), "none.json: the file does not exist.", id="no file"),
    ],
)
def test_a_head_that_is_none_is_told_in_one_sentence(
    run: Blockline, option: tuple[str, str], complaint: str
) -> None:
    ran = run("evidence", "chain", *option)
    assert (ran.code, ran.out) == (1, "")
    assert ran.complaints[0].startswith(complaint)


@pytest.mark.slow
def test_the_doctor_says_it_in_one_line(run: Blockline, anchored: Openssl, dsn: str) -> None:
    ((verdict, said),) = checks(run, "audit log")
    assert verdict == "ok"
    assert said.startswith("The audit log: 6 entries, chained, last anchored ")
    done_as_owner(dsn, ALTERED)
    ((verdict, said),) = checks(run, "audit log")
    assert verdict == "mend"
    assert said.startswith(
        "The audit log is broken at entry 3 (number 3 of the audit log): its stored data is"
    )
    done_as_owner(dsn, AUDIT_CHAIN_MADE_AGAIN, CHAIN_HEAD_MADE_AGAIN)
    ((verdict, said),) = checks(run, "chain")
    assert verdict == "mend"
    assert "the log does not begin with the 9 entries of a signed checkpoint" in said
