"""Whether the mail server would take our mails, without sending one."""

import asyncio

import aiosmtplib

from jobs.mail import SmtpSender, Undeliverable
from jobs.wording import clean

_LIMIT_S = 30.0


class MailProbe(SmtpSender):
    """A sender that introduces itself as for a delivery, and leaves."""

    def __init__(self, sender: SmtpSender) -> None:
        super().__init__(sender._server)
        self.where = self._server.where
        """host:port"""

    async def greet(self) -> None:
        """Connect, encrypt and log in as the settings say. Raises Undeliverable."""
        try:
            async with asyncio.timeout(_LIMIT_S):
                await self._connect()
        except TimeoutError as error:
            raise self._unreached("it did not answer in time") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._unreached(clean(str(error), 200).rstrip(".")) from error
        finally:
            await self.close()

    def _unreached(self, why: str) -> Undeliverable:
        return Undeliverable(f"Cannot use the mail server at {self.where}: {why}.", permanent=False)
