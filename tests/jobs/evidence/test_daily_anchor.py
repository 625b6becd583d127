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
from jobs.evidence.daily_anchor import anchor, authority_of, daily_anchor, seal
from jobs.evidence.rfc3161 import LIMITS, Authority, TimestampError, certificates_in, stamp_in, stamped
from storage.changes.hash_chain import anchors_since, newest_head
from storage.postgres.audit_chain import audit_chain_state
from storage.postgres.merkle_log import newest_checkpoint
from storage.postgres.pool import Pool, transaction
from tests.support.seeds.chain_rows import block_of
from tests.support.seeds.people import logged
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


async def test_an_error_of_the_server_is_told_by_its_status(served: Served, http: Http) -> None:
    served.status = 503
    with pytest.raises(TimestampError, match="HTTP status 503"):
        await stamped(http, known(served), ENTRY)


async def test_an_answer_that_others_signed_is_refused(served: Served, http: Http, tmp_path: Path) -> None:
    stranger = Openssl(tmp_path / "stranger", "Stranger")
    with pytest.raises(
        TimestampError, match="signature could not be verified with the authority's certificates"
    ):
        await stamped(http, Authority(served.url, certificates_in(stranger.root)), ENTRY)


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
