"""The inbox of demonstrations: a mail once however often it came, and a server that many may use."""

import asyncio
import gc
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from jobs.delivery.local_inbox import Inbox, SmtpServer
from jobs.messages.compose import message
from tests.support.servers.mail import SENDER, a_mail, sender_to


def test_an_inbox_shows_a_repeated_mail_once_and_counts_it() -> None:
    inbox = Inbox()
    for number in (1, 2, 1, 1):
        inbox.receive(message(a_mail(number, sent_at_minute=number), SENDER).as_bytes())
    assert [(m.message_id, m.copies) for m in inbox.mails()] == [
        ("<2@blockline.invalid>", 1),
        ("<1@blockline.invalid>", 3),
    ]


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


async def test_a_mail_server_takes_many_clients_at_once() -> None:
    inbox = Inbox()
    with SmtpServer(inbox) as server:

        async def send(number: int) -> None:
            sender = sender_to(server.port)
            await sender.send(a_mail(number))
            await sender.close()

        async with asyncio.TaskGroup() as clients:
            for number in range(20):
                clients.create_task(send(number))
    assert len(inbox.mails()) == 20


async def test_a_server_stops_while_a_client_is_connected() -> None:
    server = SmtpServer(Inbox())
    with server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
    with suppress(ConnectionError):
        await reader.read()
    writer.close()
    with pytest.raises(OSError):
        socket.create_connection((server.host, server.port), timeout=1)


async def test_a_server_leaves_no_socket_open_of_a_client_that_came_as_it_stopped() -> None:
    for _ in range(40):
        with SmtpServer(Inbox()) as server:
            _, writer = await asyncio.open_connection(server.host, server.port)
        writer.close()
    gc.collect()  # a socket that is still open is warned of here
