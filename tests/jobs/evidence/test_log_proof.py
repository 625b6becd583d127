"""A pack leads to signed checkpoints; those that others hold are compared, and a forgery accuses nobody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pytest

from jobs.evidence.checkpoint import (
    SignedCheckpoint,
    key_of,
)
from jobs.evidence.pack import (
    Files,
)
from jobs.evidence.pack_page import whole_pack
from jobs.evidence.pack_proof import KnownHeads, ProofCheck, ProofResult, Stamp
from jobs.evidence.pack_verification import verify
from jobs.evidence.stored_pack import signed_material
from storage.model.evidence.packs import CheckpointStamp, Material, PackLog
from storage.postgres.pool import Pool, transaction
from tests.support.samples.merkle_logs import OTHER_SEED, SEED, checkpoint_of, log_of
from tests.support.samples.readings import minutes
from tests.support.seeds.chain_rows import block_of

MADE_BY = "Blockline 1.2.3"


@dataclass(frozen=True, slots=True)
class Case:
    """A pack of change 3 (entries 5 and 6) whose log has eleven entries, eight of them of the database."""

    material: Material
    entries: Sequence[bytes]
    files: Mapping[str, bytes]

    def with_log(self, log: PackLog) -> dict[str, bytes]:
        return whole_pack(replace(self.material, log=log), MADE_BY, minutes(60))

    def checkpoint(self, size: int, seed: bytes = SEED) -> SignedCheckpoint:
        return checkpoint_of(self.entries[:size], seed)


@pytest.fixture
async def case(pool: Pool) -> Case:
    async with transaction(pool) as conn:
        _, change_id = await block_of(conn)
        material = await signed_material(conn, change_id, minutes(60))
        entries = [r["entry"] for r in await conn.fetch("select entry from chain order by seq")]
    entries += [bytes([n]) * 32 for n in range(3)]
    material = replace(material, log=log_of(entries, [5, 6], [3, 7]))
    return Case(material, entries, whole_pack(material, MADE_BY, minutes(60)))


def checked(files: Files, known: KnownHeads, signed_by: str | None = "An Authority") -> list[ProofCheck]:
    return verify(files, known, lambda _token, _content: Stamp(minutes(60), signed_by), MADE_BY)


def said(files: Files, verdict: ProofResult, known: KnownHeads = KnownHeads()) -> list[str]:  # noqa: B008 - frozen
    return [c.said for c in checked(files, known) if c.verdict is verdict]


def held(*checkpoints: SignedCheckpoint) -> KnownHeads:
    return KnownHeads(held=checkpoints)


async def test_an_older_checkpoint_shows_that_the_log_continues_it_and_no_more(case: Case) -> None:
    known = held(case.checkpoint(3))
    assert said(case.files, ProofResult.OK, known)[-1] == (
        "The log in the pack begins with the log of 3 entries whose checkpoint you hold."
    )
    assert said(case.files, ProofResult.NOTE, known)[-2:] == [
        "The change 3 is newer than these checkpoints, which therefore do not show when it was recorded.",
        "The outcome of change 3 is newer than these checkpoints, which therefore do not show when it was "
        "recorded.",
    ]


async def test_two_signed_logs_of_one_size_are_a_rewritten_log(case: Case) -> None:
    other = checkpoint_of([bytes(32), *case.entries[1:7]])
    (wrong,) = said(case.files, ProofResult.FAILED, held(other))
    assert wrong == (
        "The checkpoint of 7 entries that you hold and checkpoints/7.txt have different contents, and both "
        "are signed. The log was rewritten, or its key signed another log. Keep both as evidence."
    )


async def test_a_log_that_another_key_signs_now_is_said(case: Case) -> None:
    again = case.with_log(log_of(case.entries, [5, 6], [7], OTHER_SEED))
    (left,) = said(again, ProofResult.OPEN, held(case.checkpoint(7)))
    assert "another key signs this log now" in left
    known = KnownHeads(key=key_of("log.example/blockline", SEED))
    (left,) = said(again, ProofResult.OPEN, known)
    assert left.endswith("the log has another key now, or this is not its pack.")
    assert said(case.files, ProofResult.OPEN, known) == []
    assert any("the key that you gave" in one for one in said(case.files, ProofResult.OK, known))


@pytest.mark.parametrize(
    ("size", "words"),
    [
        pytest.param(5, "since the pack has no proof for it.", id="one for which there is no proof"),
        pytest.param(12, "is newer than the pack, which ends at 11 entries.", id="a newer one"),
    ],
)
async def test_what_could_not_be_compared_is_left_open_also_where_a_time_stamp_covers_all(
    case: Case, size: int, words: str
) -> None:
    log = case.material.log
    assert log is not None
    stamped = case.with_log(replace(log, stamps=(CheckpointStamp(1, 7, "https://tsa.example", b"token"),)))
    entries = [*case.entries, bytes(32)]
    known = held(checkpoint_of(entries[:size]))
    assert any(
        "The change 3 was recorded before An Authority signed the checkpoint of 7 entries" in one
        for one in said(stamped, ProofResult.OK, known)
    )
    (left,) = said(stamped, ProofResult.OPEN, known)
    assert words in left


async def test_a_checkpoint_of_another_log_says_nothing(case: Case) -> None:
    (left,) = said(
        case.files, ProofResult.OPEN, held(checkpoint_of(case.entries[:7], origin="other.example/log"))
    )
    assert left == "The checkpoint of 7 entries that you hold is of another log than the pack."


# Checkpoints ---------------------------------------------------------------------------------------------
