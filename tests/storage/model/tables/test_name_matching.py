"""The account that a name of an order means, by stored accounts: one, several, or none yet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from collectors.youtube.declaration import YOUTUBE
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.orders import NameCandidate, NameOutcome, OrderName
from storage.model.platforms.registry import DECLARED
from storage.model.tables.account_references import (
    Address,
    AddressError,
    is_handle,
    is_native_id,
    read_address,
)
from storage.model.tables.name_matching import ResolvedName, UnresolvedName, match_stored
from storage.model.tables.said_names import ParsedName, read_said
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


def stored(said: str, **fields: object) -> OrderName:
    read = {"platform": X, "handle": None, "post_id": None, "outcome": NameOutcome.NOT_TRIED, "note": "why"}
    whole = {"order_name_id": 1, "account_id": None, "source": "s", "known_at": T0, "resolved_at": None}
    return OrderName(said=said, **(read | whole | fields))  # pyright: ignore[reportArgumentType]


DID = "did:plc:5q524mlvslhwwlcomnk7dzj4"


@pytest.mark.parametrize(
    ("text", "said", "sentence"),
    [
        (
            "https://bsky.app/profile/alice.test",
            X,
            "'https://bsky.app/profile/alice.test' names an account of Blues",
        ),
        ("NASA", BLUESKY, "'NASA' is not a handle, an id or an address of an account of Bluesky."),
        ("id:7", MASTODON, "'id:7' names an account of X, not of Mastodon."),
        ("bluesky alice.test", X, "'bluesky alice.test' names an account of Bluesky, not of X."),
    ],
)
def test_an_address_that_contradicts_its_platform_is_refused(
    text: str, said: Platform, sentence: str
) -> None:
    with pytest.raises(AddressError) as refused:
        read_address(text, said)
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize(
    ("text", "site"),
    [
        ("https://vk.com/@name", "VK"),
        ("www.vk.com/@name", "VK"),
        ("https://m.facebook.com/name", "Facebook"),
        ("name@threads.net", "Threads"),
        ("mastodon https://www.tiktok.com/@name", "TikTok"),
        ("https://www.reddit.com/user/name#c1", "Reddit"),
        ("id:https://www.vk.com/watch?v=abc#t1", "VK"),
    ],
)
def test_a_site_that_is_not_read_is_refused_by_its_name(text: str, site: str) -> None:
    with pytest.raises(AddressError, match=f"is an address of {site}, which Blockline does not read"):
        read_address(text)


@given(st.text(max_size=80) | st.from_regex(r"(https?://)?[ -~]{0,30}[@/#:?][ -~]{0,30}", fullmatch=True))
def test_whatever_comes_out_is_of_a_known_form_and_is_read_as_the_same_again(text: str) -> None:
    try:
        found = read_address(text)
    except AddressError:
        return
    platform = found.platform or (X if is_handle(X, found.name) else YOUTUBE)
    is_post = DECLARED[platform].is_post_handle(found.name)
    is_named = is_handle(platform, found.name) or is_post
    assert is_native_id(platform, found.name) if found.is_id else is_named
    prefix = "id:" if found.is_id else ""
    assert read_address(f"{prefix}{found.name}", platform) == Address(platform, found.name, found.is_id)


SAID_NAMES_DID = "did:plc:abcdefghijklmnopqrstuvwx"


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        pytest.param("@NASA", ParsedName(0, "@NASA", None, "NASA"), id="a bare handle tells no platform"),
        pytest.param("x:NASA", ParsedName(0, "x:NASA", X, "NASA"), id="a prefix tells it"),
        pytest.param("x NASA", ParsedName(0, "x NASA", X, "NASA"), id="so does the word before it"),
        pytest.param(
            "a.test", ParsedName(0, "a.test", BLUESKY, "a.test"), id="a domain is a handle of Bluesky"
        ),
        pytest.param(
            "@a@b.example", ParsedName(0, "@a@b.example", MASTODON, "a@b.example"), id="name and server"
        ),
        pytest.param("id:123", ParsedName(0, "id:123", X, native_id="123"), id="an id of X"),
        pytest.param("x:id:123", ParsedName(0, "x:id:123", X, native_id="123"), id="an id with its platform"),
        pytest.param("x:123", ParsedName(0, "x:123", X, "123"), id="digits alone are a handle"),
        pytest.param(
            SAID_NAMES_DID,
            ParsedName(0, SAID_NAMES_DID, BLUESKY, native_id=SAID_NAMES_DID),
            id="a DID is the id itself",
        ),
        pytest.param(
            "https://twitter.com/NASA?lang=en",
            ParsedName(0, "https://twitter.com/NASA?lang=en", X, "NASA"),
            id="the address of a profile",
        ),
        pytest.param(
            "https://x.com/NASA/status/123?s=20",
            ParsedName(
                0,
                "https://x.com/NASA/status/123?s=20",
                X,
                "NASA/123",
                post_id="123",
                note="'?s=20' after the id of the post is ignored.",
            ),
            id="a post, and what stands behind its id is cut off",
        ),
        pytest.param(
            "https://x.com/i/status/55",
            ParsedName(0, "https://x.com/i/status/55", X, "i/55", post_id="55"),
            id="a post without its author",
        ),
        pytest.param(
            f"at://{SAID_NAMES_DID}/app.bsky.feed.post/3kabc",
            ParsedName(
                0,
                f"at://{SAID_NAMES_DID}/app.bsky.feed.post/3kabc",
                BLUESKY,
                f"{SAID_NAMES_DID}/3kabc",
                post_id="3kabc",
            ),
            id="a post of Bluesky by the id of its author",
        ),
        pytest.param(
            "https://bsky.app/profile/a.test/post/3kabc",
            ParsedName(
                0, "https://bsky.app/profile/a.test/post/3kabc", BLUESKY, "a.test/3kabc", post_id="3kabc"
            ),
            id="a post of Bluesky by the handle of its author",
        ),
        pytest.param(
            "https://b.example/@a@c.example/99",
            ParsedName(
                0,
                "https://b.example/@a@c.example/99",
                MASTODON,
                post_id="99",
                unresolvable="Only the address of a post on its author's own server can be read.",
            ),
            id="a post on Mastodon as another server shows it, under an id of its own",
        ),
        pytest.param(
            "https://vk.com/@someone",
            ParsedName(
                0,
                "https://vk.com/@someone",
                unresolvable="The address is of VK, which Blockline does not read: it has no collector yet.",
                is_observable=False,
            ),
            id="what looks like a server of Mastodon and is known to be none",
        ),
        pytest.param(
            "https://facebook.com/someone",
            ParsedName(
                0,
                "https://facebook.com/someone",
                unresolvable="The address is of Facebook, which Blockline does not read: its interface is "
                "for approved researchers only.",
                is_observable=False,
            ),
            id="an address elsewhere is part of the order, and names nobody here",
        ),
        pytest.param(
            "t.me/someone",
            ParsedName(
                0,
                "t.me/someone",
                unresolvable="The address is of Telegram, which Blockline does not read: it has no collector "
                "yet.",
                is_observable=False,
            ),
            id="without its scheme too",
        ),
    ],
)
def test_words_mean(words: str, meant: ParsedName) -> None:
    assert read_said(words) == meant


@pytest.mark.parametrize(
    "words",
    [
        *("!!!", "1.", "mastodon:NASA", "x" * 600, "a\0b", "—", "x:"),
        *("https://x.com/a/status/12.", "https://x.com/a/status/1.2E+18", "https://x.com/a/status/"),
    ],
)
def test_what_is_no_form_of_a_name_is_refused(words: str) -> None:
    with pytest.raises(AddressError):
        read_said(words)
