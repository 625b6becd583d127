"""A pack leads to signed checkpoints; those that others hold are compared, and a forgery accuses nobody."""

import base64
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from jobs.evidence.checkpoint import (
    CheckpointError,
    SignedCheckpoint,
    is_signed_by,
    key_of,
    read_checkpoint,
    read_key,
    signed_checkpoint,
)
from jobs.evidence.pack import (
    LOG,
    MANIFEST,
    README,
    Files,
    LogFile,
    StampFile,
    listed,
    manifest_in,
    read_exact,
    written,
)
from jobs.evidence.pack_files import write_pack
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


def relisted(files: Files) -> dict[str, bytes]:
    return listed(files, manifest_in(files))


def held(*checkpoints: SignedCheckpoint) -> KnownHeads:
    return KnownHeads(held=checkpoints)


async def test_the_entries_lead_to_the_newest_checkpoint_and_the_earlier_ones_too(case: Case) -> None:
    log = [one for one in said(case.files, ProofResult.OK) if "checkpoint" in one]
    key = f"log.example/blockline+{key_of('log.example/blockline', SEED).id.hex()}"
    assert log == [
        "The entries of all 2 statements are in checkpoints/11.txt, the log of 11 entries.",
        "checkpoints/11.txt, the log of 11 entries, begins with the log of 3 entries of checkpoints/3.txt.",
        "checkpoints/11.txt, the log of 11 entries, begins with the log of 7 entries of checkpoints/7.txt.",
        f"The signatures of 3 checkpoints are valid by {key}, the key that the pack names.",
    ]
    assert said(case.files, ProofResult.NOTE)[-1].startswith("No checkpoint or head is known from elsewhere")


async def test_the_readme_finds_the_same_without_blockline(case: Case, tmp_path: Path) -> None:
    log = read_exact(LogFile, case.files, LOG)
    three, seven = log.earlier
    broken = replace(log, earlier=(three, replace(seven, proof=three.proof)))
    for folder, files in (("whole", case.files), ("broken", altered_log(case.files, broken))):
        write_pack(tmp_path / folder, files)
    done = [by_hand(case.files, tmp_path / folder) for folder in ("whole", "broken")]
    assert done[0][-4:] == [
        "entry 5 is in the log",
        "entry 6 is in the log",
        "checkpoints/3.txt is a beginning of the log",
        "checkpoints/7.txt is a beginning of the log",
    ]
    assert done[1][-1] == "checkpoints/7.txt IS NOT A BEGINNING OF THE LOG"


def by_hand(files: Files, folder: Path) -> list[str]:
    """What the program in the README prints in a folder."""
    code = re.search(r"^     import base64.*?(?=\n\n)", files[README].decode(), re.MULTILINE | re.DOTALL)
    assert code is not None
    script = "\n".join(line.removeprefix("     ") for line in code[0].splitlines())
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], cwd=folder, capture_output=True, text=True, check=True
    )
    return ran.stdout.splitlines()


async def test_a_checkpoint_that_was_saved_fixes_what_was_recorded_before_it(case: Case) -> None:
    known = held(case.checkpoint(7))
    assert said(case.files, ProofResult.OK, known)[-3:] == [
        "The log in the pack begins with the log of 7 entries whose checkpoint you hold.",
        "The change 3 was recorded before the checkpoint of 7 entries that you hold.",
        "The outcome of change 3 was recorded before the checkpoint of 7 entries that you hold.",
    ]
    assert said(case.files, ProofResult.OPEN, known) + said(case.files, ProofResult.FAILED, known) == []


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


@pytest.mark.parametrize("size", [3, 7, 11, 12])
async def test_a_checkpoint_that_the_key_did_not_sign_accuses_nobody(case: Case, size: int) -> None:
    forged = checkpoint_of([bytes(32)] * size, OTHER_SEED)
    _, _, lines = case.checkpoint(7).note.partition("\n\n")
    copied = read_checkpoint(forged.note.partition("\n\n")[0] + "\n\n" + lines)
    for one in (forged, copied):
        known = held(one)
        assert said(case.files, ProofResult.FAILED, known) == []
        (left,) = said(case.files, ProofResult.OPEN, known)
        assert "did not sign it. It is forged, or another key signs this log now" in left


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


def altered_log(files: Files, log: LogFile) -> dict[str, bytes]:
    return relisted({**files, LOG: written(log)})


async def test_each_part_of_a_log_that_is_altered_is_found(case: Case) -> None:
    log = read_exact(LogFile, case.files, LOG)
    first, second = log.entries
    three, seven = log.earlier
    other_key = str(key_of("log.example/blockline", OTHER_SEED))
    for altered in (
        replace(log, entries=(second, first)),
        replace(log, entries=(first,)),
        replace(log, entries=(first, first)),
        replace(log, entries=(replace(first, proof=second.proof), second)),
        replace(log, entries=(replace(first, proof=first.proof[:-1]), second)),
        replace(log, entries=(replace(first, proof=(*first.proof, "")), second)),
        replace(log, entries=(replace(first, proof=tuple(p.upper() for p in first.proof)), second)),
        replace(log, entries=(replace(first, proof=("x" * 64, *first.proof[1:])), second)),
        replace(log, earlier=(three, replace(seven, proof=three.proof))),
        replace(log, earlier=(three, replace(seven, proof=()))),
        replace(log, earlier=(three, replace(seven, key=other_key))),
        replace(log, earlier=(three, replace(seven, key="no key"))),
        replace(log, checkpoint=replace(log.checkpoint, key=other_key)),
        replace(log, checkpoint=replace(log.checkpoint, proof=three.proof)),
        replace(log, checkpoint=seven, earlier=(three, replace(log.checkpoint, proof=seven.proof))),
    ):
        files = altered_log(case.files, altered)
        assert said(files, ProofResult.FAILED), altered
        assert said(files, ProofResult.OPEN, held(case.checkpoint(7))), "nothing was compared"
    for name in ("checkpoints/7.txt", "checkpoints/11.txt"):
        content = case.files[name]
        for at in range(len(content)):
            flipped = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
            assert said(relisted({**case.files, name: flipped}), ProofResult.FAILED), (name, at)
    gone = {name: content for name, content in case.files.items() if name != "checkpoints/7.txt"}
    assert said(relisted(gone), ProofResult.FAILED) == ["checkpoints/7.txt is missing."]
    assert MANIFEST in gone


async def test_a_stamp_on_a_checkpoint_that_the_log_does_not_continue_covers_nothing(case: Case) -> None:
    log = case.material.log
    assert log is not None
    stamped = case.with_log(replace(log, stamps=(CheckpointStamp(1, 7, "https://tsa.example", b"token"),)))
    listed_log = read_exact(LogFile, stamped, LOG)
    three, seven = listed_log.earlier
    broken = altered_log(stamped, replace(listed_log, earlier=(three, replace(seven, proof=three.proof))))
    assert said(broken, ProofResult.FAILED)
    assert not [one for one in said(broken, ProofResult.OK) if "was recorded before" in one]


async def test_a_stamp_on_a_file_that_is_no_checkpoint_of_the_log_covers_nothing(case: Case) -> None:
    stamp = StampFile("anchors/1.tsr", "checkpoints/other.txt", "https://tsa.example")
    log = replace(read_exact(LogFile, case.files, LOG), stamps=(stamp,))
    other = checkpoint_of([bytes(32)] * 11, OTHER_SEED).note.encode()
    files = altered_log({**case.files, stamp.file: b"token", stamp.checkpoint: other}, log)
    assert "anchors/1.tsr: what it stamps is not there." in said(files, ProofResult.FAILED)
    assert not [one for one in said(files, ProofResult.OK) if "was recorded before" in one]


# Checkpoints ---------------------------------------------------------------------------------------------


def test_a_checkpoint_has_the_form_of_a_signed_note() -> None:
    one = signed_checkpoint("log.example/blockline", 3, bytes(32), SEED)
    origin, size, root, empty, line, end = one.note.split("\n")
    assert (origin, size, root, empty, end) == ("log.example/blockline", "3", "A" * 43 + "=", "", "")
    mark, name, content = line.split(" ")
    key = key_of(origin, SEED)
    assert (mark, name, base64.b64decode(content)[:4]) == ("—", origin, key.id)
    assert read_checkpoint(one.note) == one
    assert is_signed_by(one, key)
    assert not is_signed_by(one, replace(key, name="another"))
    assert read_key(str(key)) == key


def test_the_key_and_the_note_of_the_specification_are_read() -> None:
    # The example of Go's golang.org/x/mod/sumdb/note, which first had this form.
    key = read_key("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert (key.name, key.id.hex()) == ("PeterNeumann", "c74f20a3")


GOOD = signed_checkpoint("log.example/blockline", 3, bytes(32), SEED).note


@pytest.mark.parametrize(
    "note",
    [
        pytest.param("", id="nothing"),
        pytest.param(GOOD.removesuffix("\n"), id="no end"),
        pytest.param(GOOD.replace("\n3\n", "\n03\n"), id="a zero before the size"),
        pytest.param(GOOD.replace("\n3\n", "\n-3\n"), id="a negative size"),
        pytest.param(GOOD.replace("\n3\n", "\n٣\n"), id="digits of another script"),
        pytest.param(GOOD.replace("\n3\n", f"\n{2**63}\n"), id="a size beyond 63 bits"),
        pytest.param(GOOD.replace("\n3\n", "\n" + "9" * 5000 + "\n"), id="a size that takes long to read"),
        pytest.param(GOOD.replace("AA=", "AAA="), id="a root that is too long"),
        pytest.param(GOOD.replace("AA=", "AB="), id="a root in another form of Base64"),
        pytest.param(GOOD.replace("—", "-"), id="another dash"),
        pytest.param(GOOD.partition("— ")[0], id="no signature"),
        pytest.param(GOOD.replace("blockline\n", "blockline\r\n", 1), id="a control character"),
        pytest.param("\n" + GOOD, id="no name"),
        pytest.param(GOOD + "x\n", id="more lines"),
        pytest.param(GOOD + "— " + "x" * 70_000 + " AAAAAAA=\n", id="too long"),
    ],
)
def test_what_is_no_checkpoint_is_refused(note: str) -> None:
    with pytest.raises(CheckpointError, match="it is not a signed checkpoint of a log"):
        read_checkpoint(note)


@pytest.mark.parametrize(
    "text",
    ["", "name", "name+00000000+AA==", str(key_of("a", SEED)).replace("a+", "b+"), "a b+00+AA=="],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(CheckpointError):
        read_key(text)
