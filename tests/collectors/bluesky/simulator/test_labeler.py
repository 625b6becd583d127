"""The simulated labeler: what it sends is what the documentation of labels says, on a real websocket."""

from datetime import timedelta

import aiohttp

from collectors.bluesky.simulator.labeler import SimulatedLabeler
from collectors.bluesky.simulator.labeler_app import LabelerServer, serve_labeler
from collectors.bluesky.wire.label_stream import (
    Frame,
    LabelsFrame,
    read_frame,
    read_signed_labels,
    stream_url,
)
from collectors.bluesky.wire.labeler_keys import LabelKey, read_label_keys
from storage.model.core.labels import SignedLabel
from tests.support.samples.bluesky_answers import made
from tests.support.samples.label_signing import KEY, LABELER, POST, SUBJECT
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
