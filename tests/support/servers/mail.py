"""Real servers of mail and receivers of webhooks that behave badly on demand, and senders to them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from jobs.delivery.local_inbox import Inbox, ReceivedMail, SmtpServer
from jobs.delivery.smtp import MailServer, Security, SmtpSender
from storage.model.alerts.alerts import Mail, MailState
from tests.support.samples.readings import minutes

SENDER = "Blockline <alerts@example.org>"


def a_mail(number: int = 1, *recipients: str, sent_at_minute: float = 0) -> Mail:
    return Mail(
        mail_id=number,
        message_id=f"<{number}@blockline.invalid>",
        recipients=recipients or ("desk@example.org",),
        subject=f"Mail {number} — order",
        text_body="Text body\n.\nafter a dot",
        html_body="<p>HTML body</p>",
        created_at=minutes(sent_at_minute),
        state=MailState.QUEUED,
        attempts=1,
        next_attempt_at=None,
        sent_at=None,
        last_error=None,
    )


class InOrder(Inbox):
    """An inbox that shows its mails in the order in which they came."""

    def __init__(self) -> None:
        super().__init__()
        self._came: list[str] = []

    def receive(self, raw: bytes) -> None:
        super().receive(raw)
        self._came.append(str(message_from_bytes(raw)["Message-ID"]))

    def mails(self) -> list[ReceivedMail]:
        return sorted(super().mails(), key=lambda m: self._came.index(m.message_id))


class Refusing(Inbox):
    """An inbox whose server answers a command in another way for as long as `answers` last."""

    def __init__(self, command: str, *answers: str, recipient: str = "") -> None:
        super().__init__()
        self.command = command
        self.answers = list(answers)
        self.recipient = recipient
        self.sessions: set[int] = set()

    def refusal(self, command: str) -> str | None:
        """What this command is answered with now; None accepts it."""
        return self.answers.pop(0) if command == self.command and self.answers else None

    async def handle_MAIL(
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: Sequence[str]
    ) -> str:
        self.sessions.add(id(session))
        if refused := self.refusal("MAIL"):
            return refused
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Sequence[str]
    ) -> str:
        if address.startswith(self.recipient) and (refused := self.refusal("RCPT")):
            return refused
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        refused = self.refusal("DATA")
        if refused is None or refused.startswith("250"):
            await super().handle_DATA(_server, _session, envelope)
        return refused or "250 accepted"


def sender_to(port: int, security: Security = Security.NONE) -> SmtpSender:
    return SmtpSender(MailServer("127.0.0.1", port, SENDER, security, timeout_s=60))


@asynccontextmanager
async def serving(
    inbox: Inbox, security: Security = Security.NONE, **smtp: Any
) -> AsyncGenerator[SmtpSender]:
    """A sender to a server that keeps what it takes in `inbox`."""
    with SmtpServer(inbox, **smtp) as server:
        sender = sender_to(server.port, security)
        try:
            yield sender
        finally:
            await sender.close()


SECRET = "the-first-secret-of-the-desk"


PATH = "/services/T0PSECRETPATH"


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """`answers` are given in turn, the last one for good."""

    answers: list[Answer]
    requests: list[Received] = field(default_factory=list[Received])
    connections: set[object] = field(default_factory=set[object])
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.connections.add(request.transport)
        self.requests.append(Received(request.path, dict(request.headers), await request.read()))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)


def says(status: int, text: str = "", **headers: str) -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=text, headers=named)

    return answer


async def hangs(_request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


@asynccontextmanager
async def receiving(*answers: Answer) -> AsyncGenerator[Receiver]:
    receiver = Receiver(list(answers))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.port = runner.addresses[0][1]
        yield receiver
    finally:
        await runner.cleanup()


def an_alert_for(
    recipient: str, number: int = 1, payload: str | None = '{"version":"blockline.alert/1"}'
) -> Mail:
    return replace(a_mail(number, recipient), payload=payload)
