"""Handing mails to a real SMTP server, in good times and bad."""

import asyncio
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from jobs.delivery.local_inbox import Inbox, SmtpServer
from jobs.delivery.sender import DeliveryFault, Undeliverable
from jobs.delivery.smtp import MailServer, Security, SmtpSender
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


async def test_one_temporary_refusal_among_permanent_ones_is_worth_another_try() -> None:
    inbox = Refusing("RCPT", "550 gone", "450 later")
    async with serving(inbox) as sender:
        with pytest.raises(Undeliverable) as refused:
            await sender.send(a_mail(1, "a@example.org", "b@example.org"))
    assert not refused.value.permanent


@pytest.mark.parametrize("host", ["mail..example.org", f"{'a' * 64}.example.org"])
async def test_a_host_that_no_server_has_is_a_temporary_fault(host: str) -> None:
    sender = SmtpSender(MailServer(host, 25, SENDER, Security.NONE))
    with pytest.raises(Undeliverable, match="Cannot hand mails to the server") as refused:
        await sender.send(a_mail())
    assert (refused.value.permanent, refused.value.fault) == (False, DeliveryFault.SERVER)
    with pytest.raises(Undeliverable, match="Cannot hand mails to the server"):
        await sender.greet()


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


async def test_a_wrong_password_is_our_fault_and_no_mail_dies_of_it(certificate: ssl.SSLContext) -> None:
    with SmtpServer(Inbox(), **guarded(certificate)) as server:
        wrong = MailServer(server.host, server.port, SENDER, Security.STARTTLS, "user", "battery staple")
        with pytest.raises(Undeliverable, match="refused the user name or the password") as refused:
            await SmtpSender(wrong).send(a_mail())
    assert not refused.value.permanent
    assert "staple" not in f"{refused.value!r} {wrong!r} {refused.value.__cause__!r}"


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
