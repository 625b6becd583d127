"""Chats and pagers through Apprise: what they are sent, and what is told of a failure."""

import logging
from dataclasses import replace
from json import loads
from pathlib import Path

import pytest
from apprise import NotifyBase, NotifyFormat, OverflowMode
from hypothesis import given
from hypothesis import strategies as st

from jobs.delivery.apprise import REST_ELSEWHERE, AppriseSender, fitted, in_its_form, service
from jobs.delivery.sender import Undeliverable
from tests.support.servers.mail import (
    PATH,
    Answer,
    Receiver,
    an_alert_for,
    hangs,
    receiving,
    resets,
    says,
)
from tests.support.servers.ports import closed_port

SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#desk"
TELEGRAM = "tgram://123456789:abcdefg_hijklmnop/12315544/"
DISCORD = "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"
ROCKETCHAT = "rockets://user:password@chat.example/#desk"
KODI = "kodi://127.0.0.1"
POCKET_PAGER = "dapnet://user:pass@DF1ABC"
ALL = (SLACK, TELEGRAM, DISCORD, ROCKETCHAT, KODI, POCKET_PAGER, "json://127.0.0.1")


def address(receiver: Receiver, options: str = "") -> str:
    return f"json://desk:hushhush@127.0.0.1:{receiver.port}{PATH}{options}"


async def refused_by(sending: AppriseSender) -> Undeliverable:
    with pytest.raises(Undeliverable) as refused:
        await sending.send(an_alert_for("apprise:desk"))
    return refused.value


async def test_a_service_gets_subject_and_text_of_the_mail_under_our_name() -> None:
    async with receiving(says(200)) as receiver:
        sending = AppriseSender({"desk": address(receiver)})
        await sending.send(an_alert_for("apprise:desk"))
        await sending.close()
    (request,) = receiver.requests
    told = loads(request.body)
    assert request.path == PATH
    assert request.headers["User-Agent"] == "Blockline"
    assert (told["title"], told["message"]) == ("Mail 1 — order", "Text body\n.\nafter a dot")


@pytest.mark.parametrize(
    ("answer", "options"),
    [
        pytest.param(says(403, "hushhush"), "", id="it refuses"),
        pytest.param(says(500), "?retry=3&wait=0", id="it fails, and the address asks for repeats"),
        pytest.param(says(500), "?optional=yes", id="it fails, and the address says that this is no matter"),
        pytest.param(resets, "", id="it resets the connection"),
        pytest.param(hangs, "?rto=0.2", id="it hangs"),
    ],
)
async def test_a_service_that_does_not_take_an_alert_is_asked_once_and_it_is_a_temporary_fault(
    answer: Answer, options: str
) -> None:
    async with receiving(answer) as receiver:
        error = await refused_by(AppriseSender({"desk": address(receiver, options)}))
    assert str(error) == (
        "Channel desk did not accept the alert, and Apprise gives no reason. Check the address of the "
        "channel and whether its service can be reached."
    )
    assert not error.permanent
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("options", ["", "?redirect=yes"], ids=["plain", "the address asks for it"])
async def test_a_redirect_is_not_followed(options: str) -> None:
    async with receiving(says(200)) as other, receiving(says(307, Location=other.url)) as receiver:
        error = await refused_by(AppriseSender({"desk": address(receiver, options)}))
    assert not error.permanent
    assert other.requests == []


async def test_a_service_that_takes_longer_than_a_delivery_may_take_is_a_temporary_fault() -> None:
    async with receiving(hangs) as receiver:
        error = await refused_by(AppriseSender({"desk": address(receiver, "?rto=1")}, timeout_s=0.1))
    assert (str(error), error.permanent) == ("Channel desk did not answer in time.", False)


async def test_a_service_that_is_not_there_is_a_temporary_fault() -> None:
    error = await refused_by(AppriseSender({"desk": f"json://127.0.0.1:{closed_port()}/"}))
    assert "did not accept the alert" in str(error)
    assert not error.permanent


async def test_a_name_that_the_settings_lack_waits() -> None:
    with pytest.raises(Undeliverable, match=r"^apprise:gone names no channel in the settings") as refused:
        await AppriseSender({}).send(an_alert_for("apprise:gone"))
    assert not refused.value.permanent


async def test_no_address_gets_into_a_log_at_any_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(1)
    async with receiving(says(404)) as receiver:
        await refused_by(AppriseSender({"desk": address(receiver)}))
    with pytest.raises(ValueError, match=r"^Apprise does not support this kind of address$"):
        service("slack://hushhush")
    logging.getLogger("tests").debug("the log is read")
    logged = "\n".join(r.getMessage() for r in caplog.records if r.name != "aiohttp.access")
    assert "the log is read" in logged
    for secret in ("hushhush", "T0PSECRETPATH", "127.0.0.1"):
        assert secret not in logged


async def test_nothing_is_kept_on_disk_and_no_picture_of_a_third_party_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    async with receiving(says(200)) as receiver:
        sending = AppriseSender({"desk": address(receiver, "?store=yes")})
        await sending.send(an_alert_for("apprise:desk"))
    found = service(SLACK)
    found.store.set("key", "value")
    found.store.flush()
    assert list(tmp_path.rglob("*")) == []
    assert not found.image_url(notify_type="info")  # pyright: ignore[reportArgumentType]
    assert b"github" not in receiver.requests[0].body


@pytest.mark.parametrize(
    "wrong", ["", "desk", "nosuch://desk", "json://", "slack://x", "http://desk.example/"]
)
def test_an_address_that_names_no_service_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"^Apprise does not support this kind of address$"):
        service(wrong)


def taken(found: NotifyBase, title: str, text: str) -> tuple[str, str]:
    """What a service would send, Apprise having nothing to split."""
    body, heading = in_its_form(found, text), in_its_form(found, title)
    (call,) = found._build_send_calls(
        body=body, title=heading, overflow=OverflowMode.SPLIT, body_format=NotifyFormat.TEXT
    )
    return call["title"], call["body"]


@pytest.mark.parametrize("url", ALL)
def test_a_text_that_is_too_long_ends_with_a_sentence_that_says_so(url: str) -> None:
    found = service(url)
    lines = [f"account_{n:04} withheld in India (IN)" for n in range(2000)]
    title, text = fitted(found, "Subject", "\n".join(lines))
    assert title == "Subject"
    *kept, last = text.split("\n")
    assert last == REST_ELSEWHERE
    assert kept == lines[: len(kept)]
    _, body = taken(found, title, text)
    assert body.endswith(in_its_form(found, REST_ELSEWHERE))


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


def test_a_text_that_fits_is_sent_whole() -> None:
    text = "\n".join(f"account_{n:04}" for n in range(100))
    assert fitted(service(SLACK), "Subject", f"{text}\n") == ("Subject", text)
    assert fitted(service("json://127.0.0.1"), "Subject", "a") == ("Subject", "a")


def test_a_subject_longer_than_a_service_takes_ends_with_an_ellipsis() -> None:
    title, _ = fitted(
        service(POCKET_PAGER), "12 accounts withheld in India (IN), 3 suspended — order 17", "Text"
    )
    assert title == "12 accounts withheld in In…"


@pytest.mark.parametrize(
    "call",
    ["@everyone", "@here", "<!channel>", "<@U024BE7LH>", "see !channel>", "<@&1234>", "@durov"],
)
def test_a_handle_calls_nobody_in_the_chat_who_has_the_same_name(call: str) -> None:
    title, text = fitted(service(DISCORD), f"{call} suspended", f"{call} suspended")
    assert title == text
    assert call not in text
    assert text.replace("\u2060", "") == f"{call} suspended"


async def test_an_underscore_in_a_handle_is_no_emphasis() -> None:
    assert service(SLACK).notify_format is NotifyFormat.TEXT
    assert service(f"{SLACK}?format=markdown").notify_format is NotifyFormat.TEXT
    async with receiving(says(200)) as receiver:
        sending = AppriseSender({"desk": address(receiver, "?format=markdown&emojis=yes")})
        await sending.send(replace(an_alert_for("apprise:desk"), text_body="__a__ <b> *c* :fire: &amp;"))
    assert loads(receiver.requests[0].body)["message"] == "__a__ <b> *c* :fire: &amp;".replace(
        "<b", "<\u2060b"
    )
