"""Webhooks: what is posted, how it is signed, and what becomes of an answer."""

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from apprise import NotifyBase, NotifyFormat, OverflowMode
from hypothesis import given
from hypothesis import strategies as st

from jobs.delivery.apprise import AppriseSender, fitted, in_its_form, service
from jobs.delivery.channel_config import Webhook
from jobs.delivery.http_post import wait_asked_for
from jobs.delivery.pagerduty import PagerDutySender
from jobs.delivery.sender import DeliveryFault, Undeliverable
from jobs.delivery.webhook import WebhookSender
from storage.model.alerts.alerts import Mail, MailKind
from tests.support.samples.readings import minutes
from tests.support.servers.mail import (
    PATH,
    SECRET,
    Answer,
    Receiver,
    a_mail,
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


KEY = "R0uT1nGkEy0123456789abcdefABCDEF"
SOURCE = "https://desk.example"
MAIL = replace(
    a_mail(1, "pagerduty:duty"), subject="12 accounts withheld in India", text_body="All twelve.\n"
)


def pagerduty_sender(url: str, timeout_s: float = 10) -> PagerDutySender:
    return PagerDutySender({"duty": KEY}, url, lambda: minutes(0), SOURCE, timeout_s)


async def posted(mail: Mail) -> dict[str, Any]:
    async with receiving(says(202, '{"status":"success"}')) as receiver:
        sending = pagerduty_sender(receiver.url)
        await sending.send(mail)
        await sending.close()
    (request,) = receiver.requests
    assert request.headers["Content-Type"] == "application/json"
    return json.loads(request.body)


async def test_an_end_closes_the_incident_of_that_key() -> None:
    event = await posted(replace(MAIL, kind=MailKind.END, story_key="c0ffee"))
    assert event == {"routing_key": KEY, "event_action": "resolve", "dedup_key": "c0ffee"}


async def test_a_message_of_no_incident_has_a_key_of_its_own_which_a_repeat_has_too() -> None:
    event = await posted(replace(MAIL, kind=MailKind.DIGEST))
    assert event["dedup_key"] == MAIL.message_id.strip("<>")


async def test_a_long_text_is_cut_at_the_end_of_a_line_and_says_so() -> None:
    line = "x" * 99
    event = await posted(replace(MAIL, subject="s" * 3000, text_body=f"{line}\n" * 3000))
    payload = event["payload"]
    text = payload["custom_details"]["text"]
    assert len(payload["summary"]) == 1024
    assert len(text) <= 100_000 + 40
    assert text.endswith(f"{line}\n… The dashboard has the rest.")


@pytest.mark.parametrize(
    ("answer", "permanent", "sentence"),
    [
        pytest.param(
            says(400, '{"status":"invalid event"}'),
            True,
            'PagerDuty service duty refused the alert: 400 {"status":"invalid event"}.',
            id="an event that it does not take",
        ),
        pytest.param(
            says(400, f"no integration {KEY}"),
            True,
            "PagerDuty service duty refused the alert: 400 no integration ….",
            id="its answer is quoted without the key",
        ),
        pytest.param(
            says(429, Retry_After="30"),
            False,
            "PagerDuty service duty refused the alert: 429.",
            id="too many",
        ),
        pytest.param(says(503), False, "PagerDuty service duty refused the alert: 503.", id="it is down"),
    ],
)
async def test_what_an_answer_means(answer: Answer, permanent: bool, sentence: str) -> None:
    async with receiving(answer) as receiver:
        sending = pagerduty_sender(receiver.url)
        with pytest.raises(Undeliverable) as refused:
            await sending.send(MAIL)
        await sending.close()
    assert (str(refused.value), refused.value.permanent) == (sentence, permanent)


async def test_a_service_that_the_settings_lack_waits() -> None:
    sending = pagerduty_sender("http://127.0.0.1:9/")
    with pytest.raises(Undeliverable) as refused:
        await sending.send(replace(MAIL, recipients=("pagerduty:night",)))
    assert refused.value.fault is DeliveryFault.SETTINGS


SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#desk"
TELEGRAM = "tgram://123456789:abcdefg_hijklmnop/12315544/"
DISCORD = "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"
ROCKETCHAT = "rockets://user:password@chat.example/#desk"
KODI = "kodi://127.0.0.1"
POCKET_PAGER = "dapnet://user:pass@DF1ABC"
ALL = (SLACK, TELEGRAM, DISCORD, ROCKETCHAT, KODI, POCKET_PAGER, "json://127.0.0.1")


def address(receiver: Receiver, options: str = "") -> str:
    return f"json://desk:hushhush@127.0.0.1:{receiver.port}{PATH}{options}"


async def apprise_refused_by(sending: AppriseSender) -> Undeliverable:
    with pytest.raises(Undeliverable) as refused:
        await sending.send(an_alert_for("apprise:desk"))
    return refused.value


async def test_a_service_that_takes_longer_than_a_delivery_may_take_is_a_temporary_fault() -> None:
    async with receiving(hangs) as receiver:
        error = await apprise_refused_by(AppriseSender({"desk": address(receiver, "?rto=1")}, timeout_s=0.1))
    assert (str(error), error.permanent) == ("Channel desk did not answer in time.", False)


async def test_a_service_that_is_not_there_is_a_temporary_fault() -> None:
    error = await apprise_refused_by(AppriseSender({"desk": f"json://127.0.0.1:{closed_port()}/"}))
    assert "did not accept the alert" in str(error)
    assert not error.permanent


async def test_a_name_that_the_settings_lack_waits() -> None:
    with pytest.raises(Undeliverable, match=r"^apprise:gone names no channel in the settings") as refused:
        await AppriseSender({}).send(an_alert_for("apprise:gone"))
    assert not refused.value.permanent


def taken(found: NotifyBase, title: str, text: str) -> tuple[str, str]:
    """What a service would send, Apprise having nothing to split."""
    body, heading = in_its_form(found, text), in_its_form(found, title)
    (call,) = found._build_send_calls(
        body=body, title=heading, overflow=OverflowMode.SPLIT, body_format=NotifyFormat.TEXT
    )
    return call["title"], call["body"]


@pytest.mark.parametrize("url", ALL)
@given(
    title=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=300),
    words=st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=400), max_size=40),
)
def test_apprise_cuts_nothing_off_what_was_fitted_to_it(url: str, title: str, words: list[str]) -> None:
    found = service(url)
    text = "\n".join(words).strip() or "."
    title, text = fitted(found, title, text)
    told_title, body = taken(found, title, text)
    last = text.split("\n")[-1]
    assert told_title == title or found.title_maxlen <= 0
    assert body.endswith(in_its_form(found, last).rstrip())


def test_a_subject_longer_than_a_service_takes_ends_with_an_ellipsis() -> None:
    title, _ = fitted(
        service(POCKET_PAGER), "12 accounts withheld in India (IN), 3 suspended — order 17", "Text"
    )
    assert title == "12 accounts withheld in In…"
