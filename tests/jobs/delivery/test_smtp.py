"""Handing mails to a real SMTP server, in good times and bad."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from jobs.delivery.local_inbox import Inbox, SmtpServer
from jobs.delivery.sender import DeliveryFault, Undeliverable
from jobs.delivery.smtp import MailServer, Security, SmtpSender
from tests.support.servers.mail import SENDER, Refusing, a_mail
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


async def test_a_recipient_that_no_message_can_name_is_the_fault_of_the_mail() -> None:
    with pytest.raises(Undeliverable, match="An address or header cannot be sent") as refused:
        await SmtpSender(MailServer("127.0.0.1", closed_port(), SENDER)).send(a_mail(1, "a@b.org\r\nBcc: c"))
    assert (refused.value.permanent, refused.value.fault) == (True, DeliveryFault.MAIL)


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
