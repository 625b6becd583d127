"""Hands mails to an SMTP server. Its errors stop here and become `Undeliverable`, which says what to do."""

import asyncio
import re
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parseaddr
from enum import StrEnum
from ipaddress import ip_address
from typing import Any

import aiosmtplib

from jobs.delivery.sender import DeliveryFault, Undeliverable
from jobs.messages.compose import WIRE, message
from storage.model.alerts.alerts import Mail
from storage.model.text.states import clean

_DELIVERY_LIMIT_S = 300.0
"""No delivery takes longer, so that it ends well within the lease of its mail."""
_GREETING_LIMIT_S = 30.0
_TOO_LARGE = 552
"""What a server says of the size of a mail, which it is told together with the sender (RFC 1870)."""
_WAIT_ASKED_FOR = re.compile(r"\b(\d{1,5})\s*(s|sec|second|m|min|minute)s?\b", re.IGNORECASE)


class Security(StrEnum):
    """How the connection to the mail server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails go out, and as whom."""

    host: str
    port: int
    sender: str
    """`alerts@example.org` or `Blockline <alerts@example.org>`."""
    security: Security = Security.STARTTLS
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_s: float = 30.0
    """For each exchange with the server."""

    def __post_init__(self) -> None:
        if "@" not in parseaddr(self.sender)[1] or not self.sender.isprintable():
            raise ValueError(f"{self.sender!r} is not a valid sender address")
        if self.username is not None and self.security is Security.NONE and not _is_loopback(self.host):
            raise ValueError(f"the password for {self.host} would be sent unencrypted; use starttls or tls")

    @property
    def address(self) -> str:
        return parseaddr(self.sender)[1]

    @property
    def where(self) -> str:
        return f"{self.host}:{self.port}"


class _Connection(aiosmtplib.SMTP):
    """Knows whether a message was handed over to which the server has not answered yet."""

    is_unanswered = False

    async def data(self, message: str | bytes, /, **options: Any) -> aiosmtplib.SMTPResponse:
        self.is_unanswered = True
        try:
            response = await super().data(message, **options)
        except aiosmtplib.SMTPResponseException as error:
            self.is_unanswered = not 400 <= error.code < 600  # what is no answer of SMTP refuses nothing
            raise
        self.is_unanswered = False
        return response


class SmtpSender:
    """One connection at a time, opened by the first mail and used for all until `close`."""

    def __init__(self, server: MailServer, limit_s: float = _DELIVERY_LIMIT_S) -> None:
        self._server = server
        self._limit_s = limit_s
        """For one mail, from the first connection to the last answer."""
        self._smtp: _Connection | None = None
        self._uncertain = False
        """The server may have accepted the mail at hand: it was handed over, and no answer was heard."""

    async def send(self, mail: Mail) -> None:
        """Return once the server accepted the mail for all its recipients. Raises Undeliverable."""
        self._uncertain = False
        try:
            await self._send_in_time(mail)
        except Undeliverable as error:
            error.uncertain = self._uncertain
            raise

    async def greet(self) -> str:
        """Connect and log in as for a delivery, and send nothing. Returns host:port; raises Undeliverable."""
        server = self._server
        try:
            async with asyncio.timeout(_GREETING_LIMIT_S):
                await self._connect()
        except TimeoutError as error:
            raise _not_reached(server, error) from error
        finally:
            await self.close()
        return server.where

    async def close(self) -> None:
        """Say goodbye, if there is a connection. Never raises: everything accepted is accepted."""
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        try:
            await smtp.quit(timeout=5)
        except (aiosmtplib.SMTPException, OSError):
            pass
        finally:
            smtp.close()

    async def _send_in_time(self, mail: Mail) -> None:
        server = self._server
        try:
            body = message(mail, server.sender).as_bytes(policy=WIRE)
        except ValueError as error:
            raise _unsendable(error) from error
        try:
            async with asyncio.timeout(self._limit_s):
                await self._send(mail, body)
        except TimeoutError as error:
            await self._drop()
            raise _not_reached(server, error) from error

    async def _send(self, mail: Mail, body: bytes) -> None:
        reused = self._smtp is not None
        try:
            await self._deliver(self._smtp or await self._connect(), mail, body)
            return  # noqa: TRY300
        except Undeliverable:
            # Servers close a connection after so many mails; that says nothing about this one.
            if not reused or self._smtp is not None:
                raise
        await self._deliver(await self._connect(), mail, body)

    async def _deliver(self, smtp: _Connection, mail: Mail, body: bytes) -> None:
        server, smtp.is_unanswered = self._server, False
        try:
            await smtp.sendmail(server.address, mail.recipients, body)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _all_refused(error) from error
        except aiosmtplib.SMTPResponseException as error:
            if isinstance(error, aiosmtplib.SMTPSenderRefused) and error.code != _TOO_LARGE:
                raise _sender_refused(server, error) from error
            raise _refused(error.code, error.message) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            # It was reached: perhaps it is this mail that it cannot stand.
            await self._drop()
            raise _not_reached(server, error, DeliveryFault.MAIL) from error
        except ValueError as error:
            raise _unsendable(error) from error
        finally:
            self._uncertain |= smtp.is_unanswered
            if self._smtp is not None and not self._smtp.is_connected:
                self._smtp = None

    async def _connect(self) -> _Connection:
        """Nothing that goes wrong here is the mail's fault, so all of it is worth another try."""
        server = self._server
        try:
            smtp = _Connection(
                hostname=server.host,
                port=server.port,
                use_tls=server.security is Security.TLS,
                start_tls=server.security is Security.STARTTLS,
                username=server.username,
                password=server.password,
                timeout=server.timeout_s,
                local_hostname=server.address.rpartition("@")[2],
            )
            await smtp.connect()
        except aiosmtplib.SMTPAuthenticationError as error:
            raise Undeliverable(
                f"The mail server at {server.where} refused the user name or the password (code "
                f"{error.code}).",
                permanent=False,
                fault=DeliveryFault.SERVER,
            ) from None  # its text may repeat what was sent
        except aiosmtplib.SMTPResponseException as error:
            raise Undeliverable(
                f"The mail server at {server.where} does not accept mail now: "
                f"{_said(error.code, error.message)}.",
                permanent=False,
                fault=DeliveryFault.SERVER,
            ) from error
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:  # ValueError: no name of a host
            raise _not_reached(server, error) from error
        self._smtp = smtp
        return smtp

    async def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _not_reached(
    server: MailServer, error: Exception, fault: DeliveryFault = DeliveryFault.SERVER
) -> Undeliverable:
    why = (
        "it did not answer in time" if isinstance(error, TimeoutError) else clean(str(error), 200).rstrip(".")
    )
    return Undeliverable(
        f"Cannot hand mails to the server at {server.where}: {why}.", permanent=False, fault=fault
    )


def _unsendable(error: ValueError) -> Undeliverable:
    return Undeliverable(f"An address or header cannot be sent: {error}.", permanent=True)


def _sender_refused(server: MailServer, error: aiosmtplib.SMTPSenderRefused) -> Undeliverable:
    """It is about the settings, and the next mail would hear the same: never the end of this one."""
    return Undeliverable(
        f"The mail server takes no mail from {clean(server.address)}: {_said(error.code, error.message)}.",
        permanent=False,
        fault=DeliveryFault.SERVER,
        retry_after=_wait_asked_for(error.code, error.message),
    )


def _refused(code: int, text: str) -> Undeliverable:
    return Undeliverable(
        f"The mail server refused the mail: {_said(code, text)}.",
        permanent=code >= 500,
        retry_after=_wait_asked_for(code, text),
    )


def _all_refused(error: aiosmtplib.SMTPRecipientsRefused) -> Undeliverable:
    each = error.recipients
    sentences = "; ".join(f"{clean(r.recipient)}: {_said(r.code, r.message)}" for r in each[:5])
    waits = [w for r in each if (w := _wait_asked_for(r.code, r.message))]
    return Undeliverable(
        f"The mail server refused every recipient: {sentences}.",
        permanent=all(r.code >= 500 for r in each),
        retry_after=max(waits, default=None),
    )


def _said(code: int, text: str) -> str:
    return f"{code} {clean(text, 200)}".rstrip(".")


def _wait_asked_for(code: int, text: str) -> timedelta | None:
    """Greylisting servers write "try again in 300 seconds"; more than an hour is not believed."""
    found = _WAIT_ASKED_FOR.search(text) if 400 <= code < 500 else None
    if found is None:
        return None
    unit = timedelta(minutes=1) if found[2].lower().startswith("m") else timedelta(seconds=1)
    return min(int(found[1]) * unit, timedelta(hours=1))
