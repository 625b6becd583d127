"""What a user may write for an account, and what is refused: hostile text names nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from collectors.youtube.declaration import YOUTUBE
from storage.model.core.accounts import Platform
from storage.model.platforms.registry import DECLARED
from storage.model.tables.account_references import (
    Address,
    AddressError,
    is_handle,
    is_native_id,
    read_address,
)

DID = "did:plc:5q524mlvslhwwlcomnk7dzj4"
ACTOR = "https://mastodon.example/users/alice#109876543210"


@pytest.mark.parametrize(
    ("text", "platform", "name", "is_id"),
    [
        pytest.param("x @NASA", X, "NASA", False, id="a platform and a handle"),
        pytest.param("Bluesky alice.test", BLUESKY, "alice.test", False, id="the platform in capitals"),
        pytest.param("NASA", None, "NASA", False, id="a bare word tells no platform"),
        pytest.param(" @NASA\n", None, "NASA", False, id="blanks around it do not matter"),
        pytest.param("123", None, "123", False, id="digits alone may be a handle"),
        pytest.param("id:123", X, "123", True, id="a numeric id is one of X"),
        pytest.param("https://x.com/NASA", X, "NASA", False, id="a profile on x.com"),
        pytest.param(
            "https://twitter.com/NASA/status/1?s=20", X, "NASA/1", False, id="a post by its author and its id"
        ),
        pytest.param("https://x.com/i/web/status/1/photo/2", X, "i/1", False, id="a post without its author"),
        pytest.param("@NASA/1", X, "NASA/1", False, id="a post as Blockline writes it"),
        pytest.param("id:post:1", X, "post:1", True, id="the id of a post"),
        pytest.param("mobile.twitter.com/@NASA", X, "NASA", False, id="without its scheme"),
        pytest.param("https://x.com/i/user/123", X, "123", True, id="X's own address of an id"),
        pytest.param("https://x.com/intent/user?user_id=5", X, "5", True, id="an intent by id"),
        pytest.param("https://x.com/intent/user?screen_name=NASA", X, "NASA", False, id="an intent by name"),
        pytest.param("https://bsky.app/profile/alice.test", BLUESKY, "alice.test", False, id="a profile"),
        pytest.param(
            "https://bsky.app/profile/alice.test/post/3k?x=1#y",
            BLUESKY,
            "alice.test/3k",
            False,
            id="a post of it",
        ),
        pytest.param(f"https://bsky.app/profile/{DID}", BLUESKY, DID, True, id="a profile by DID"),
        pytest.param(
            f"at://{DID}/app.bsky.feed.post/3k", BLUESKY, f"{DID}/3k", False, id="the at-uri of a post"
        ),
        pytest.param(f"at://{DID}/app.bsky.feed.like/3k", BLUESKY, DID, True, id="another at-uri"),
        pytest.param("alice.test/3k", BLUESKY, "alice.test/3k", False, id="a post of Bluesky by its handle"),
        pytest.param(DID, BLUESKY, DID, True, id="a DID"),
        pytest.param(f"id:{DID}", BLUESKY, DID, True, id="a DID called an id"),
        pytest.param("did:web:alice.test", BLUESKY, "did:web:alice.test", True, id="a DID of the method web"),
        pytest.param(
            "@alice.bsky.social", BLUESKY, "alice.bsky.social", False, id="a domain is a handle there"
        ),
        pytest.param("@alice@mastodon.example", MASTODON, "alice@mastodon.example", False, id="@name@host"),
        pytest.param(
            "alice@Mastodon.Example", MASTODON, "alice@mastodon.example", False, id="hosts are small"
        ),
        pytest.param(
            "https://mastodon.example/@alice/1",
            MASTODON,
            "alice@mastodon.example/1",
            False,
            id="a post there",
        ),
        pytest.param(
            "https://mastodon.example/users/alice/statuses/1",
            MASTODON,
            "alice@mastodon.example/1",
            False,
            id="the uri of a post there",
        ),
        pytest.param(
            "alice@mastodon.example/1", MASTODON, "alice@mastodon.example/1", False, id="its handle"
        ),
        pytest.param(
            "https://mastodon.example/users/alice", MASTODON, "alice@mastodon.example", False, id="an actor"
        ),
        pytest.param(
            "https://mastodon.example/@bob@social.example",
            MASTODON,
            "bob@social.example",
            False,
            id="another server's page about an account names the account, not the server",
        ),
        pytest.param(
            "http://127.0.0.1:8080/@alice",
            MASTODON,
            "alice@127.0.0.1:8080",
            False,
            id="a port belongs to the host",
        ),
        pytest.param(ACTOR, MASTODON, ACTOR, True, id="an actor with its local id"),
        pytest.param(
            "https://mastodon.example/@alice#7",
            MASTODON,
            "alice@mastodon.example",
            False,
            id="a page is no actor",
        ),
        pytest.param(
            "https://mastodon.example/users/alice#main-key",
            MASTODON,
            "alice@mastodon.example",
            False,
            id="the name of a key is no local id",
        ),
    ],
)
def test_an_account_is_named_by(text: str, platform: Platform | None, name: str, is_id: bool) -> None:
    assert read_address(text) == Address(platform, name, is_id)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("@", id="a sign without a name"),
        pytest.param("two words", id="two words"),
        pytest.param("id:abc", id="letters are no id"),
        pytest.param("did:plc:short", id="a DID of the wrong length"),
        pytest.param("did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme", id="a method nobody uses"),
        pytest.param("https://x.com/", id="the front page"),
        pytest.param("https://x.com/home", id="a page that is no profile"),
        pytest.param("https://bsky.app/search", id="a page of Bluesky that is no profile"),
        pytest.param("https://mastodon.example/about", id="a page of a server"),
        pytest.param("https://x.com@evil.example/@alice", id="a host that hides behind credentials"),
        pytest.param("https://evil.example/users/../../@a b", id="blanks in a path"),
        pytest.param("https://\u0445.com/@alice", id="a Cyrillic letter in the host"),
        pytest.param("@alice@\u0435xample.org", id="a Cyrillic letter after the @"),
        pytest.param("javascript:alert(1)", id="a script"),
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("https://[::1", id="half an address"),
        pytest.param("https://mastodon.example:99999999/@alice", id="no port"),
        pytest.param("https://x.com/NASA\r\nHost: evil", id="a line end"),
        pytest.param("alice\u202e.test", id="a direction mark"),
        pytest.param("a" * 600, id="longer than any name"),
        pytest.param("x " * 200 + "a b", id="platforms upon platforms"),
    ],
)
def test_nobody_is_named_by(text: str) -> None:
    with pytest.raises(AddressError):
        read_address(text)


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


def test_an_address_inside_another_one_names_nobody() -> None:
    assert read_address("https://social.example/@alice?from=at://bsky.app").name == "alice@social.example"
    assert read_address("https://x.com/NASA?u=at://bsky.app").platform is X


def test_a_host_that_only_ends_like_such_a_site_and_a_handle_like_it_are_none() -> None:
    assert read_address("https://notvk.com/@name").name == "name@notvk.com"
    assert read_address("@reddit.com").platform is BLUESKY


def test_a_platform_beside_it_makes_a_bare_word_a_handle() -> None:
    assert read_address("@NASA", X) == Address(X, "NASA")


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
