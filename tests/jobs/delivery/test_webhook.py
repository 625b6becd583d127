"""Webhooks, PagerDuty and Apprise: what is posted, how it is signed, and what an answer leads to."""

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from apprise import NotifyBase, NotifyFormat, OverflowMode
from hypothesis import given
from hypothesis import strategies as st

from jobs.delivery.apprise import AppriseSender, fitted, in_its_form, service
from jobs.delivery.channel_config import Webhook
from jobs.delivery.http_post import wait_asked_for
from jobs.delivery.pagerduty import PagerDutySender
from jobs.delivery.sender import DeliveryFault, Undeliverable
from jobs.delivery.webhook import WebhookSender
from storage.model.alerts.alerts import Mail
from tests.support.samples.readings import minutes
from tests.support.servers.mail import (
    PATH,
    SECRET,
    Receiver,
    a_mail,
    an_alert_for,
    hangs,
    receiving,
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


async def test_a_long_text_is_cut_at_the_end_of_a_line_and_says_so() -> None:
    line = "x" * 99
    event = await posted(replace(MAIL, subject="s" * 3000, text_body=f"{line}\n" * 3000))
    payload = event["payload"]
    text = payload["custom_details"]["text"]
    assert len(payload["summary"]) == 1024
    assert len(text) <= 100_000 + 40
    assert text.endswith(f"{line}\n… The dashboard has the rest.")


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
