"""What each way of sending an alert promises: the message is accepted, or `Undeliverable` says what to do."""

from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from storage.model.alerts.alerts import Mail

NO_SERVER = "No mail server is configured, so this mail waits: set the mail server in blockline.toml."


class DeliveryFault(StrEnum):
    """Whose fault it is that a mail was not accepted."""

    MAIL = "mail"
    """Its own, or its recipient's: others may be taken."""
    SERVER = "server"
    """The server's: whatever else goes out by it would fare the same now."""
    SETTINGS = "settings"
    """What it is to go out by is not set, so nobody was asked: it waits, however long that takes."""


class Undeliverable(Exception):
    """Nobody said that he accepted the mail. The message is a sentence for the operator, without secrets."""

    def __init__(
        self,
        sentence: str,
        *,
        permanent: bool,
        fault: DeliveryFault = DeliveryFault.MAIL,
        retry_after: timedelta | None = None,
        uncertain: bool = True,
    ) -> None:
        super().__init__(sentence)
        self.permanent = permanent
        """The server will not take this mail at another time either."""
        self.fault = fault
        self.retry_after = retry_after
        """What the server asked to wait, if it did."""
        self.uncertain = uncertain
        """It may have been accepted all the same: the answer to the whole message was not heard."""


class Sender(Protocol):
    """One way to send a message: SMTP, a webhook or a service that Apprise knows."""

    async def send(self, mail: Mail) -> None:
        """Return after the message was accepted. Raises Undeliverable, which says what to do."""
        ...

    async def close(self) -> None:
        """Release the connection. The next `send` opens another one."""
        ...
