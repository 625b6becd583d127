"""A history on several platforms, its simulators in a process of their own, and settings for them."""

import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

TAKEN_DOWN = "did:plc:takendown222222222222222"
APP_ONLY = "did:plc:appviewonly2222222222222"
HIDDEN = "did:plc:hidden222222222222222222"
CLOSED = "did:plc:closed222222222222222222"
DELETED = "did:plc:deleted22222222222222222"
HEALTHY = "did:plc:healthy22222222222222222"
ALICE = "https://mastodon.example/users/alice#101"
FROZEN = "https://mastodon.example/users/frozen#102"
BOB = "https://social.example/users/bob#7"
CHANNEL = "UCabcdefghijklmnopqrstuv"
VIDEO = "video:aBcDeFgHiJ1"

HISTORY = f"""platform,account_id,handle,at,status,withheld_in,list,detail
x,1001,alpha,2021-02-01T00:00:00Z,withheld,IN TR,L,
x,1002,Beta,2021-02-01T00:00:00Z,available,,L,
x,1003,gamma,2021-02-01T00:00:00Z,suspended,,L,
x,1004,delta,2021-02-01T00:00:00Z,deactivated,,L,
bluesky,{HEALTHY},healthy.test,2021-02-01T00:00:00Z,available,,L,
bluesky,{HIDDEN},hidden.test,2021-02-01T00:00:00Z,withheld,DE TR,L,
bluesky,{TAKEN_DOWN},takendown.test,2021-02-01T00:00:00Z,suspended,,L,
bluesky,{APP_ONLY},apponly.test,2021-02-01T00:00:00Z,suspended,,L,app_view_only
bluesky,{CLOSED},closed.test,2021-02-01T00:00:00Z,deactivated,,L,
bluesky,{DELETED},deleted.test,2021-02-01T00:00:00Z,not_found,,L,
mastodon,{ALICE},alice@mastodon.example,2021-02-01T00:00:00Z,available,,L,
mastodon,{FROZEN},frozen@mastodon.example,2021-02-01T00:00:00Z,suspended,,L,
mastodon,{BOB},bob@social.example,2021-02-01T00:00:00Z,available,,L,
youtube,{CHANNEL},someone,2021-02-01T00:00:00Z,available,,L,
youtube,{VIDEO},aBcDeFgHiJ1,2021-02-01T00:00:00Z,withheld,IN,L,
"""


@contextmanager
def simulated(history: Path) -> Generator[Mapping[str, str]]:
    """The addresses of the simulators by platform; they end with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "jobs.rehearsal.simulators", str(history)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent.parent.parent)},
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()


def leading_to(addresses: Mapping[str, str]) -> dict[str, str]:
    """The environment of an installation that asks the simulators instead of the platforms."""
    mastodon = addresses["mastodon"]
    return {
        "BLOCKLINE_X_BASE_URL": addresses["x"],
        "BLOCKLINE_X_BEARER_TOKEN": "token",
        "BLOCKLINE_BLUESKY_APP_VIEW": addresses["bluesky"],
        "BLOCKLINE_BLUESKY_PLC": addresses["bluesky"],
        "BLOCKLINE_BLUESKY_JETSTREAM": f"{addresses['bluesky']}/subscribe".replace("http", "ws", 1),
        "BLOCKLINE_MASTODON_ORIGINS": f"mastodon.example={mastodon},social.example={mastodon}",
        "BLOCKLINE_YOUTUBE_API_KEY": "simulated-key",
        "BLOCKLINE_YOUTUBE_BASE_URL": addresses["youtube"],
    }
