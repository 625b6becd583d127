"""The simulated labeler: what it sends is what the documentation of labels says, on a real websocket."""

from datetime import timedelta

import aiohttp
import pytest

from collectors.bluesky.simulator.labeler import SimulatedLabeler
from collectors.bluesky.simulator.labeler_app import LabelerServer, serve_labeler
from collectors.bluesky.simulator.labeler_signing import did_key
from collectors.bluesky.wire.label_stream import (
    ErrorFrame,
    Frame,
    InfoFrame,
    LabelsFrame,
    read_frame,
    read_signed_labels,
    stream_url,
    with_signature_bytes,
)
from collectors.bluesky.wire.labeler_keys import LabelKey, read_label_keys
from collectors.core.wire import is_array
from storage.model.core.labels import LabelRefusal, SignedLabel
from tests.support.samples.bluesky_answers import made
from tests.support.samples.label_signing import KEY, LABELER, LATER_KEY, POST, SUBJECT
from tests.support.samples.readings import T0

HOUR = timedelta(hours=1)


def labeler() -> SimulatedLabeler:
    return SimulatedLabeler(LABELER, KEY, T0)


async def keys_of(server: LabelerServer) -> tuple[LabelKey, ...]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{server.base_url}/{LABELER}/log/audit") as said,
    ):
        keys = read_label_keys(made(said.status, await said.read()), LABELER)
    assert isinstance(keys, tuple)
    return keys


async def listen(server: LabelerServer, cursor: int, messages: int) -> list[Frame | None]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(stream_url(server.base_url, cursor)) as socket,
    ):
        return [read_frame(await socket.receive_bytes()) for _ in range(messages)]


def labels_in(frames: list[Frame | None], keys: tuple[LabelKey, ...]) -> list[SignedLabel]:
    labels = [one for frame in frames if isinstance(frame, LabelsFrame) for one in frame.labels]
    good, refused = read_signed_labels(labels, LABELER, keys)
    assert not refused
    return list(good)


async def test_a_stream_replays_what_came_after_the_cursor_and_goes_on() -> None:
    one = labeler()
    one.put(SUBJECT, "!hide", T0)
    second = one.put(POST, "!hide", T0 + HOUR, cid="bafy", exp="2030-01-01T00:00:00Z")
    async with serve_labeler(one) as server:
        keys = await keys_of(server)
        assert [x.subject for x in labels_in(await listen(server, 0, 2), keys)] == [SUBJECT, POST]
        (only,) = await listen(server, second - 1, 1)
        assert isinstance(only, LabelsFrame)
        assert only.seq == second


async def test_a_withdrawal_takes_the_place_of_the_label_and_stays() -> None:
    one = labeler()
    one.put(SUBJECT, "!hide", T0)
    one.withdraw(SUBJECT, "!hide", T0 + HOUR)
    one.put(POST, "!hide", T0 + HOUR)
    async with serve_labeler(one) as server:
        found = labels_in(await listen(server, 0, 2), await keys_of(server))
    assert [(x.subject, x.is_negated, x.made_at) for x in found] == [
        (SUBJECT, True, T0 + HOUR),
        (POST, False, T0 + HOUR),
    ]


async def test_after_a_rotation_the_stream_keeps_old_signatures_and_the_list_has_new_ones() -> None:
    one = labeler()
    one.put(SUBJECT, "!hide", T0)
    one.rotate(LATER_KEY, T0 + HOUR)
    one.put(POST, "!hide", T0 + 2 * HOUR)
    async with serve_labeler(one) as server:
        keys = await keys_of(server)
        streamed = labels_in(await listen(server, 0, 2), keys)
    assert [x.signed_by for x in streamed] == [did_key(KEY), did_key(LATER_KEY)]
    page = one.listed(0, 10)["labels"]
    assert is_array(page)
    good, refused = read_signed_labels(map(with_signature_bytes, page), LABELER, keys)
    assert [x.signed_by for x in good] == [did_key(LATER_KEY)] * 2
    assert not refused


async def test_a_forged_label_is_sent_like_any_other() -> None:
    one = labeler()
    one.put(SUBJECT, "!hide", T0, forged=True)
    async with serve_labeler(one) as server:
        keys = await keys_of(server)
        (frame,) = await listen(server, 0, 1)
    assert isinstance(frame, LabelsFrame)
    good, refused = read_signed_labels(frame.labels, LABELER, keys)
    assert not good
    assert [x.reason for x in refused] == [LabelRefusal.FORGED]


@pytest.mark.parametrize(
    ("cursor", "expected"),
    [
        pytest.param(0, InfoFrame("OutdatedCursor"), id="older than what is kept"),
        pytest.param(99, ErrorFrame("FutureCursor", "Cursor in the future."), id="not counted so far"),
    ],
)
async def test_a_cursor_outside_of_the_stream_is_said_to_be_so(cursor: int, expected: Frame) -> None:
    one = labeler()
    one.put(SUBJECT, "!hide", T0)
    one.forget(one.put(POST, "!hide", T0))
    async with serve_labeler(one) as server:
        assert await listen(server, cursor, 1) == [expected]
