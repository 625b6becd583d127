"""Addresses of YouTube, and the channels and videos that they name."""

import pytest

from collectors.youtube.declaration import YOUTUBE
from storage.model.tables.account_references import AddressError, read_address

CHANNEL = "UC_x5XG1OV2P6uZZ5FSM9Ttw"
VIDEO = "video:jNQXAC9IVRw"


@pytest.mark.parametrize(
    ("address", "name", "is_id"),
    [
        ("https://www.youtube.com/watch?v=jNQXAC9IVRw&t=3s", VIDEO, True),
        ("https://www.youtube.com/watch?list=PL1&v=jNQXAC9IVRw", VIDEO, True),
        ("https://youtu.be/jNQXAC9IVRw?si=abc", VIDEO, True),
        ("https://m.youtube.com/shorts/jNQXAC9IVRw", VIDEO, True),
        ("https://www.youtube.com/live/jNQXAC9IVRw", VIDEO, True),
        ("https://www.youtube-nocookie.com/embed/jNQXAC9IVRw", VIDEO, True),
        (f"https://www.youtube.com/channel/{CHANNEL}/videos", CHANNEL, True),
        ("youtube.com/@GoogleDevelopers", "GoogleDevelopers", False),
        ("https://www.youtube.com/@caf%C3%A9.niño", "café.niño", False),
        ("https://www.youtube.com/@हिन्दी", "हिन्दी", False),
        ("https://gaming.youtube.com/@GoogleDevelopers", "GoogleDevelopers", False),
        (VIDEO, VIDEO, True),
    ],
)
def test_a_page_names_a_channel_or_a_video(address: str, name: str, is_id: bool) -> None:
    found = read_address(address)
    assert (found.platform, found.name, found.is_id) == (YOUTUBE, name, is_id)


@pytest.mark.parametrize(
    "address",
    [
        "https://www.youtube.com/c/GoogleDevelopers",
        "https://www.youtube.com/user/GoogleDevelopers",
        "https://www.youtube.com/playlist?list=PLabc",
        "https://www.youtube.com/watch?v=short",
        "https://www.youtube.com/channel/UCshort",
        "https://www.youtube.com/results?search_query=x",
        "https://youtu.be/",
        "https://studio.youtube.com/@someone",
        "someone@youtube.com",
    ],
)
def test_a_page_that_names_none_is_refused(address: str) -> None:
    with pytest.raises(AddressError):
        read_address(address)
