"""An app of X and a user who authorised it: what tests of likes and of compliance jobs share."""

from collections.abc import Sequence
from typing import Any

from collectors.simulator.engagement_file import SimulatedAct
from collectors.x.compliance import XCompliance
from collectors.x.likes import XLikes
from collectors.x.simulator.oauth import Grant
from storage.model.core.signals import SignalKind
from tests.support.samples.readings import MINUTE, T0
from tests.support.simulated.scripted_x import ONCE, TOKEN

OWNER, OTHER_USER = "310000001", "310000002"
GRANT = Grant("appkey", "app+secret/", f"{OWNER}-token", "user_secret&=")
JOB: dict[str, Any] = {
    "id": "1372966999991541762",
    "type": "users",
    "name": "n",
    "status": "created",
    "upload_url": "https://storage.example/up?X-Goog-Signature=a%2Fb",
    "download_url": "https://storage.example/down",
}
"""A compliance job as X shows it."""


def reader(base_url: str, grant: Grant = GRANT) -> XLikes:
    """Reads the likes of the user who gave `grant`, with no repeats."""
    parts = (grant.consumer_key, grant.consumer_secret, grant.access_token, grant.access_secret)
    return XLikes(*parts, base_url=base_url, http=ONCE)


def like(post: int, minute: float = 0, actor: str = OWNER) -> SimulatedAct:
    """A like so many minutes after the start."""
    return SimulatedAct(actor, T0 + minute * MINUTE, SignalKind.LIKE, str(post), str(post), "5")


def app(base_url: str, trusted: Sequence[str] = ("127.0.0.1",)) -> XCompliance:
    """Runs compliance jobs, with no repeats."""
    return XCompliance(TOKEN, base_url=base_url, http=ONCE, trusted=trusted)
