"""Chats and pagers through Apprise: what they are sent, and what is told of a failure."""

import pytest
from apprise import NotifyBase, NotifyFormat, OverflowMode
from hypothesis import given
from hypothesis import strategies as st

from jobs.delivery.apprise import AppriseSender, fitted, in_its_form, service
from jobs.delivery.sender import Undeliverable
from tests.support.servers.mail import (
    PATH,
    Receiver,
    an_alert_for,
    hangs,
    receiving,
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
