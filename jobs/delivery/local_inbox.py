"""An inbox for demonstrations and tests: a real SMTP server on this machine that keeps what it is given.

Like a mail client it shows a mail once, however often it came: repeats of a Message-ID are counted.
"""

import asyncio
import hashlib
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as email_policy
from email.utils import parsedate_to_datetime
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    message_id: str
    date: datetime
    """As its sender dated it."""
    subject: str
    recipients: tuple[str, ...]
    text: str
    html: str
    copies: int
    """How many times it came."""
    raw: bytes
    """The first copy, as it came."""


class Inbox:
    """What was received, in memory or, given a directory, as .eml files that outlive the process."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._lock = Lock()
        self._copies: dict[str, int] = {}
        self._mails: dict[str, bytes] = {}
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            for path in sorted(directory.glob("*.eml"), key=lambda p: (len(p.name), p.name)):
                self._keep(path.read_bytes())

    def mails(self) -> list[ReceivedMail]:
        """Every mail once, the newest first by the date its sender gave it."""
        with self._lock:
            found = [_received(raw, self._copies[key]) for key, raw in self._mails.items()]
        return sorted(found, key=lambda m: (m.date, m.message_id), reverse=True)

    def receive(self, raw: bytes) -> None:
        """Keep one copy. When this returns it is on disk, if there is a directory."""
        with self._lock:
            key = self._keep(raw)
            if self._directory is not None:
                number = self._copies[key]
                name = f"{key}.eml" if number == 1 else f"{key}.{number}.eml"
                part = self._directory / f"{name}.part"
                with part.open("wb") as file:
                    file.write(raw)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(self._directory / name)

    def _keep(self, raw: bytes) -> str:
        message_id = str(_parsed(raw)["Message-ID"] or "")
        key = hashlib.sha256(message_id.encode() or raw).hexdigest()[:32]
        self._copies[key] = self._copies.get(key, 0) + 1
        self._mails.setdefault(key, raw)
        return key

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Called by the SMTP server with a complete mail."""
        await asyncio.to_thread(self.receive, envelope.original_content or b"")
        return "250 accepted"


class SmtpServer:
    """Serves `handler` on a thread of its own between enter and exit."""

    def __init__(self, handler: object, host: str = "127.0.0.1", port: int = 0, **smtp: Any) -> None:
        """`port` 0 takes a free one. `smtp` are options of aiosmtpd's SMTP class."""
        self._handler = handler
        # Without a name aiosmtpd looks up that of the machine for each client, and all others wait meanwhile.
        self._options: dict[str, Any] = {"hostname": "localhost", **smtp}
        self._socket = socket.create_server((host, port))
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = Thread(target=self._run, name="smtp-server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await self._loop.create_server(
            lambda: SMTP(self._handler, loop=self._loop, **self._options), sock=self._socket
        )
        await self._stop.wait()
        # A client that was accepted just now would be left with an open socket if the server were closed at
        # once. So take no more, and give those that came the two turns of the loop until they are served:
        # who is served is hung up on when the loop ends.
        self._loop.remove_reader(self._socket)
        for _ in range(2):
            await asyncio.sleep(0)
        server.close()


def _parsed(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, _class=EmailMessage, policy=email_policy)


def _received(raw: bytes, copies: int) -> ReceivedMail:
    mail = _parsed(raw)
    text = mail.get_body(("plain",))
    html = mail.get_body(("html",))
    return ReceivedMail(
        message_id=str(mail["Message-ID"] or ""),
        date=_date(str(mail["Date"] or "")),
        subject=str(mail["Subject"] or ""),
        recipients=tuple(part.strip() for part in str(mail["To"] or "").split(",")),
        text=text.get_content() if text else "",
        html=html.get_content() if html else "",
        copies=copies,
        raw=raw,
    )


def _date(header: str) -> datetime:
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return date if date.tzinfo else date.replace(tzinfo=UTC)
