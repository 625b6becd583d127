"""Posts by their stable ids and handles, which are told apart from those of accounts."""

import pytest

from storage.model.core.accounts import Platform
from storage.model.platforms.registry import DECLARED

DID = "did:plc:z72i7hdynmk6r22z27h6tvur"


@pytest.mark.parametrize("platform", Platform)
def test_the_declared_example_of_a_post_is_the_id_of_a_post_and_that_of_an_account_is_not(
    platform: Platform,
) -> None:
    declared = DECLARED[platform]
    assert declared.is_post(declared.post_id_example)
    assert declared.is_native_id(declared.post_id_example)
    assert declared.profile_address(declared.post_id_example, "") != declared.profile_address(
        declared.id_example, declared.handle_example
    )
    assert not declared.is_post(declared.id_example)
    assert declared.statuses_of(declared.post_id_example) == declared.post_statuses
    assert declared.statuses_of(declared.id_example) == declared.statuses


@pytest.mark.parametrize(
    ("platform", "text"),
    [
        pytest.param("x", "post:0", id="X: numbers begin with 1 to 9"),
        pytest.param("x", "post:", id="X: no number"),
        pytest.param("x", "post:9223372036854775808", id="X: more than 64 bits"),
        pytest.param("bluesky", f"at://{DID}/app.bsky.feed.like/3l6oveex3ii2l", id="Bluesky: a like"),
        pytest.param("bluesky", "at://bsky.app/app.bsky.feed.post/3l6oveex3ii2l", id="Bluesky: by handle"),
        pytest.param("bluesky", f"at://{DID}/app.bsky.feed.post/..", id="Bluesky: dots are no key"),
        pytest.param("mastodon", "https://one.example/@ann@two.example/1", id="Mastodon: on another server"),
        pytest.param("mastodon", "https://one.example/@ann", id="Mastodon: a profile"),
        pytest.param("youtube", "jNQXAC9IVRw", id="YouTube: without its kind"),
    ],
)
def test_what_is_no_id_of_a_post(platform: str, text: str) -> None:
    assert not DECLARED[Platform(platform)].is_post(text)


@pytest.mark.parametrize(
    ("platform", "text", "is_one"),
    [
        pytest.param("x", "jack/20", True, id="X"),
        pytest.param("x", "jack", False, id="X: an account"),
        pytest.param("bluesky", "bsky.app/3l6oveex3ii2l", True, id="Bluesky, by handle"),
        pytest.param("bluesky", f"{DID}/3l6oveex3ii2l", True, id="Bluesky, by DID"),
        pytest.param("bluesky", "bsky.app/..", False, id="Bluesky: two dots are no key"),
        pytest.param("bluesky", "bsky.app/...", True, id="Bluesky: three dots are one"),
        pytest.param("mastodon", "ann@one.example/109", True, id="Mastodon"),
        pytest.param("mastodon", "ann/109", False, id="Mastodon: without a server"),
    ],
)
def test_handles_of_posts_name_the_author_and_the_post(platform: str, text: str, *, is_one: bool) -> None:
    declared = DECLARED[Platform(platform)]
    assert declared.is_post_handle(text) is is_one
    assert not (is_one and declared.is_handle(text))
