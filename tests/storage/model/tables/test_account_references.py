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
