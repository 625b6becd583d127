"""What the home server's answers prove about a post: every documented answer, and what must stay unknown."""

from typing import Any

import pytest

from collectors.core.collector import Exchange
from collectors.mastodon.wire.evidence import address_of, excerpt
from collectors.mastodon.wire.identity import MastodonIdentity
from collectors.mastodon.wire.posts import (
    ServedPost,
    read_post,
    served,
)
from storage.model.core.availability import Missed, MissedReason, Reading, Status
from tests.support.samples.mastodon_answers import (
    ALICE,
    AT,
    POST,
    account,
    encoded,
    post,
)


def status_of(said: Reading | Missed) -> Status | MissedReason:
    return said.state.status if isinstance(said, Reading) else said.reason


# ids -----------------------------------------------------------------------------------------------------


# a post that is served -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(post(), Status.AVAILABLE, id="public"),
        pytest.param(post(visibility="unlisted"), Status.AVAILABLE, id="unlisted"),
        pytest.param(post(account=account(limited=True)), Status.AVAILABLE, id="of a limited author"),
        pytest.param(
            post(account=account(moved=account(MastodonIdentity("https://b.example/users/a", "1")))),
            Status.AVAILABLE,
            id="of an author who moved",
        ),
        pytest.param(post(account=account(username="Alice", acct="Alice")), Status.AVAILABLE, id="letters"),
        pytest.param(post(id="110"), MissedReason.CONTRADICTORY, id="another id"),
        pytest.param(post(reblog=post()), MissedReason.UNCLASSIFIED, id="a boost"),
        pytest.param(
            post(account=account(username="bob", acct="bob")),
            MissedReason.UNCLASSIFIED,
            id="of another author",
        ),
        pytest.param(
            post(
                account=account(
                    MastodonIdentity("https://b.example/users/alice", "1"), acct="alice@b.example"
                )
            ),
            MissedReason.UNCLASSIFIED,
            id="a copy of a post of another server",
        ),
        pytest.param(
            post(account=account(suspended=True)), MissedReason.CONTRADICTORY, id="of a suspended author"
        ),
    ],
)
def test_what_is_served_is_available_if_it_is_the_named_authors_own(
    document: Any, expected: Status | MissedReason
) -> None:
    said = read_post(200, encoded(document))
    assert isinstance(said, ServedPost)
    assert status_of(served(POST, said, AT, domain=None)) is expected


# several at once -----------------------------------------------------------------------------------------


# a post that is not shown --------------------------------------------------------------------------------


# evidence ------------------------------------------------------------------------------------------------


def _kept(address: str, asked_for: str, document: object, *ids: str) -> dict[str, Any]:
    return excerpt(Exchange(address_of(address, (), asked_for), AT, 200, encoded(document)), ids)


def test_an_answer_about_accounts_is_no_evidence_about_a_post_with_the_same_number() -> None:
    who = MastodonIdentity(ALICE.actor, "109")
    ids = (POST.native_id, who.native_id)
    assert set(_kept(f"{POST.server}/api/v1/accounts", "", [account(who)], *ids)) == {who.native_id}
    assert set(_kept(f"{POST.server}/api/v1/statuses", "", [post()], *ids)) == {POST.native_id}
