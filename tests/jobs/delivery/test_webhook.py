"""Webhooks: what is posted, how it is signed, and what becomes of an answer."""

import re
from datetime import datetime, timedelta

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from jobs.delivery.channel_config import Webhook
from jobs.delivery.http_post import wait_asked_for
from jobs.delivery.sender import DeliveryFault, Undeliverable
from jobs.delivery.webhook import WebhookSender
from tests.support.samples.readings import minutes
from tests.support.servers.mail import (
    SECRET,
    Answer,
    an_alert_for,
    hangs,
    receiving,
    resets,
    says,
)
from tests.support.servers.ports import closed_port

NOW = minutes(0)


def sender(url: str, *secrets: str, at: datetime = NOW, timeout_s: float = 10) -> WebhookSender:
    return WebhookSender(
        {"desk": Webhook(url, secrets or (SECRET,))}, lambda: at, "https://desk.example", timeout_s
    )


async def refused_by(sending: WebhookSender) -> Undeliverable:
    try:
        with pytest.raises(Undeliverable) as refused:
            await sending.send(an_alert_for("webhook:desk"))
    finally:
        await sending.close()
    return refused.value


async def test_all_alerts_go_over_one_connection_until_the_sender_is_closed() -> None:
    async with receiving(says(202)) as receiver:
        sending = sender(receiver.url)
        for number in range(3):
            await sending.send(an_alert_for("webhook:desk", number))
        assert len(receiver.connections) == 1
        await sending.close()
        await sending.send(an_alert_for("webhook:desk", 4))
        await sending.close()
    assert len(receiver.requests) == 4
    assert len(receiver.connections) == 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed_and_where_it_leads_is_not_told(status: int) -> None:
    async with receiving(says(200)) as other, receiving(says(status, Location=other.url)) as receiver:
        error = await refused_by(sender(receiver.url))
    assert other.requests == []
    assert error.permanent
    assert str(error) == (
        f"Webhook desk answers with a redirect ({status}), which is not followed: set the address that it "
        "leads to."
    )


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        pytest.param(hangs, "it did not answer in time", id="it hangs"),
        pytest.param(resets, "it ended the connection without an answer", id="it resets the connection"),
    ],
)
async def test_no_answer_at_all_is_a_temporary_fault(answer: Answer, sentence: str) -> None:
    async with receiving(answer) as receiver:
        error = await refused_by(sender(receiver.url, timeout_s=0.2))
    assert (str(error), error.permanent) == (f"Webhook desk: {sentence}.", False)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://127.0.0.1:{port}/hook", r"it cannot be reached \(Connection refused\)"),
        ("http://no-such-host.invalid/hook", "its host is not found"),
        ("http://desk..example/hook", "its (address cannot be used|host is not found)"),
        (f"http://{'a' * 64}.example/hook", "its (address cannot be used|host is not found)"),
        ("http://127.0.0.1:99999/hook", "its address cannot be used"),
    ],
    ids=["nobody listens", "no such host", "two dots", "a name too long", "no such port"],
)
async def test_a_receiver_that_is_not_there_is_a_temporary_fault(url: str, sentence: str) -> None:
    error = await refused_by(sender(url.format(port=closed_port())))
    assert re.fullmatch(rf"Webhook desk: {sentence}\.", str(error))
    assert (error.permanent, error.fault) == (False, DeliveryFault.SERVER)


async def test_a_receiver_that_speaks_no_tls_is_a_temporary_fault() -> None:
    async with receiving(says(200)) as receiver:
        error = await refused_by(sender(receiver.url.replace("http:", "https:")))
    assert not error.permanent
    assert "no secure connection" in str(error)
    assert receiver.requests == []


async def test_an_answer_that_breaks_off_leaves_its_status() -> None:
    async def breaks_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=404, headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"no such")
        assert request.transport is not None
        request.transport.close()
        return response

    async with receiving(breaks_off) as receiver:
        error = await refused_by(sender(receiver.url))
    assert str(error) == "Webhook desk refused the alert: 404 no such."
    assert error.permanent


async def test_an_alert_without_a_payload_is_given_up() -> None:
    sending = sender(f"http://127.0.0.1:{closed_port()}/")
    with pytest.raises(Undeliverable, match=r"webhook desk, because it has no webhook payload") as refused:
        await sending.send(an_alert_for("webhook:desk", payload=None))
    assert refused.value.permanent


@given(
    st.one_of(st.none(), st.text(max_size=60), st.from_regex(r"\A\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ .{0,6}\Z"))
)
def test_whatever_a_receiver_writes_as_retry_after_is_no_wait_or_at_most_an_hour(value: str | None) -> None:
    wait = wait_asked_for(value, NOW)
    assert wait is None or timedelta(0) < wait <= timedelta(hours=1)
