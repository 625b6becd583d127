"""The account that a name of an order means, by stored accounts: one, several, or none yet."""

import pytest

from collectors.x.declaration import X
from storage.model.core.accounts import AccountId
from storage.model.core.orders import NameCandidate, NameOutcome, OrderName
from storage.model.tables.name_matching import ResolvedName, UnresolvedName, as_name, match_stored
from storage.model.tables.said_names import read_said
from tests.support.samples.readings import T0

ONE = NameCandidate(AccountId(1), "11", "one")
RENAMED = NameCandidate(AccountId(2), "22", "now_two")
POST = NameCandidate(AccountId(3), "post:5", "one/5")
STORED = {
    (X, "one/5"): [POST],
    (X, "one"): [ONE],
    (X, "id:11"): [ONE],
    (X, "before"): [RENAMED],
    (X, "shared"): [ONE, RENAMED],
    (X, "11"): [RENAMED],
}


@pytest.mark.parametrize(
    ("words", "what"),
    [
        pytest.param("x:One", ResolvedName("11", "one"), id="a handle in any letters"),
        pytest.param("id:11", ResolvedName("11", "one"), id="an id"),
        pytest.param("x:11", ResolvedName("22", "now_two"), id="a handle of digits is no id"),
        pytest.param("x:before", ResolvedName("22", "now_two"), id="a handle that an account had"),
        pytest.param("https://x.com/One/status/5", ResolvedName("post:5", "one/5"), id="a stored post"),
        pytest.param("https://x.com/one/status/6", None, id="a post of a stored author has to be looked up"),
        pytest.param("x:stranger", None, id="a name without a stored account has to be looked up"),
        pytest.param("bluesky:one.test", None, id="nobody of another platform"),
        pytest.param(
            "x:shared",
            UnresolvedName(
                NameOutcome.AMBIGUOUS,
                "It is or was the handle of 2 stored accounts, 11 (now @one), 22 (now @now_two). Give "
                "the id of one of them.",
            ),
            id="two that have it or had it",
        ),
        pytest.param(
            "one",
            UnresolvedName(
                NameOutcome.AMBIGUOUS,
                "Its platform is not known: write it before the name, such as x:NAME, or choose a platform.",
            ),
            id="a bare handle is not taken for one of X",
        ),
        pytest.param(
            "https://one.example/@ann@two.example/5",
            UnresolvedName(
                NameOutcome.UNRESOLVABLE,
                "Only the address of a post on its author's own server can be read.",
            ),
            id="a post as another server shows it",
        ),
        pytest.param(
            "https://vk.com/somebody",
            UnresolvedName(
                NameOutcome.NOT_OBSERVABLE,
                "The address is of VK, which Blockline does not read: it has no collector yet.",
            ),
            id="an address of a site that is not read",
        ),
    ],
)
def test_a_name_means(words: str, what: ResolvedName | UnresolvedName | None) -> None:
    assert match_stored(read_said(words), STORED) == what


def test_a_resolved_name_says_under_which_handle_the_account_goes_and_what_was_cut() -> None:
    said = read_said("https://x.com/before/status/5?s=20")
    name = as_name(said, "pasted", ResolvedName("post:5", "now/5"), {(X, "post:5"): AccountId(2)})
    assert (name.outcome, name.account_id, name.handle, name.post_id) == (
        NameOutcome.RESOLVED,
        AccountId(2),
        "before/5",
        "5",
    )
    assert name.note == "Its author is @now. '?s=20' after the id of the post is ignored."


def stored(said: str, **fields: object) -> OrderName:
    read = {"platform": X, "handle": None, "post_id": None, "outcome": NameOutcome.NOT_TRIED, "note": "why"}
    whole = {"order_name_id": 1, "account_id": None, "source": "s", "known_at": T0, "resolved_at": None}
    return OrderName(said=said, **(read | whole | fields))  # pyright: ignore[reportArgumentType]
