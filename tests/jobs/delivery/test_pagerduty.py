"""PagerDuty: what is sent of a message, over real sockets, and what becomes of an answer."""

import json
from dataclasses import replace
from typing import Any

import pytest

from jobs.delivery.pagerduty import PagerDutySender
from jobs.delivery.sender import DeliveryFault, Undeliverable
from storage.model.alerts.alerts import Mail, MailKind
from tests.support.samples.readings import minutes
from tests.support.servers.mail import Answer, a_mail, receiving, says

KEY = "R0uT1nGkEy0123456789abcdefABCDEF"
SOURCE = "https://desk.example"
MAIL = replace(
    a_mail(1, "pagerduty:duty"), subject="12 accounts withheld in India", text_body="All twelve.\n"
)


def sender(url: str, timeout_s: float = 10) -> PagerDutySender:
    return PagerDutySender({"duty": KEY}, url, lambda: minutes(0), SOURCE, timeout_s)


async def posted(mail: Mail) -> dict[str, Any]:
    async with receiving(says(202, '{"status":"success"}')) as receiver:
        sending = sender(receiver.url)
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
        sending = sender(receiver.url)
        with pytest.raises(Undeliverable) as refused:
            await sending.send(MAIL)
        await sending.close()
    assert (str(refused.value), refused.value.permanent) == (sentence, permanent)


async def test_a_service_that_the_settings_lack_waits() -> None:
    sending = sender("http://127.0.0.1:9/")
    with pytest.raises(Undeliverable) as refused:
        await sending.send(replace(MAIL, recipients=("pagerduty:night",)))
    assert refused.value.fault is DeliveryFault.SETTINGS
