"""The YouTube collector at its simulator: two kinds of places, handles, and units that are used up."""

import pytest

from collectors.core.collector import UnresolvedReason
from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.history import History, settled
from collectors.simulator.platform_simulator import simulator_of
from collectors.transport.client import HttpOptions
from collectors.youtube.collector import YouTubeCollector, retry_without_units
from collectors.youtube.declaration import YOUTUBE
from storage.model.core.availability import MissedReason, State, Status
from storage.model.tables.account_references import AddressError, read_address
from tests.support.samples.readings import AVAILABLE, T0

CHANNEL, GONE = "UC_x5XG1OV2P6uZZ5FSM9Ttw", "UCBR8-60-B28hp2BmDPdntcQ"
VIDEO = "video:jNQXAC9IVRw"
IN_INDIA = State(Status.WITHHELD, ("IN",))
HISTORY = History(
    (
        settled(YOUTUBE, CHANNEL, [(T0, AVAILABLE, "GoogleDevelopers")]),
        settled(YOUTUBE, GONE, [(T0, State(Status.NOT_FOUND), "YouTube")]),
        settled(YOUTUBE, VIDEO, [(T0, IN_INDIA, "jNQXAC9IVRw")]),
    )
)


async def test_a_handle_and_an_id_lead_to_their_channel_and_a_video_to_itself() -> None:
    async with (
        simulator_of(YOUTUBE).serve(HISTORY, (), FaultPlan(), T0, 0) as simulator,
        YouTubeCollector("key", simulator.base_url, HttpOptions()) as collector,
    ):
        found = await collector.resolve(["@googledevelopers", CHANNEL, VIDEO, "nobody", GONE, "a b"], T0)
    assert [(one.asked, one.native_id, one.handle) for one in found.found] == [
        ("@googledevelopers", CHANNEL, "GoogleDevelopers"),
        (CHANNEL, CHANNEL, "GoogleDevelopers"),
        (VIDEO, VIDEO, "jNQXAC9IVRw"),
    ]
    assert {one.asked: one.why for one in found.unresolved} == {
        "nobody": UnresolvedReason.NOT_FOUND,
        GONE: UnresolvedReason.NOT_FOUND,
        "a b": UnresolvedReason.NOT_A_HANDLE,
    }
    assert found.trouble is None


async def test_when_the_units_are_used_up_nothing_is_asked_until_they_return() -> None:
    plan = FaultPlan({FaultKind.USAGE_CAPPED: 100_000})
    async with (
        simulator_of(YOUTUBE).serve(HISTORY, (), plan, T0, 0) as simulator,
        YouTubeCollector("key", simulator.base_url, HttpOptions()) as collector,
    ):
        trouble = (await collector.read([CHANNEL], T0)).trouble
        assert trouble is not None
        assert (trouble.reason, trouble.retry_at) == (MissedReason.USAGE_CAPPED, retry_without_units(T0))
        assert trouble.breaker
        assert not (await collector.read([VIDEO], T0)).sent
        assert (await collector.read([VIDEO], retry_without_units(T0))).sent
        handles = await collector.resolve(["GoogleDevelopers"], retry_without_units(T0))
    assert [one.why for one in handles.unresolved] == [UnresolvedReason.NO_ANSWER]


DECLARATION_CHANNEL = "UC_x5XG1OV2P6uZZ5FSM9Ttw"


@pytest.mark.parametrize(
    ("address", "name", "is_id"),
    [
        ("https://www.youtube.com/watch?v=jNQXAC9IVRw&t=3s", VIDEO, True),
        ("https://www.youtube.com/watch?list=PL1&v=jNQXAC9IVRw", VIDEO, True),
        ("https://youtu.be/jNQXAC9IVRw?si=abc", VIDEO, True),
        ("https://m.youtube.com/shorts/jNQXAC9IVRw", VIDEO, True),
        ("https://www.youtube.com/live/jNQXAC9IVRw", VIDEO, True),
        ("https://www.youtube-nocookie.com/embed/jNQXAC9IVRw", VIDEO, True),
        (f"https://www.youtube.com/channel/{DECLARATION_CHANNEL}/videos", DECLARATION_CHANNEL, True),
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
