"""A pack proves what it says by itself: what is altered in it is found, or alters nothing that it proves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.x.declaration import X
from jobs.evidence.pack import (
    CHAIN,
    COVERAGE,
    FORMAT,
    FORMATS,
    MANIFEST,
    PAGE,
    README,
    Files,
    facts_in,
    listed,
    manifest_in,
)
from jobs.evidence.pack_files import read_pack
from jobs.evidence.pack_page import readme, whole_pack
from jobs.evidence.pack_proof import KnownHeads, ProofResult, Stamp
from jobs.evidence.pack_verification import verify
from jobs.evidence.stored_pack import signed_material
from storage.changes.evidence_pack import changes_named
from storage.model.evidence.hash_chain import (
    ChangeStatement,
    entry_of,
    leaf_of,
    statement_bytes,
)
from storage.model.evidence.packs import Attested, Material, Segment
from storage.postgres.pool import Pool, transaction
from tests.support.repeats import repeats
from tests.support.samples.merkle_logs import log_of
from tests.support.samples.readings import minutes
from tests.support.seeds.chain_rows import add_change, add_outcome, block_of
from tests.support.seeds.changes import enlist

MADE_BY = "Blockline 1.2.3"
SECOND = timedelta(seconds=1)
EARLIER = Path(__file__).parents[2] / "fixtures" / "evidence_packs"
"""A pack of each earlier format, made by the code of its time."""
EARLIER_HEAD = "8b430faf6e17baf71be74d8142340df99fc0315d2d5dbef7a5d8045127c29492"
ONE_FIXTURE = [HealthCheck.function_scoped_fixture]


@dataclass(frozen=True, slots=True)
class Pack:
    material: Material
    files: Mapping[str, bytes]
    head: str
    """As somebody else knows it."""


async def pack_of(pool: Pool, change_id: int) -> Pack:
    async with transaction(pool) as conn:
        gathered = await signed_material(conn, change_id, minutes(60))
    return Pack(gathered, whole_pack(gathered, MADE_BY, minutes(60)), gathered.heads[-1].head)


@pytest.fixture
async def pack(pool: Pool) -> Pack:
    async with transaction(pool) as conn:
        _, change_id = await block_of(conn)
    return await pack_of(pool, change_id)


def no_stamp(_token: bytes, _entry: bytes) -> Stamp | str:
    raise AssertionError("there is no anchor in this pack")


def known(*heads: str) -> KnownHeads:
    return KnownHeads(dict.fromkeys(heads, "the head that you gave"))


def said(files: Files, verdict: ProofResult, head: KnownHeads = KnownHeads()) -> list[str]:  # noqa: B008 - frozen
    return [c.said for c in verify(files, head, no_stamp, MADE_BY) if c.verdict is verdict]


def failures(files: Files, head: KnownHeads = KnownHeads()) -> list[str]:  # noqa: B008 - frozen
    return said(files, ProofResult.FAILED, head)


def relisted(files: Files) -> dict[str, bytes]:
    """What a forger does who knows that there is a manifest."""
    return listed(files, manifest_in(files))


def flipped(content: bytes, at: int, bit: int) -> bytes:
    return content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :]


# What is in it -------------------------------------------------------------------------------------------


# Stories -------------------------------------------------------------------------------------------------


async def test_a_correction_and_what_it_replaces_are_in_one_pack(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, first = await block_of(conn)
        second = await add_change(
            conn, one.account_id, "k", minutes(14), supersedes=first, recorded_at=minutes(90)
        )
        await add_outcome(conn, second, minutes(91), "not_confirmed", "corrected")
        assert await changes_named(conn, str(first)) == [first]
    for change_id, other in ((first, second), (second, first)):
        pack = await pack_of(pool, change_id)
        assert failures(pack.files, known(pack.head)) == []
        assert {f"corrections/change-{other}.json", f"corrections/outcome-{other}.json"} < set(pack.files)
        assert "a reading that came in late showed that it was not so" in pack.files[PAGE].decode()
    assert "(not confirmed)" in pack.files[PAGE].decode()


async def test_a_statement_that_has_nothing_to_do_with_the_change_is_found(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, first = await block_of(conn)
        await add_change(conn, one.account_id, "unrelated", minutes(50))
        gathered = await signed_material(conn, first, minutes(60))
        other = await signed_material(conn, 5, minutes(60))
    mixed = replace(gathered, attested=(*gathered.attested, *other.attested), segments=other.segments)
    assert "corrections/change-5.json (change 5) is not related to change 3." in failures(
        whole_pack(mixed, MADE_BY, minutes(60))
    )


async def test_what_somebody_else_published_has_no_requests_of_ours(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"])
        change_id = await add_change(conn, one.account_id, "k", minutes(0), source="import:crawl")
        await add_outcome(conn, change_id, minutes(0), reason="imported")
    pack = await pack_of(pool, change_id)
    assert failures(pack.files, known(pack.head)) == []
    assert "coverage.json is empty: another publisher reported this change." in said(
        pack.files, ProofResult.NOTE
    )
    page = pack.files[PAGE].decode()
    assert "import:crawl" in page
    assert "Blockline did not ask the platform" in page
    assert "the platform itself said so" not in page


async def test_of_looks_that_are_known_by_their_days_no_time_of_the_day_is_told(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"])
        change_id = await add_change(
            conn, one.account_id, "k", minutes(24 * 60) - SECOND, source="import:crawl", flags=("day_only",)
        )
        await add_outcome(conn, change_id, minutes(24 * 60) - SECOND, reason="imported")
    page = (await pack_of(pool, change_id)).files[PAGE].decode()
    assert "The source gives only days" in page
    assert "The last agreeing reading is of 1 Feb 2021." in page


@pytest.mark.parametrize(
    ("heads", "verdict", "words"),
    [
        pytest.param(
            KnownHeads({"f" * 64: "entry 9"}, {9: "f" * 64}),
            ProofResult.OPEN,
            "The pack is not covered by these heads: it ends at entry 8, and the nearest of them is entry 9. "
            "A pack that is made now may lead to it.",
            id="a pack that was made before the head of its day was the last says nothing about that head",
        ),
        pytest.param(
            KnownHeads({"f" * 64: "entry 3"}, {3: "f" * 64}),
            ProofResult.OPEN,
            "The pack is not covered by these heads: they were given before what it states, which begins at "
            "entry 5.",
            id="a head that is older than every statement covers none of them",
        ),
        pytest.param(
            known("f" * 64),
            ProofResult.OPEN,
            "The pack is not covered by these heads: it leads to none of them. It may be older or newer than "
            "they are, or made again: only a head with its number (--heads) shows which.",
            id="a head without its number may belong to any entry",
        ),
        pytest.param(
            KnownHeads({"f" * 64: "entry 8"}, {8: "f" * 64}),
            ProofResult.FAILED,
            "Entry 8 of the pack is not the head that you have from elsewhere.",
            id="another head at an entry that the pack holds contradicts the pack",
        ),
        pytest.param(
            KnownHeads({"f" * 64: "entry 4"}, {4: "f" * 64}),
            ProofResult.FAILED,
            "Entry 4 of the pack is not the head that you have from elsewhere.",
            id="another head at the entry that the pack begins after contradicts the pack too",
        ),
    ],
)
async def test_only_a_head_at_an_entry_of_the_pack_contradicts_it(
    pack: Pack, heads: KnownHeads, verdict: ProofResult, words: str
) -> None:
    unproved = [c for c in verify(pack.files, heads, no_stamp, MADE_BY) if c.verdict is not ProofResult.OK]
    assert [(c.verdict, c.said) for c in unproved] == [(verdict, words)]


# Tampering -----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.again
@settings(max_examples=repeats(60, 150), suppress_health_check=ONE_FIXTURE)
@given(data=st.data())
async def test_a_flipped_bit_anywhere_is_found(pack: Pack, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(pack.files)))
    at = data.draw(st.integers(0, len(pack.files[name]) - 1))
    bit = data.draw(st.integers(0, 7))
    other = {**pack.files, name: flipped(pack.files[name], at, bit)}
    if not failures(other):
        assert name == MANIFEST, "it says who made the page, and that it is another program"
        assert any("its words are not checked" in left for left in said(other, ProofResult.OPEN))


@pytest.mark.slow
@pytest.mark.again
async def test_each_flipped_byte_of_a_statement_is_found_also_by_who_lists_the_files_anew(pack: Pack) -> None:
    for name in ("statement.json", "outcome.json"):
        for at in range(0, len(pack.files[name]), repeats(3, 1)):
            forged = {**pack.files, name: flipped(pack.files[name], at, at % 8)}
            assert failures(relisted(forged)), (name, at)


@pytest.mark.slow
@pytest.mark.again
@settings(max_examples=repeats(60, 150), suppress_health_check=ONE_FIXTURE)
@given(data=st.data())
async def test_who_lists_the_files_anew_alters_nothing_that_is_proved(
    pack: Pack, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(set(pack.files) - {MANIFEST})))
    at = data.draw(st.integers(0, len(pack.files[name]) - 1))
    forged = relisted({**pack.files, name: flipped(pack.files[name], at, data.draw(st.integers(0, 7)))})
    if failures(forged, known(pack.head)) + said(forged, ProofResult.OPEN, known(pack.head)) == []:
        assert name in {CHAIN, COVERAGE}, "log.json and the checkpoints prove, or fail"
        true, told = facts_in(pack.files), facts_in(forged)
        assert (told.attested, told.raw) == (true.attested, true.raw)
        assert [one.observed_at for one in told.coverage.coverage.looks] == [
            minutes(5 + 1 / 120),
            minutes(15),
        ]


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=ONE_FIXTURE)
@given(data=st.data())
async def test_swapped_files_are_found_however_they_are_listed(pack: Pack, data: st.DataObject) -> None:
    one, other = data.draw(st.lists(st.sampled_from(sorted(pack.files)), min_size=2, max_size=2, unique=True))
    swapped = {**pack.files, one: pack.files[other], other: pack.files[one]}
    assert failures(swapped)
    if MANIFEST not in {one, other}:
        assert failures(relisted(swapped))


async def test_files_that_are_missing_or_too_many_are_found(pack: Pack) -> None:
    for name in pack.files:
        rest = {n: c for n, c in pack.files.items() if n != name}
        assert failures(rest), name
        if name != MANIFEST:
            assert failures(relisted(rest)), name
    more = {**pack.files, "raw/more.json": b"{}"}
    assert failures(more) == ["'raw/more.json' does not belong in the pack."]
    assert failures(relisted(more)) == ["'raw/more.json' does not belong in the pack."]


def forged_from(pack: Pack, alter: Callable[[ChangeStatement], ChangeStatement]) -> dict[str, bytes]:
    """A pack that whoever holds the database makes anew, chain and all, with another statement."""
    first, *rest = pack.material.attested
    assert isinstance(first.statement, ChangeStatement)
    attested = (Attested(first.seq, alter(first.statement)), *rest)
    (segment,) = pack.material.segments
    leaves = [leaf_of(statement_bytes(a.statement)).hex() for a in attested]
    leaves += segment.leaves[len(attested) :]
    entry = bytes.fromhex(segment.previous)
    entries = [bytes(32)] * (segment.first_seq - 2) + [entry]
    for leaf in leaves:
        entry = entry_of(entry, bytes.fromhex(leaf))
        entries.append(entry)
    (head,) = pack.material.heads
    forged = replace(
        pack.material,
        attested=attested,
        segments=(Segment(segment.first_seq, segment.previous, tuple(leaves)),),
        heads=(replace(head, head=entry.hex()),),
        log=log_of(entries, [one.seq for one in attested]),
    )
    return whole_pack(forged, MADE_BY, minutes(60))


SILENT = b'[{"url":"u","about":{"errors":[{"value":"1"}]}}]'


X_POST = (
    b'[{"url":"u","about":{"data":[{"id":"1","author_id":"9","withheld":{"country_codes":["IN"]}}],'
    b'"includes":{"users":[{"id":"9","username":"Alice"}]}}}]'
)
MASTODON_POST = b'[{"url":"u","about":{"id":"1","account":{"id":"9","acct":"Alice"}}}]'


async def pack_of_post(pool: Pool, raw: bytes, handle: str) -> Pack:
    async with transaction(pool) as conn:
        one, change_id = await block_of(conn, "post:1", raw)
        await conn.execute("update account set handle = $2 where account_id = $1", one.account_id, handle)
    return await pack_of(pool, change_id)


@pytest.mark.parametrize(
    ("raw", "handle", "verdict", "words"),
    [
        pytest.param(
            X_POST,
            "bob/1",
            ProofResult.NOTE,
            "calls the post's author @bob, and the raw answers call the author @Alice",
            id="the author has another name in the answers",
        ),
        pytest.param(
            MASTODON_POST, "alice@a.example/1", ProofResult.OK, "calls the post's author", id="as Mastodon"
        ),
        pytest.param(
            SILENT, "bob/1", ProofResult.NOTE, "No raw answer names the post's author", id="no name of it"
        ),
        pytest.param(SILENT, "post:1", ProofResult.OK, "The post is called by its id", id="after a purge"),
        pytest.param(
            X_POST, "i/1", ProofResult.OK, "The post is called by its id", id="its address names no author"
        ),
        pytest.param(
            X_POST,
            "i j/1",
            ProofResult.NOTE,
            "calls the post's author @i j, and the raw answers call the author @Alice",
            id="a handle of another form is not an id",
        ),
    ],
)
async def test_the_name_of_an_author_is_vouched_for_only_as_far_as_a_raw_answer_holds_it(
    pool: Pool, raw: bytes, handle: str, verdict: ProofResult, words: str
) -> None:
    pack = await pack_of_post(pool, raw, handle)
    assert failures(pack.files, known(pack.head)) == []
    assert [one for one in said(pack.files, verdict, known(pack.head)) if words in one]


async def test_a_pack_of_an_account_that_calls_it_a_post_is_found(pack: Pack) -> None:
    called = replace(manifest_in(pack.files), post=True)
    assert "manifest.json calls it a post, and the statement names an account." in failures(
        listed(pack.files, called)
    )


def seen_earlier(statement: ChangeStatement) -> ChangeStatement:
    return replace(statement, first_seen_new=minutes(14))


def seen_later_before(statement: ChangeStatement) -> ChangeStatement:
    return replace(statement, last_seen_old=minutes(6))


def seen_before_all_time(statement: ChangeStatement) -> ChangeStatement:
    return replace(statement, last_seen_old=datetime.min.replace(tzinfo=UTC))


def seen_after_all_time(statement: ChangeStatement) -> ChangeStatement:
    return replace(statement, first_seen_new=datetime.max.replace(tzinfo=UTC))


def published_by_others(statement: ChangeStatement) -> ChangeStatement:
    return replace(statement, source="import:me")


@pytest.mark.parametrize(
    "alter",
    [seen_earlier, seen_later_before, published_by_others, seen_before_all_time, seen_after_all_time],
)
async def test_a_statement_that_contradicts_the_other_files_is_found_without_any_head(
    pack: Pack, alter: Callable[[ChangeStatement], ChangeStatement]
) -> None:
    assert failures(forged_from(pack, alter))


async def test_a_raw_answer_that_is_left_out_is_found_unless_it_is_called_purged(pack: Pack) -> None:
    manifest = manifest_in(pack.files)
    rest = {name: content for name, content in pack.files.items() if not name.startswith("raw/")}
    assert failures(listed(rest, replace(manifest, raw=()))) == [
        "The raw answers are not those that the statements name.",
        f"The raw answer {manifest.raw[0].sha256[:12]}… is missing.",
    ]
    called = tuple(replace(one, file=None) for one in manifest.raw)
    purged = listed(rest, replace(manifest, raw=called))
    assert failures(purged) == ["index.html says something else than the other files."]
    assert f"The raw answer {manifest.raw[0].sha256[:12]}… was purged before: only its hash is left." in said(
        purged, ProofResult.NOTE
    )


@pytest.mark.parametrize("number", sorted(FORMATS - {FORMAT}))
def test_a_pack_of_an_earlier_format_still_verifies_word_by_word(number: int) -> None:
    files = read_pack(EARLIER / f"format_{number}.zip")
    assert manifest_in(files).format == number
    assert failures(files, known(EARLIER_HEAD)) == []
    assert {f"{PAGE} says what the other files say.", f"{README} says what the other files say."} <= set(
        said(files, ProofResult.OK, known(EARLIER_HEAD))
    )
    in_new_words = relisted({**files, README: readme()})
    assert failures(in_new_words) == [f"{README} says something else than the other files."]


async def test_the_words_of_a_page_of_another_version_are_not_vouched_for(pack: Pack) -> None:
    other = relisted({**pack.files, PAGE: pack.files[PAGE].replace(b"India", b"Chile")})
    assert failures(other) == ["index.html says something else than the other files."]
    left_open = [
        c.said
        for c in verify(other, known(pack.head), no_stamp, "Blockline 2.0")
        if c.verdict is ProofResult.OPEN
    ]
    assert left_open == [
        "index.html was made by 'Blockline 1.2.3', and this is Blockline 2.0: its words are not checked, so "
        "read the statements."
    ]


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from([MANIFEST, CHAIN, COVERAGE, "statement.json", "x"]), st.binary()))
def test_whatever_is_given_as_a_pack_is_refused_with_a_sentence(files: dict[str, bytes]) -> None:
    assert failures(files)


async def test_a_format_of_the_future_is_told_as_that(pack: Pack) -> None:
    later = pack.files[MANIFEST].replace(b'"format": 3', b'"format": 4')
    assert failures({**pack.files, MANIFEST: later}) == [
        "The pack has format 4; this version reads formats up to 3."
    ]
