"""The mail server of the run, with an authority of its own, and all that a mail server can do wrong."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from jobs.delivery.local_inbox import SmtpServer
from tests.support.servers.mail import Refusing

Answers = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class MailDesk(Refusing):
    """An inbox whose server refuses for as long as it is told to."""

    def __init__(self) -> None:
        super().__init__("")
        self.refusals: dict[str, str] = {}
        """What the commands MAIL, RCPT and DATA are answered; those that are not named are accepted."""
        self.greylists = False
        """Whether the first attempt at each email is refused for now."""
        self.hangs_up_after_data = False
        """Whether the connection is cut after an email was taken and before this is said."""
        self.accepted: list[str] = []
        """The Message-IDs that came, each time they came."""
        self._seen: set[bytes] = set()

    def refusal(self, command: str) -> str | None:
        return self.refusals.get(command)

    def receive(self, raw: bytes) -> None:
        super().receive(raw)
        self.accepted.append(str(message_from_bytes(raw)["Message-ID"]))

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        if self.greylists and content not in self._seen:
            self._seen.add(content)
            return "451 4.7.1 greylisted, try again later"
        said = await super().handle_DATA(_server, _session, envelope)
        if self.hangs_up_after_data and isinstance(_server.transport, asyncio.Transport):
            _server.transport.abort()
        return said


class Certificates:
    """An authority of the run's own, and certificates of servers on 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=faults",
                      "-keyout", "ca.key", "-out", "ca.pem")  # fmt: skip

    @property
    def authority(self) -> Path:
        return self._folder / "ca.pem"

    def context(self, name: str, *, address: str = "127.0.0.1", expired: bool = False) -> ssl.SSLContext:
        """A server's side, with a certificate that the authority signed."""
        (self._folder / f"{name}.ext").write_text(f"subjectAltName=IP:{address}\n")
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
                      "-keyout", f"{name}.key", "-out", f"{name}.csr")  # fmt: skip
        valid = (
            ("-not_before", "20200101000000Z", "-not_after", "20210101000000Z")
            if expired
            else ("-days", "3650")
        )
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-extfile",
                      f"{name}.ext", "-out", f"{name}.pem", *valid)  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        return context

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self._folder, check=True, capture_output=True)


def mail_server(desk: MailDesk, certificate: ssl.SSLContext | None) -> SmtpServer:
    """A server for the desk; without a certificate it offers no STARTTLS."""
    if certificate is None:
        return SmtpServer(desk)
    return SmtpServer(desk, tls_context=certificate, require_starttls=True)


@asynccontextmanager
async def answering(answers: Answers) -> AsyncGenerator[tuple[str, int]]:
    """A server that is none: what it does with a connection is `answers`."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await answers(reader, writer)
        except OSError:
            pass
        finally:
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield "127.0.0.1", server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()


def saying(words: bytes, pause_s: float = 0.0, *, then_hangs_up: bool = True) -> Answers:
    """Greets with these words, a byte at a time if there is a pause."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in [words[n : n + 1] for n in range(len(words))] if pause_s else [words]:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)
        if not then_hangs_up:
            await reader.read()

    return answer
