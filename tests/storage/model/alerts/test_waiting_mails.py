"""Which queued mails are merged: nothing is lost, and what is merged overtakes nothing."""

from dataclasses import replace

import pytest

from storage.model.alerts.alerts import MailKind
from storage.model.alerts.waiting_mails import WaitingMail, pointless


def a_wave(number: int, *accounts: int) -> WaitingMail:
    return WaitingMail(
        number,
        f"<{number}@b>",
        MailKind.WAVE,
        number,
        number,
        (number,),
        frozenset(accounts),
        False,
        False,
        False,
    )


def a_nudge(number: int, kind: MailKind = MailKind.REMINDER) -> WaitingMail:
    return replace(a_wave(number), kind=kind, alert_ids=())


@pytest.mark.parametrize(
    ("line", "merged"),
    [
        pytest.param([a_wave(1, 1), a_wave(2, 1)], [1, 2], id="the same account"),
        pytest.param([a_wave(1, 1), a_wave(2, 1, 2)], [1, 2], id="the newer one tells of more"),
        pytest.param([a_wave(1, 1, 2), a_wave(2, 1)], [], id="the older one tells of more"),
        pytest.param([a_wave(1, 1)], [], id="one alone"),
        pytest.param(
            [a_wave(1, 1, 2), a_wave(2, 1), a_wave(3, 1)], [2, 3], id="back to one that tells of more"
        ),
        pytest.param(
            [a_wave(1, 1), a_wave(2, 2), a_wave(3, 1)], [], id="nothing overtakes what lies between"
        ),
        pytest.param([a_wave(1, 1), a_wave(2, 2), a_wave(3, 1, 2)], [1, 2, 3], id="all before it"),
        pytest.param(
            [replace(a_wave(1, 1), is_uncertain=True), a_wave(2, 1), a_wave(3, 1)],
            [2, 3],
            id="the first may have been accepted",
        ),
        pytest.param(
            [a_wave(1, 1), replace(a_wave(2, 1), is_uncertain=True)],
            [],
            id="the newest may have been accepted",
        ),
        pytest.param(
            [a_wave(1, 1), replace(a_wave(3, 1), follows_round_up=True)],
            [],
            id="a round-up told more in between",
        ),
        pytest.param(
            [a_wave(1, 1), replace(a_wave(2, 1), is_overtaken=True)],
            [],
            id="another story knows something newer",
        ),
        pytest.param(
            [a_wave(1, 1), replace(a_wave(2), kind=MailKind.REPLY), a_wave(3, 1)],
            [],
            id="a reply answered it",
        ),
        pytest.param([a_wave(1, 1), a_nudge(2), a_wave(3, 1)], [1, 2, 3], id="its reminder goes with it"),
        pytest.param(
            [a_wave(1, 1), a_wave(2, 1), a_nudge(3, MailKind.ESCALATION)], [1, 2, 3], id="also a later one"
        ),
        pytest.param(
            [a_nudge(1), a_wave(2, 1), a_wave(3, 1)], [2, 3], id="a reminder of what was sent stays"
        ),
        pytest.param([a_wave(1, 1, 2), a_nudge(2), a_wave(3, 1)], [], id="a reminder alone is not dropped"),
        pytest.param([a_nudge(1), a_nudge(2)], [], id="no wave"),
    ],
)
def test_what_is_merged(line: list[WaitingMail], merged: list[int]) -> None:
    assert [mail.mail_id for mail in pointless(line)] == merged
