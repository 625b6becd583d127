"""What other servers do to an account, and what they do not tell."""

import pytest

from collectors.core.collector import RequestFailure
from collectors.core.wire import WireFault
from collectors.mastodon.wire.moderation import DomainBlocks, DomainBlockSeverity, read_domain_blocks
from storage.model.core.availability import MissedReason
from storage.model.core.side_facts import ObservedKind
from tests.support.samples.mastodon_answers import ALICE, account, encoded, sample
from tests.support.samples.readings import T0
from tests.support.simulated.scripted_mastodon import Answer, Cut, asking, ok, status

OTHER = "social.example"
BLOCKS = f"{OTHER}/api/v1/instance/domain_blocks"
LOOKUP = f"{OTHER}/api/v1/accounts/lookup"
BOB = "https://bad.example/users/bob#2"
HANDLES = {ALICE.native_id: "alice@mastodon.example", BOB: "bob@bad.example"}


def blocks(name: str) -> DomainBlocks:
    answer = sample(name)
    said = read_domain_blocks(answer.status, answer.body)
    assert isinstance(said, DomainBlocks)
    return said


def test_a_published_empty_list_blocks_nobody() -> None:
    seen = blocks("domain_blocks__empty").facts(HANDLES)
    assert (seen.answered, seen.facts) == (frozenset(HANDLES), ())


@pytest.mark.parametrize(
    ("code", "body", "reason"),
    [
        (200, b"<html>", MissedReason.MALFORMED),
        (200, b"{}", MissedReason.MALFORMED),
        (200, encoded([7]), MissedReason.MALFORMED),
        (200, encoded([{"domain": "b*d.example", "severity": "suspend"}]), MissedReason.MALFORMED),
        (200, encoded([{"domain": "bad.example"}]), MissedReason.MALFORMED),
        (429, b"", MissedReason.RATE_LIMITED),
        (503, b"", MissedReason.UPSTREAM),
    ],
)
def test_a_list_that_cannot_be_read_says_nothing(code: int, body: bytes, reason: MissedReason) -> None:
    said = read_domain_blocks(code, body)
    assert isinstance(said, WireFault)
    assert said.reason is reason


def test_a_severity_that_is_no_block_and_a_name_without_a_digest_are_understood() -> None:
    entries = [{"domain": "a.example", "severity": "noop"}, {"domain": "b.example", "severity": "suspend"}]
    said = read_domain_blocks(200, encoded(entries))
    assert isinstance(said, DomainBlocks)
    assert said.match("a.example") is None
    assert said.match("b.example") is DomainBlockSeverity.SUSPEND


async def test_what_a_server_publishes_becomes_a_fact_of_the_observer() -> None:
    async with asking({BLOCKS: sample("domain_blocks__obfuscated")}) as (mastodon, _):
        published = await mastodon.domain_blocks(OTHER, T0)
    assert isinstance(published, DomainBlocks)
    seen = published.facts(HANDLES)
    assert seen.facts == ((BOB, ObservedKind.BLOCKED_BY_SERVER, "domain suspend"),)
    assert seen.answered == set(HANDLES)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (status(404), MissedReason.ACCESS),
        (status(401), MissedReason.ACCESS),
        (status(503), MissedReason.UPSTREAM),
        (Cut(), MissedReason.NETWORK),
    ],
)
async def test_blocks_that_are_not_told_are_trouble_that_stops_nothing_else(
    answer: Answer, reason: MissedReason
) -> None:
    async with asking({BLOCKS: answer}) as (mastodon, _):
        said = await mastodon.domain_blocks(OTHER, T0)
    assert isinstance(said, RequestFailure)
    assert (said.reason, said.breaker) == (reason, False)


# copies of accounts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(status(404), id="never met there"),
        pytest.param(ok(account(uri="https://mastodon.example/users/eve")), id="the copy of somebody else"),
    ],
)
async def test_an_account_that_a_server_does_not_know_is_not_answered_for(answer: Answer) -> None:
    async with asking({LOOKUP: answer}) as (mastodon, _):
        seen = await mastodon.seen_from(OTHER, HANDLES, T0)
    assert (seen.answered, seen.facts, seen.trouble) == (frozenset(), (), None)


@pytest.mark.parametrize("server", ["", "a b", "https://a.example", "a.example/x", "u@a.example"])
async def test_only_the_name_of_a_server_is_asked(server: str) -> None:
    async with asking({}) as (mastodon, _):
        with pytest.raises(ValueError, match="not a server name"):
            await mastodon.domain_blocks(server, T0)
        with pytest.raises(ValueError, match="not a server name"):
            await mastodon.seen_from(server, HANDLES, T0)
