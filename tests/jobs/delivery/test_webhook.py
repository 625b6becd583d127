"""Webhooks: what is posted, how it is signed, and what becomes of an answer."""

import importlib.util
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from jobs.delivery.channel_config import Webhook
from jobs.delivery.http_post import wait_asked_for
from jobs.delivery.sender import DeliveryFault, Undeliverable
from jobs.delivery.webhook import WebhookSender, signature
from tests.support.samples.readings import minutes
from tests.support.servers.mail import (
    PATH,
    SECRET,
    Answer,
    an_alert_for,
    hangs,
    receiving,
    resets,
    says,
)
from tests.support.servers.ports import closed_port

DOCS = Path(__file__).parent.parent.parent.parent / "docs/reference/webhook.md"
NOW = minutes(0)
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""The secret of the specification's examples."""
BODY = b'{"version":"blockline.alert/1"}'


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


async def test_the_payload_is_posted_as_it_is_stored_and_signed() -> None:
    async with receiving(says(200)) as receiver:
        sending = sender(receiver.url)
        await sending.send(an_alert_for("webhook:desk"))
        await sending.close()
    (request,) = receiver.requests
    assert (request.path, request.body) == (PATH, BODY)
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["webhook-id"] == request.headers["ce-id"] == "1@blockline.invalid"
    assert request.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert request.headers["ce-source"] == "https://desk.example"
    assert (request.headers["ce-type"], request.headers["ce-specversion"]) == ("blockline.alert.v1", "1.0")
    assert request.headers["Blockline-Id"] == "1@blockline.invalid"
    assert request.headers["Blockline-Timestamp"] == str(int(NOW.timestamp()))
    assert request.headers["Blockline-Signature"] == f"v1={signature(SECRET, int(NOW.timestamp()), BODY)}"


async def test_a_repeat_has_the_same_id_and_body_and_the_time_of_its_own_attempt() -> None:
    async with receiving(says(500), says(204)) as receiver:
        await refused_by(sender(receiver.url))
        later = sender(receiver.url, at=minutes(1))
        await later.send(an_alert_for("webhook:desk"))
        await later.close()
    first, second = receiver.requests
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 60
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


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


@pytest.mark.parametrize(
    ("answer", "permanent", "wait_s", "sentence"),
    [
        pytest.param(says(400, "no field id"), True, None, "400 no field id.", id="a fault of the request"),
        pytest.param(says(401), True, None, "401.", id="a signature that it does not accept"),
        pytest.param(says(404), True, None, "404.", id="nothing there"),
        pytest.param(says(410, "closed"), True, None, "410 closed.", id="gone for good"),
        pytest.param(says(408), False, None, "408.", id="the receiver gave up waiting"),
        pytest.param(says(425), False, None, "425.", id="too early"),
        pytest.param(says(429), False, None, "429.", id="too many, without a time"),
        pytest.param(says(429, Retry_After="120"), False, 120, "429.", id="too many, a time in seconds"),
        pytest.param(
            says(429, Retry_After="Mon, 01 Feb 2021 00:05:00 GMT"), False, 300, "429.", id="too many, a date"
        ),
        pytest.param(says(503, Retry_After="86400"), False, 3600, "503.", id="never longer than an hour"),
        pytest.param(says(503, Retry_After="soon"), False, None, "503.", id="a wait that is none"),
        pytest.param(
            says(503, Retry_After="Mon, 99999999999999999999 Feb 2021 00:05:00 GMT"),
            False,
            None,
            "503.",
            id="a date that no calendar has",
        ),
        pytest.param(says(400, Retry_After="60"), True, None, "400.", id="a wait for what will not pass"),
        pytest.param(says(500, "oh\r\nno\u202e"), False, None, "500 oh��no�.", id="a fault of its own"),
        pytest.param(says(502, "<h1>Bad</h1>"), False, None, "502 <h1>Bad</h1>.", id="a page of a proxy"),
    ],
)
async def test_what_a_receiver_refuses_is_temporary_or_permanent_as_it_says(
    answer: Answer, permanent: bool, wait_s: int | None, sentence: str
) -> None:
    async with receiving(answer) as receiver:
        error = await refused_by(sender(receiver.url))
    assert str(error) == f"Webhook desk refused the alert: {sentence}"
    assert error.permanent is permanent
    assert error.retry_after == (timedelta(seconds=wait_s) if wait_s else None)


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


async def test_an_answer_that_never_ends_is_read_no_further_than_its_beginning() -> None:
    written = 0

    async def floods(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse(status=507)
        await response.prepare(request)
        while written < 200_000_000:
            await response.write(b"full " * 10_000)
            written += 50_000
        return response

    async with receiving(floods) as receiver:
        error = await refused_by(sender(receiver.url))
    assert str(error).startswith("Webhook desk refused the alert: 507 full full")
    assert len(str(error)) < 300
    assert written < 100_000_000


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


@pytest.mark.parametrize(
    "echo",
    [
        pytest.param("Cannot POST {path}", id="the path, as many frameworks say it"),
        pytest.param("unknown: T0PSECRETPATH!", id="the last part of the path"),
        pytest.param("unknown hookT0PSECRETPATHhook", id="grown together with other words"),
        pytest.param("unknown hook t0psecretp", id="a piece of it, in other letters"),
        pytest.param('{{"path":"\\/services\\/T0PSECRETPATH"}}', id="escaped"),
        pytest.param("T0PSEC\u200dRETPATH is unknown", id="with an invisible character that is taken out"),
        pytest.param("no server on {url}", id="the whole address"),
        pytest.param("signed with the-first-secret-of-the-desk?", id="the secret of the signature"),
        pytest.param("{padding}T0PSECRETPATH", id="cut by the limit of what is read"),
    ],
)
async def test_no_sentence_repeats_an_address_or_a_secret_that_a_receiver_says(echo: str) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        text = echo.format(path=request.path, url=request.url, padding=" " * 4088)
        return web.Response(status=404, text=text)

    async with receiving(answer) as receiver:
        error = await refused_by(sender(receiver.url))
    told = str(error).casefold()
    assert "404" in told
    assert "…" in told
    for secret in ("t0ps", "retpath", "services", "127.0.0.1", "the-first", "secret-of"):
        assert secret not in told


async def test_an_alert_without_a_payload_is_given_up() -> None:
    sending = sender(f"http://127.0.0.1:{closed_port()}/")
    with pytest.raises(Undeliverable, match=r"webhook desk, because it has no webhook payload") as refused:
        await sending.send(an_alert_for("webhook:desk", payload=None))
    assert refused.value.permanent


async def test_a_name_that_the_settings_lack_waits() -> None:
    with pytest.raises(Undeliverable, match=r"^webhook:gone names no channel in the settings") as refused:
        await sender("http://127.0.0.1:9/").send(an_alert_for("webhook:gone"))
    assert not refused.value.permanent


async def test_closing_a_sender_that_never_sent_does_nothing() -> None:
    await sender("http://127.0.0.1:9/").close()


def test_a_webhook_does_not_print_its_address_or_its_secrets() -> None:
    assert repr(Webhook("https://desk.example/key", (SECRET,))) == "Webhook()"


def test_a_signature_is_that_of_the_published_example() -> None:
    # openssl: printf '1612137600.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef
    known = "6e5914dae40f4629966d534f56ad28f6990457cade6474dc7863feb2d5f9ea58"
    assert signature("0123456789abcdef", 1612137600, b'{"a":1}') == known


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The code that docs/reference/webhook.md gives to receivers."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    file = tmp_path_factory.mktemp("docs") / "receiver.py"
    file.write_text(code)
    spec = importlib.util.spec_from_file_location("receiver", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("secret", "body", "late_s", "accepted"),
    [
        pytest.param(SECRET, BODY, 0, True, id="as it was sent"),
        pytest.param("the-second-secret-of-the-desk", BODY, 0, True, id="by the other secret of a change"),
        pytest.param(KEY, BODY, 0, True, id="by a key in Base64"),
        pytest.param("somebody-elses-secret", BODY, 0, False, id="by another secret"),
        pytest.param(SECRET, BODY + b" ", 0, False, id="with another body"),
        pytest.param(SECRET, BODY, 3600, False, id="an old request"),
    ],
)
async def test_the_code_of_the_documentation_accepts_what_is_sent_and_nothing_else(
    documented: ModuleType, secret: str, body: bytes, late_s: int, accepted: bool
) -> None:
    at = datetime.fromtimestamp(time.time() - late_s, UTC)
    async with receiving(says(200)) as receiver:
        sending = sender(receiver.url, SECRET, "the-second-secret-of-the-desk", KEY, at=at)
        await sending.send(an_alert_for("webhook:desk"))
        await sending.close()
    (request,) = receiver.requests
    is_from_blockline = cast("Any", documented).is_from_blockline
    assert is_from_blockline(secret, request.headers, body) is accepted


@given(
    st.one_of(st.none(), st.text(max_size=60), st.from_regex(r"\A\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ .{0,6}\Z"))
)
def test_whatever_a_receiver_writes_as_retry_after_is_no_wait_or_at_most_an_hour(value: str | None) -> None:
    wait = wait_asked_for(value, NOW)
    assert wait is None or timedelta(0) < wait <= timedelta(hours=1)


@pytest.mark.parametrize("offered", ["", "abc", "v1,abc", "v1", "v2,AAAA"])
def test_the_code_of_the_documentation_refuses_a_malformed_signature(
    documented: ModuleType, offered: str
) -> None:
    headers = {
        "webhook-id": "1@blockline.invalid",
        "webhook-timestamp": str(int(time.time())),
        "webhook-signature": offered,
    }
    for body in (BODY, b"\xff"):
        assert cast("Any", documented).is_from_blockline(SECRET, headers, body) is False
