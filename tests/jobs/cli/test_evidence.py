"""The commands about proof as a user meets them: pack, verify, heads, chain, anchor."""

import asyncio
import json
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from collectors.x.declaration import X
from jobs.evidence.pack import PAGE, listed, manifest_in
from jobs.evidence.pack_files import read_pack, write_pack
from storage.model.core.accounts import Account
from storage.postgres.pool import Conn, Pool, open_pool, transaction
from storage.postgres.recording_order import moment
from storage.purge.purge import purge_account
from tests.support.clients.command_line import Blockline, console
from tests.support.samples.label_signing import POST, SUBJECT, stated, store
from tests.support.samples.readings import minutes
from tests.support.seeds.chain_rows import add_change, block_of
from tests.support.seeds.changes import enlist
from tests.support.seeds.people import (
    AUDIT_CHAIN_MADE_AGAIN,
    CHAIN_HEAD_MADE_AGAIN,
    as_owner,
    logged,
)
from tests.support.servers.dashboard import until
from tests.support.servers.timestamp_authority import Openssl, authority_in_thread


@pytest.fixture
def change(dsn: str) -> int:
    """A confirmed block, with evidence."""

    async def made() -> int:
        async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
            return (await block_of(conn))[1]

    return asyncio.run(made())


@pytest.fixture(scope="module")
def openssl(tmp_path_factory: pytest.TempPathFactory) -> Openssl:
    return Openssl(tmp_path_factory.mktemp("tsa") / "one")


def do(dsn: str, command: str) -> None:
    async def done() -> None:
        async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
            await conn.execute(command)

    asyncio.run(done())


@pytest.mark.parametrize(("named", "number"), [("2", 2), (POST, 3)])
def test_the_labels_about_a_post_are_written_by_the_number_of_one_and_by_its_id(
    run: Blockline, dsn: str, named: str, number: int
) -> None:
    async def made() -> None:
        async with open_pool(dsn, max_size=1) as pool:
            await store(pool, stated(SUBJECT))
            await store(pool, stated(POST), stated(POST, minutes(1), negated=True))

    asyncio.run(made())
    written = run("evidence", "label", named)
    assert (written.code, written.err) == (0, "")
    assert written.said == [
        f"blockline-evidence-label-{number}.zip contains the evidence of 2 labels about {POST}.",
        f"Check it anywhere with: blockline evidence verify blockline-evidence-label-{number}.zip",
    ]
    assert {"labels/1.cbor", "labels/2.sig", "keys/1.json"} < set(
        read_pack(Path(f"blockline-evidence-label-{number}.zip"))
    )
    again = run("evidence", "label", named, "--json", "--output", "labels.zip")
    assert again.json == {"subject": POST, "labels": 2, "file": "labels.zip"}


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("7", "There is no label 7."),
        ("did:plc:nobody", "No label about did:plc:nobody is stored."),
        ("9" * 30, f"No label about {'9' * 30} is stored."),
    ],
)
def test_without_a_label_no_file_is_written(run: Blockline, tmp_path: Path, named: str, said: str) -> None:
    refused = run("evidence", "label", named, "--output", "labels.zip")
    assert (refused.code, refused.complaints) == (1, [said])
    assert not (tmp_path / "labels.zip").exists()


def test_a_pack_is_written_and_verified_without_a_database(
    run: Blockline, change: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = run("evidence", change)
    assert (made.code, made.err) == (0, "")
    assert made.said == [
        "blockline-evidence-3.zip contains the evidence of change 3 in 11 files.",
        "Check it anywhere with: blockline evidence verify blockline-evidence-3.zip",
    ]
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    checked = run("evidence", "verify", "blockline-evidence-3.zip")
    assert (checked.code, checked.err) == (0, "")
    assert {line.split()[0] for line in checked.said[:-1]} == {"ok", "note"}
    assert checked.said[-1] == ("blockline-evidence-3.zip verifies; 1 note on what it does not prove.")
    asked = run("evidence", "verify", "blockline-evidence-3.zip", "--json").json
    assert asked["ok"] is True
    assert [c["verdict"] for c in asked["checks"]] == [line.split()[0] for line in checked.said[:-1]]


def test_a_pack_of_a_simulation_says_so_in_its_name_its_page_and_its_manifest(
    run: Blockline, change: int, dsn: str
) -> None:
    do(dsn, "insert into installation_key (name, key) values ('synthetic', '')")
    assert run("evidence", change).code == 0
    path = Path("blockline-evidence-synthetic-3.zip")
    files = read_pack(path)
    assert manifest_in(files).synthetic
    assert b"Synthetic scenario: this pack was made by a simulation." in files[PAGE]
    checked = run("evidence", "verify", path)
    assert checked.code == 0
    assert any(line.startswith("note") and "made by a simulation" in line for line in checked.said)
    unmarked = listed(files, replace(manifest_in(files), synthetic=False))
    write_pack(Path("unmarked.zip"), unmarked)
    assert run("evidence", "verify", "unmarked.zip").code == 1


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        pytest.param("99", "There is no change with the number or the key 99.", id="a number"),
        pytest.param("abc%", "There is no change with the number or the key abc%.", id="a pattern"),
        pytest.param(
            "x\x1b[31m", "There is no change with the number or the key x\ufffd[31m.", id="controls"
        ),
        pytest.param("", "The change is missing: give its number or its key.", id="nothing"),
        pytest.param("9" * 30, f"There is no change with the number or the key {'9' * 30}.", id="too long"),
    ],
)
def test_a_change_that_there_is_not_is_told_in_one_sentence(
    run: Blockline, change: int, name: str, complaint: str
) -> None:
    ran = run("evidence", name)
    assert (ran.code, ran.out, ran.complaints) == (1, "", [complaint])
    assert list(Path().glob("*evidence*")) == []


def test_a_key_that_means_more_than_one_change_is_refused(run: Blockline, change: int, dsn: str) -> None:
    async def more(conn: Conn) -> None:
        for key in ("feed01", "feed02"):
            await add_change(conn, 1, key, minutes(50))

    async def made() -> None:
        async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
            await more(conn)

    asyncio.run(made())
    ran = run("evidence", "feed")
    assert ran.complaints == ["feed matches more than one change: 5, 6. Give more of the key, or a number."]


def test_a_change_that_was_purged_is_told_as_that(run: Blockline, change: int, dsn: str) -> None:
    async def purged() -> None:
        async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
            account = await conn.fetchval("select account_id from change where change_id = $1", change)
            await purge_account(conn, account, minutes(60), whole=True)

    asyncio.run(purged())
    ran = run("evidence", change)
    assert ran.complaints == [("Change 3 was purged on 1 Feb 2021, 01:00 UTC. Only hashes of it are left.")]
    assert run("evidence", "chain").said == [
        "The chain is whole: 8 entries, computed again from the recorded data. "
        "The data of 4 of them was purged."
    ]


def test_what_is_there_already_is_not_overwritten(run: Blockline, change: int) -> None:
    Path("pack.zip").write_text("mine")
    ran = run("evidence", change, "--output", "pack.zip")
    assert (ran.code, ran.complaints) == (1, ["pack.zip exists already; name another file."])
    assert Path("pack.zip").read_text() == "mine"
    assert run("evidence", change, "--output", "no/pack.zip").complaints == [
        "no/pack.zip cannot be written: the folder no does not exist."
    ]


def test_of_a_row_that_was_altered_no_pack_is_written(run: Blockline, change: int, dsn: str) -> None:
    do(
        dsn,
        "alter table change disable trigger user; update change set withheld_in = '{TR}' where change_id = 3",
    )
    ran = run("evidence", change)
    assert ran.complaints == [
        "No pack was written, because the database contradicts itself: statement.json (change 3) "
        "is not what entry 5 of the chain attests."
    ]
    assert list(Path().glob("*evidence*")) == []
    chain = run("evidence", "chain")
    assert chain.complaints == [
        "The chain is broken at entry 5 (change 3): its stored data is not what was recorded. The 4 "
        "earlier entries match."
    ]
    said = run("evidence", "chain", "--json")
    assert (said.code, said.json["ok"], said.json["entries"]) == (1, False, 4)
    found = [c for c in run("doctor", "--json").json["checks"] if c["part"] == "chain"]
    assert [c["verdict"] for c in found] == ["mend"]
    assert "broken at entry 5 (change 3)" in found[0]["said"]


def test_heads_are_listed_and_a_pack_is_held_against_them(run: Blockline, change: int) -> None:
    assert run("evidence", "heads", "--since", "2021-02-02").said == ["Nothing is recorded yet."]
    table = run("evidence", "heads").out
    assert "2021-02-01" in table
    assert run("evidence", "heads", "--output", "heads.json").said == [
        "heads.json contains the heads of 1 day."
    ]
    listed = json.loads(Path("heads.json").read_text())
    assert listed == run("evidence", "heads", "--json").json
    (head,) = listed["heads"]
    assert (head["day"], head["seq"], head["anchors"]) == ("2021-02-01", 8, [])
    run("evidence", change)
    for option in (("--heads", "heads.json"), ("--head", head["head"].upper())):
        ran = run("evidence", "verify", "blockline-evidence-3.zip", *option)
        assert (ran.code, ran.err) == (0, "")
        assert not any(line.startswith("note") for line in ran.said)
        assert ran.said[-1] == "blockline-evidence-3.zip verifies."
    ran = run("evidence", "verify", "blockline-evidence-3.zip", "--head", "0" * 64)
    assert ran.code == 1
    assert ran.said[-1].startswith(
        "OPEN    The pack is not covered by these heads: it leads to none of them."
    )
    assert ran.complaints == [
        "blockline-evidence-3.zip is not fully verified: 1 check could not be completed."
    ]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        pytest.param(["--head", "abc"], "--head: 'abc' is not a chain head", id="not a head"),
        pytest.param(["--heads", "missing"], "missing: the file does not exist", id="no file"),
        pytest.param(["--heads", "blockline-evidence-3.zip"], "is not a list of chain heads", id="no list"),
        pytest.param(["--tsa-certs", "missing"], "missing: the file does not exist", id="no certificates"),
        pytest.param(["--tsa-certs", "blockline-evidence-3.zip"], "contains no certificate", id="no such"),
    ],
)
def test_what_the_verifier_gives_wrongly_is_told_in_one_sentence(
    run: Blockline, change: int, options: list[str], complaint: str
) -> None:
    run("evidence", change)
    ran = run("evidence", "verify", "blockline-evidence-3.zip", *options)
    assert (ran.code, ran.out, len(ran.complaints)) == (1, "", 1)
    assert complaint in ran.complaints[0]


def test_a_day_that_is_none_is_told(run: Blockline) -> None:
    ran = run("evidence", "heads", "--since", "yesterday")
    assert ran.complaints == ["--since: 'yesterday' is not a date; write it like 2021-02-01."]


def test_without_an_authority_in_the_settings_nothing_is_anchored(run: Blockline, openssl: Openssl) -> None:
    assert run("evidence", "anchor").complaints == [
        "Settings tsa_url and tsa_certificates are missing; set both."
    ]
    Path("blockline.toml").write_text('tsa_url = "https://tsa.example/tsa"\n')
    assert run("evidence", "anchor").complaints == [
        "Setting tsa_url (in blockline.toml) needs tsa_certificates. Set both tsa_url and "
        "tsa_certificates, or neither."
    ]
    Path("blockline.toml").write_text('tsa_url = "tsa.example"\n')
    assert run("evidence", "anchor").complaints == [
        "Setting tsa_url (in blockline.toml): 'tsa.example' is not an address such as "
        "https://authority.example/tsa."
    ]


def test_an_anchored_head_proves_a_pack_to_whoever_has_the_certificates(
    run: Blockline, change: int, openssl: Openssl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with authority_in_thread(openssl) as tsa:
        monkeypatch.setenv("BLOCKLINE_TSA_URL", tsa.url)
        monkeypatch.setenv("BLOCKLINE_TSA_CERTIFICATES", str(openssl.root))
        done = run("evidence", "anchor")
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("Test Authority signed the checkpoint of 8 entries on")
        assert run("evidence", "anchor").said == [
            f"The checkpoint of 8 entries already has a time stamp of {tsa.url}."
        ]
        assert tsa.asked == 1
    assert run("evidence", "heads", "--json").json["heads"][0]["anchors"][0]["authority"] == tsa.url
    assert run("evidence", change, "--output", "pack").code == 0
    ran = run("evidence", "verify", "pack", "--tsa-certs", openssl.root)
    assert (ran.code, ran.err) == (0, "")
    assert "The change 3 was recorded before Test Authority signed the checkpoint of 8 entries on" in ran.out
    noted = run("evidence", "verify", "pack")
    assert noted.code == 0
    assert "its signature is not checked without --tsa-certs" in noted.out
    stranger = Openssl(tmp_path / "stranger")
    ran = run("evidence", "verify", "pack", "--tsa-certs", stranger.root)
    assert ran.code == 1
    assert (
        "FAILED  anchors/1.tsr: its signature could not be verified with the authority's certificates."
        in ran.said
    )
    token = Path("pack/anchors/1.tsr")
    assert openssl.verifies(token.absolute(), Path("pack/checkpoints/1.txt").absolute())


def test_an_authority_that_fails_is_told_with_its_setting(
    run: Blockline, change: int, openssl: Openssl, monkeypatch: pytest.MonkeyPatch
) -> None:
    with authority_in_thread(openssl) as tsa:
        tsa.status = 500
        monkeypatch.setenv("BLOCKLINE_TSA_URL", tsa.url)
        monkeypatch.setenv("BLOCKLINE_TSA_CERTIFICATES", str(openssl.root))
        ran = run("evidence", "anchor")
    assert ran.complaints == [
        f"{tsa.url} (setting tsa_url) gave no valid time stamp: the authority answers with HTTP status 500."
    ]


ALTERED = "update audit_log set actor = 'bob' where audit_id = 3"
NO_ANCHOR = """
    alter table chain_anchor disable trigger user;
    delete from chain_anchor;
    alter table chain_checkpoint disable trigger user;
    delete from chain_checkpoint;
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


def checks(run: Blockline, part: str) -> list[tuple[str, str]]:
    found = run("doctor", "--json").json["checks"]
    return [(c["verdict"], c["said"]) for c in found if c["part"] == part]


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


async def midnight(conn: Conn) -> datetime:
    """The beginning of this day by the clock of the database."""
    return await conn.fetchval("select date_trunc('day', now())")


async def recorded(conn: Conn, account: Account, key: str, shown: datetime) -> datetime:
    """A change, by a clock that shows this; when it counts as known."""
    at = await moment(conn, lambda: shown)
    await add_change(conn, account.account_id, key, shown, recorded_at=at)
    return at


async def given_away(dsn: str) -> list[dict[str, Any]]:
    ran = await asyncio.to_thread(console, "evidence", "heads", "--json", BLOCKLINE_DATABASE_URL=dsn)
    assert (ran.code, ran.err) == (0, "")
    return ran.json["heads"]


@pytest.mark.slow
async def test_what_is_committed_after_midnight_moves_no_head_that_was_given_away(
    pool: Pool, dsn: str
) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"])
        today = await midnight(conn)
        yesterday = today.replace(microsecond=0) - (today.resolution * 500_000)
        await recorded(conn, one, "a", yesterday)
    async with transaction(pool) as held_up:
        assert await recorded(held_up, one, "b", yesterday) == yesterday
        asked = asyncio.ensure_future(given_away(dsn))

        async def someone_waits() -> bool:
            query = "select exists (select from pg_locks where not granted)"
            return asked.done() or await held_up.fetchval(query)

        await until(someone_waits, within_s=60)
    first = await asked
    assert [(head["day"], head["seq"]) for head in first] == [(f"{yesterday.astimezone(UTC):%Y-%m-%d}", 2)]
    async with transaction(pool) as conn:
        assert await recorded(conn, one, "c", yesterday) > today, "a clock that is behind"
    again = await given_away(dsn)
    assert again[0] == first[0]
    assert [head["seq"] for head in again[1:]] == [3]
