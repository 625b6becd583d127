"""A time-stamping authority puts its time on the head of the chain; what it says wrongly is not kept."""

from base64 import b64encode
from collections.abc import AsyncGenerator, Callable
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from collectors.transport.client import Http
from jobs.base.clock import system_clock
from jobs.base.errors import CommandError
from jobs.config.settings import Settings, SettingsError
from jobs.evidence.chain_verdict import checkpoints_fault
from jobs.evidence.checkpoint import key_of, signed_checkpoint
from jobs.evidence.daily_anchor import anchor, authority_of, daily_anchor, seal
from jobs.evidence.rfc3161 import LIMITS, Authority, TimestampError, certificates_in, stamp_in, stamped
from jobs.evidence.signing import CheckpointRefused, held_fault, sign_checkpoint
from jobs.evidence.stored_pack import made_pack, signed_material
from storage.changes.hash_chain import anchors_since, newest_head
from storage.postgres.audit_chain import audit_chain_state
from storage.postgres.installation import checkpoint_key
from storage.postgres.merkle_log import (
    EntryMissing,
    StoredCheckpoint,
    checkpoint_state,
    log_origin,
    newest_checkpoint,
    stored_checkpoints,
    tree_root,
)
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import minutes
from tests.support.seeds.chain_rows import add_change, block_of
from tests.support.seeds.people import as_owner, logged
from tests.support.servers.ports import closed_port
from tests.support.servers.timestamp_authority import Authority as Served
from tests.support.servers.timestamp_authority import Openssl, authority

ENTRY = bytes(range(32))


@pytest.fixture(scope="module")
def openssl(tmp_path_factory: pytest.TempPathFactory) -> Openssl:
    return Openssl(tmp_path_factory.mktemp("tsa") / "one")


@pytest.fixture
async def served(openssl: Openssl) -> AsyncGenerator[Served]:
    async with authority(openssl) as one:
        yield one


@pytest.fixture
async def http() -> AsyncGenerator[Http]:
    async with Http(LIMITS) as http:
        yield http


def known(served: Served) -> Authority:
    return Authority(served.url, certificates_in(served.openssl.root))


def about(content: bytes) -> Callable[[Openssl, bytes], bytes]:
    """The authority answers, but to a request of somebody else."""
    return lambda openssl, _: openssl.answer(openssl.query(content))


def instead(content: bytes) -> Callable[[Openssl, bytes], bytes]:
    return lambda _, __: content


def cut(_: Openssl, answer: bytes) -> bytes:
    return answer[:-1]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(about(b"other"), "a time stamp of other data", id="of another hash"),
        pytest.param(about(ENTRY), "answered a different request", id="of an earlier request"),
        pytest.param(instead(b"\x30\x82" + bytes(500)), "not a time stamp", id="garbage"),
        pytest.param(instead(b""), "not a time stamp", id="nothing"),
        pytest.param(instead(b"<html><body>Gateway</body></html>"), "not a time stamp", id="a page"),
        pytest.param(instead(bytes(100_000)), "the answer is larger than", id="too large"),
        pytest.param(cut, "not a time stamp", id="cut short"),
    ],
)
async def test_an_answer_that_proves_nothing_is_refused(
    served: Served, http: Http, spoil: Callable[[Openssl, bytes], bytes], said: str
) -> None:
    served.spoil = partial(spoil, served.openssl)
    with pytest.raises(TimestampError, match=said):
        await stamped(http, known(served), ENTRY)


async def test_a_refusal_is_told_in_the_words_of_the_authority(served: Served, http: Http) -> None:
    served.spoil = lambda _: served.openssl.answer(b"\x30\x03\x02\x01\x01")
    with pytest.raises(TimestampError, match=r"the authority refused the request \(Bad request format"):
        await stamped(http, known(served), ENTRY)


async def test_the_newest_head_is_anchored_once(pool: Pool, served: Served, http: Http) -> None:
    assert await anchor(pool, http, known(served), system_clock) is None
    async with transaction(pool) as conn:
        await block_of(conn)
    first = await anchor(pool, http, known(served), system_clock)
    again = await anchor(pool, http, known(served), system_clock)
    assert first is not None
    assert again is not None
    assert (first.checkpoint, again.stamp, served.asked) == (again.checkpoint, None, 1)
    assert first.checkpoint.size == 8
    async with transaction(pool) as conn:
        (kept,) = await anchors_since(conn, 8)
        token = await conn.fetchval("select token from chain_anchor")
    assert kept.authority == served.url
    assert stamp_in(token, first.checkpoint.note.encode(), known(served).certificates) == first.stamp


async def test_the_daily_head_covers_the_audit_log_and_is_written_to_the_log_of_the_process(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "jobs")
    await seal(pool, system_clock)
    assert caplog.records == [], "there is no head yet"
    await logged(pool)
    await seal(pool, system_clock)
    async with transaction(pool) as conn:
        head = await newest_head(conn)
        assert (await audit_chain_state(conn)).sealed == 6
        signed = await newest_checkpoint(conn)
    assert head is not None
    assert signed is not None
    assert signed.size == 1
    assert [r.getMessage() for r in caplog.records] == [
        f"Hash chain head: entry 1, {head.entry.hex()}",
        f"Checkpoint: {' '.join(signed.note.split(chr(10))).strip()}",
    ]


async def test_an_authority_that_is_away_is_named(pool: Pool, served: Served) -> None:
    async with transaction(pool) as conn:
        await block_of(conn)
    away = f"http://127.0.0.1:{closed_port()}/"
    async with daily_anchor(
        Settings(tsa_url=away, tsa_certificates=served.openssl.root), pool, system_clock
    ) as daily:
        assert daily is not None
        with pytest.raises(CommandError, match=f"^{away} gave no valid time stamp: "):
            await daily()


async def test_the_task_is_made_from_the_settings(pool: Pool, served: Served) -> None:
    async with transaction(pool) as conn:
        await block_of(conn)
    settings = Settings(tsa_url=served.url, tsa_certificates=served.openssl.root)
    async with daily_anchor(settings, pool, system_clock) as daily:
        assert daily is not None
        await daily()
    async with daily_anchor(Settings(), pool, system_clock) as daily:
        assert daily is None
    assert served.asked == 1


def test_certificates_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    missing, empty = tmp_path / "missing.pem", tmp_path / "empty.pem"
    empty.write_text("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n")
    for path, why in ((missing, "the file does not exist"), (empty, "contains no certificate")):
        settings = Settings(tsa_url="https://tsa.example", tsa_certificates=path)
        with pytest.raises(SettingsError, match=f"^Setting tsa_certificates: .*{path.name}:? {why}"):
            authority_of(settings)


def test_a_certificate_may_be_der(openssl: Openssl, tmp_path: Path) -> None:
    (pem,) = certificates_in(openssl.root)

    (tmp_path / "root.der").write_bytes(pem.public_bytes(Encoding.DER))
    assert certificates_in(tmp_path / "root.der") == (pem,)


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_a_certificate_of_an_unknown_version_is_refused(
    openssl: Openssl, tmp_path: Path, encoding: Encoding
) -> None:
    (root,) = certificates_in(openssl.root)
    version_3, version_51 = b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x32"
    odd = root.public_bytes(Encoding.DER).replace(version_3, version_51, 1)
    if encoding is Encoding.PEM:
        odd = f"-----BEGIN CERTIFICATE-----\n{b64encode(odd).decode()}\n-----END CERTIFICATE-----\n".encode()
    (tmp_path / "odd").write_bytes(odd)
    with pytest.raises(TimestampError, match="odd contains a certificate of an unknown version"):
        certificates_in(tmp_path / "odd")


ALTERED = """
    alter table chain disable trigger user;
    update chain set entry = sha256('other') where seq = 3;
"""
NODES_MADE_AGAIN = """
    alter table chain_node disable trigger user;
    delete from chain_node;
"""
REMOVED = "alter table chain disable trigger user; delete from chain where seq = 8"


async def signed(pool: Pool) -> StoredCheckpoint:
    async with transaction(pool) as conn:
        found = await sign_checkpoint(conn, system_clock())
    assert found is not None
    return found


@pytest.fixture
async def account(pool: Pool) -> int:
    """Four changes with outcomes are recorded: eight entries."""
    async with transaction(pool) as conn:
        one, _ = await block_of(conn)
    return one.account_id


@pytest.mark.parametrize(
    ("done", "why"),
    [
        pytest.param(
            ALTERED + NODES_MADE_AGAIN, "the log does not begin with the 8 entries", id="an entry was altered"
        ),
        pytest.param(REMOVED, "the log has 7 of the 8 entries", id="an entry was removed"),
        pytest.param(
            "delete from installation_key where name = 'checkpoints'",
            "another key signed the stored checkpoint of 8 entries",
            id="the key was replaced",
        ),
        pytest.param(
            "alter table chain_checkpoint disable trigger user; "
            "update chain_checkpoint set root = sha256('x')",
            "the stored checkpoint of 8 entries was altered (the key did not sign it)",
            id="the checkpoint was altered",
        ),
        pytest.param(
            "alter table chain_checkpoint disable trigger user; update chain_checkpoint set note = 'x'",
            "the stored checkpoint of 8 entries was altered (it is not a signed checkpoint of a log)",
            id="the checkpoint is none",
        ),
    ],
)
async def test_a_log_that_does_not_continue_the_last_checkpoint_is_not_signed(
    pool: Pool, account: int, done: str, why: str
) -> None:
    first = await signed(pool)
    await as_owner(pool, done)
    async with transaction(pool) as conn:
        with pytest.raises(CheckpointRefused) as refused:
            await sign_checkpoint(conn, system_clock())
    assert str(refused.value).startswith(f"No checkpoint was signed: {why}")
    async with transaction(pool) as conn:
        (left,) = await stored_checkpoints(conn)
        state = await checkpoint_state(conn)
        fault = await checkpoints_fault(conn)
    assert left.checkpoint_id == first.checkpoint_id
    assert fault is not None
    assert fault.startswith(f"The checkpoints do not match: {why}")
    assert state is not None
    assert state.is_continued is ("another key" in why or "it is not a signed" in why)


async def test_a_node_that_is_missing_is_computed_and_an_entry_that_is_missing_is_said(
    pool: Pool, account: int
) -> None:
    first = await signed(pool)
    await as_owner(pool, NODES_MADE_AGAIN)
    assert await signed(pool) == first
    async with transaction(pool) as conn:
        await add_change(conn, account, "after", minutes(50))
    assert (await signed(pool)).size == 9
    await as_owner(
        pool, "alter table chain disable trigger user", "delete from chain where seq = 3", NODES_MADE_AGAIN
    )
    async with transaction(pool) as conn:
        await add_change(conn, account, "recorded all the same", minutes(51))
        with pytest.raises(EntryMissing):
            await sign_checkpoint(conn, system_clock())
        state = await checkpoint_state(conn)
        assert state is not None
        assert not state.is_continued
        assert "could not be compared" in str(await checkpoints_fault(conn))


async def test_a_pack_leads_to_a_saved_checkpoint_if_the_log_continues_it(pool: Pool, account: int) -> None:
    async with transaction(pool) as conn:
        origin, seed = await log_origin(conn), await checkpoint_key(conn)
        saved = signed_checkpoint(origin, 7, await tree_root(conn, 7), seed)
        assert await held_fault(conn, saved) is None
        made = made_pack(await signed_material(conn, 3, minutes(60), [saved]), minutes(60))
    assert saved.note.encode() in made.files.values()


async def test_a_saved_checkpoint_is_compared_only_if_the_key_signed_it(pool: Pool, account: int) -> None:
    async with transaction(pool) as conn:
        origin, seed = await log_origin(conn), await checkpoint_key(conn)
        rewritten = signed_checkpoint(origin, 7, bytes(32), seed)
        forged = signed_checkpoint(origin, 7, bytes(32), bytes(32))
        longer = signed_checkpoint(origin, 9, bytes(32), seed)
        said = [str(await held_fault(conn, one)) for one in (rewritten, forged, longer)]
        with pytest.raises(CommandError, match="does not continue the given checkpoint of 7 entries"):
            await signed_material(conn, 3, minutes(60), [rewritten])
    assert [one.partition(".")[0] for one in said] == [
        "The log does not continue the given checkpoint of 7 entries, which its key signed",
        f"The key of this log, {origin}+{key_of(origin, seed).id.hex()}, did not sign the given checkpoint "
        "of 7 entries",
        "The log does not continue the given checkpoint of 9 entries, which its key signed",
    ]
