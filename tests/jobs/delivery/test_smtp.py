"""Handing mails to a real SMTP server, in good times and bad."""

import asyncio
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from jobs.delivery.local_inbox import Inbox, SmtpServer
from jobs.delivery.sender import DeliveryFault, Undeliverable
from jobs.delivery.smtp import MailServer, Security, SmtpSender
from jobs.messages.compose import WIRE, message
from tests.support.samples.readings import minutes
from tests.support.servers.mail import SENDER, Refusing, a_mail, serving
from tests.support.servers.ports import closed_port


class Slow(Refusing):
    """While it is slow, nobody learns whether it takes a sender."""

    is_slow = False

    async def handle_MAIL(
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: Sequence[str]
    ) -> str:
        answer = await super().handle_MAIL(_server, session, envelope, address, options)
        if self.is_slow:
            await asyncio.sleep(60)
        return answer


async def test_a_mail_arrives_as_it_was_composed() -> None:
    inbox = Inbox()
    async with serving(inbox) as sender:
        await sender.send(a_mail())
    (received,) = inbox.mails()
    assert received.subject == "Mail 1 — order"
    assert received.recipients == ("desk@example.org",)
    assert received.message_id == "<1@blockline.invalid>"
    assert received.date == minutes(0)
    assert "HTML body" in received.html
    assert received.raw == message(a_mail(), SENDER).as_bytes(policy=WIRE)


async def test_several_mails_go_over_one_connection() -> None:
    inbox = Refusing("")
    async with serving(inbox) as sender:
        for number in range(3):
            await sender.send(a_mail(number))
    assert len(inbox.mails()) == 3
    assert len(inbox.sessions) == 1


async def test_a_connection_that_the_server_closes_between_two_mails_is_opened_again() -> None:
    inbox = Refusing("MAIL", "421 too many mails on this connection")
    async with serving(inbox) as sender:
        inbox.command = ""
        await sender.send(a_mail(1))
        inbox.command = "MAIL"
        await sender.send(a_mail(2))
    assert [m.message_id for m in inbox.mails()] == ["<2@blockline.invalid>", "<1@blockline.invalid>"]


@pytest.mark.parametrize(
    ("command", "answer", "permanent", "wait"),
    [
        pytest.param("MAIL", "451 busy", False, None, id="temporary, at the sender"),
        pytest.param("MAIL", "530 authentication required", False, None, id="settings, at the sender"),
        pytest.param("MAIL", "552 too large", True, None, id="permanent, at the size"),
        pytest.param("RCPT", "450 greylisted, try again in 300 seconds", False, 300, id="greylisted"),
        pytest.param("RCPT", "450 wait 5 minutes", False, 300, id="greylisted, in minutes"),
        pytest.param("RCPT", "450 wait 999 minutes", False, 3600, id="never longer than an hour"),
        pytest.param("RCPT", "550 no such user in 5 minutes", True, None, id="permanent, the recipient"),
        pytest.param("DATA", "452 disk full", False, None, id="temporary, at the content"),
        pytest.param("DATA", "554 spam", True, None, id="permanent, at the content"),
        pytest.param("MAIL", "421 going down", False, None, id="the server goes away"),
    ],
)
async def test_what_a_server_refuses_is_temporary_or_permanent_as_it_says(
    command: str, answer: str, permanent: bool, wait: int | None
) -> None:
    inbox = Refusing(command, answer)
    async with serving(inbox) as sender:
        with pytest.raises(Undeliverable, match=answer[:7]) as refused:
            await sender.send(a_mail())
        assert refused.value.permanent is permanent
        assert refused.value.retry_after == (timedelta(seconds=wait) if wait else None)
        await sender.send(a_mail(2))
    assert [m.message_id for m in inbox.mails()] == ["<2@blockline.invalid>"]


async def test_one_temporary_refusal_among_permanent_ones_is_worth_another_try() -> None:
    inbox = Refusing("RCPT", "550 gone", "450 later")
    async with serving(inbox) as sender:
        with pytest.raises(Undeliverable) as refused:
            await sender.send(a_mail(1, "a@example.org", "b@example.org"))
    assert not refused.value.permanent


async def test_a_server_that_is_not_there_is_a_temporary_fault() -> None:
    sender = SmtpSender(MailServer("127.0.0.1", closed_port(), SENDER, Security.NONE))
    with pytest.raises(Undeliverable, match="Cannot hand mails to the server") as refused:
        await sender.send(a_mail())
    assert not refused.value.permanent


@pytest.mark.parametrize("host", ["mail..example.org", f"{'a' * 64}.example.org"])
async def test_a_host_that_no_server_has_is_a_temporary_fault(host: str) -> None:
    sender = SmtpSender(MailServer(host, 25, SENDER, Security.NONE))
    with pytest.raises(Undeliverable, match="Cannot hand mails to the server") as refused:
        await sender.send(a_mail())
    assert (refused.value.permanent, refused.value.fault) == (False, DeliveryFault.SERVER)
    with pytest.raises(Undeliverable, match="Cannot hand mails to the server"):
        await sender.greet()


@pytest.mark.parametrize(
    ("command", "answer", "fault"),
    [
        pytest.param(
            "MAIL", "530 authentication required", DeliveryFault.SERVER, id="it takes nothing from us"
        ),
        pytest.param("MAIL", "451 busy", DeliveryFault.SERVER, id="it takes nothing now"),
        pytest.param("MAIL", "552 too large", DeliveryFault.MAIL, id="it does not take this size"),
        pytest.param("RCPT", "450 greylisted", DeliveryFault.MAIL, id="it does not take this recipient"),
        pytest.param("DATA", "554 spam", DeliveryFault.MAIL, id="it does not take this text"),
    ],
)
async def test_whose_fault_it_is_says_whether_another_mail_would_fare_the_same(
    command: str, answer: str, fault: DeliveryFault
) -> None:
    async with serving(Refusing(command, answer)) as sender:
        with pytest.raises(Undeliverable) as refused:
            await sender.send(a_mail())
    assert refused.value.fault is fault


class Vanishing(Refusing):
    """Gives no answer once the text of a message came, and then refuses everybody."""

    def __init__(self, then: str, takes: int = 0) -> None:
        super().__init__("", "450 later")
        self.then = then
        self.takes = takes
        """So many messages before."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.takes -= 1
        if self.takes >= 0:
            return await super().handle_DATA(server, session, envelope)
        self.command = "RCPT"
        if self.then == "hangs":
            await asyncio.sleep(60)
        elif self.then == "hangs up":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 never heard" if self.then != "babbles" else "so be it"


@pytest.mark.parametrize(
    ("command", "answer"),
    [("MAIL", "451 busy"), ("RCPT", "450 greylisted"), ("DATA", "452 disk full"), ("DATA", "554 spam")],
)
async def test_what_a_server_refuses_it_has_not_accepted(command: str, answer: str) -> None:
    async with serving(Refusing(command, answer)) as sender:
        with pytest.raises(Undeliverable) as refused:
            await sender.send(a_mail())
        assert not refused.value.uncertain


async def test_what_no_server_was_given_none_has_accepted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (silent.getsockname()[1], closed_port()):
            sender = SmtpSender(MailServer("127.0.0.1", port, SENDER, Security.NONE), limit_s=0.3)
            with pytest.raises(Undeliverable) as refused:
                await sender.send(a_mail())
            assert not refused.value.uncertain
    inbox = Slow("")
    inbox.is_slow = True
    with SmtpServer(inbox) as server:
        where = MailServer("127.0.0.1", server.port, SENDER, Security.NONE)
        with pytest.raises(Undeliverable, match="did not answer in time") as refused:
            await SmtpSender(where, limit_s=0.3).send(a_mail())
        assert not refused.value.uncertain


@pytest.mark.parametrize("then", ["hangs", "hangs up", "babbles"])
async def test_a_server_that_is_not_heard_of_after_the_text_may_have_accepted_it(then: str) -> None:
    with SmtpServer(Vanishing(then)) as server:
        sender = SmtpSender(MailServer("127.0.0.1", server.port, SENDER, Security.NONE), limit_s=0.5)
        with pytest.raises(Undeliverable) as lost:
            await sender.send(a_mail(1))
        assert lost.value.uncertain
    with pytest.raises(Undeliverable) as away:
        await sender.send(a_mail(2))
    assert not away.value.uncertain, "this one was given to nobody"


async def test_a_text_that_was_lost_on_an_old_connection_stays_in_doubt_whatever_a_new_one_says() -> None:
    inbox = Vanishing("hangs up", takes=1)
    async with serving(inbox) as sender:
        await sender.send(a_mail(1))
        with pytest.raises(Undeliverable, match="450 later") as refused:
            await sender.send(a_mail(2))
        assert refused.value.uncertain


async def test_a_recipient_that_no_message_can_name_is_the_fault_of_the_mail() -> None:
    with pytest.raises(Undeliverable, match="An address or header cannot be sent") as refused:
        await SmtpSender(MailServer("127.0.0.1", closed_port(), SENDER)).send(a_mail(1, "a@b.org\r\nBcc: c"))
    assert (refused.value.permanent, refused.value.fault) == (True, DeliveryFault.MAIL)


async def test_a_delivery_that_has_to_connect_anew_has_no_more_time_than_any_other() -> None:
    inbox = Slow("")
    with SmtpServer(inbox) as server:
        where = MailServer("127.0.0.1", server.port, SENDER, Security.NONE)
        sender = SmtpSender(where, limit_s=0.5)
        await sender.send(a_mail(1))
        inbox.is_slow = True
        with pytest.raises(Undeliverable, match="did not answer in time") as refused:
            await sender.send(a_mail(2))
        assert not refused.value.permanent
        assert len(inbox.sessions) == 1


async def test_a_server_that_never_answers_is_a_temporary_fault() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = MailServer("127.0.0.1", silent.getsockname()[1], SENDER, Security.NONE, timeout_s=0.2)
        with pytest.raises(Undeliverable, match="did not answer in time") as refused:
            await SmtpSender(server).send(a_mail())
    assert not refused.value.permanent


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Generator[MailServer]:
    """A server that says what it likes to one client and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            conn, _ = listening.accept()
            with conn:
                talk(conn)

        thread = threading.Thread(target=serve)
        thread.start()
        yield MailServer("127.0.0.1", listening.getsockname()[1], SENDER, Security.NONE, timeout_s=5)
        thread.join()


@pytest.mark.parametrize(
    "greeting", [b"", b"554 no mail here\r\n", b"HTTP/1.1 400 Bad Request\r\n", b"\xff\xfe\r\n"]
)
async def test_a_server_that_greets_with_anything_else_is_a_temporary_fault(greeting: bytes) -> None:
    with raw_server(lambda conn: conn.sendall(greeting)) as server, pytest.raises(Undeliverable) as refused:
        await SmtpSender(server).send(a_mail())
    assert not refused.value.permanent


async def test_closing_a_sender_that_never_sent_does_nothing() -> None:
    await SmtpSender(MailServer("127.0.0.1", closed_port(), SENDER, Security.NONE)).close()


def guarded(certificate: ssl.SSLContext) -> dict[str, Any]:
    """Options of a server that takes mails only over TLS and after a login."""

    def check(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: object) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(success=data.password == b"correct horse", handled=False)

    return {
        "tls_context": certificate,
        "require_starttls": True,
        "auth_required": True,
        "authenticator": check,
    }


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate for 127.0.0.1 that this process trusts as an operator's own authority would be."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    return context


async def test_starttls_and_a_password_are_used_when_they_are_set(certificate: ssl.SSLContext) -> None:
    inbox = Inbox()
    with SmtpServer(inbox, **guarded(certificate)) as server:
        right = MailServer(server.host, server.port, SENDER, Security.STARTTLS, "user", "correct horse")
        sender = SmtpSender(right)
        await sender.send(a_mail())
        await sender.close()
    assert len(inbox.mails()) == 1


async def test_a_wrong_password_is_our_fault_and_no_mail_dies_of_it(certificate: ssl.SSLContext) -> None:
    with SmtpServer(Inbox(), **guarded(certificate)) as server:
        wrong = MailServer(server.host, server.port, SENDER, Security.STARTTLS, "user", "battery staple")
        with pytest.raises(Undeliverable, match="refused the user name or the password") as refused:
            await SmtpSender(wrong).send(a_mail())
    assert not refused.value.permanent
    assert "staple" not in f"{refused.value!r} {wrong!r} {refused.value.__cause__!r}"


async def test_a_certificate_of_somebody_unknown_is_not_accepted(
    certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    async with serving(Inbox(), Security.STARTTLS, tls_context=certificate) as sender:
        with pytest.raises(Undeliverable, match="certificate"):
            await sender.send(a_mail())


async def test_a_server_without_starttls_gets_no_mail_in_clear() -> None:
    inbox = Inbox()
    async with serving(inbox, Security.STARTTLS) as sender:
        with pytest.raises(Undeliverable, match="STARTTLS") as refused:
            await sender.send(a_mail())
    assert not refused.value.permanent
    assert not inbox.mails()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"sender": "nobody"}, "not a valid sender address"),
        ({"sender": "a@b.org\r\nBcc: c@d.org"}, "not a valid sender address"),
        ({"username": "user", "security": Security.NONE}, "sent unencrypted"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_a_sentence(
    settings: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        MailServer(**{"host": "mail.example.org", "port": 587, "sender": SENDER, **settings})  # pyright: ignore[reportArgumentType]
