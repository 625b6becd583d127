"""The inbox of demonstrations: a mail once however often it came, and a server that many may use."""

from pathlib import Path

import pytest

from jobs.delivery.local_inbox import Inbox
from jobs.messages.compose import message
from tests.support.servers.mail import SENDER, a_mail


def test_an_inbox_on_disk_is_found_again_by_the_next_process(tmp_path: Path) -> None:
    first = Inbox(tmp_path / "mails")
    for number in (1, 2, 1):
        first.receive(message(a_mail(number, sent_at_minute=number), SENDER).as_bytes())
    (tmp_path / "mails" / "torn.eml.part").write_bytes(b"half a ma")
    assert Inbox(tmp_path / "mails").mails() == first.mails()
    assert len(first.mails()) == 2


@pytest.mark.parametrize("raw", [b"", b"no headers at all", b"Date: yesterday\r\nSubject: \xff\r\n\r\n\xff"])
def test_an_inbox_keeps_even_what_is_not_a_mail(raw: bytes) -> None:
    inbox = Inbox()
    inbox.receive(raw)
    assert [m.raw for m in inbox.mails()] == [raw]
