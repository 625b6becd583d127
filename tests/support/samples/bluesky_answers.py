"""Answers of Bluesky: recorded ones, and the parts that tests put together."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from collectors.bluesky.wire.labels import Labelers
from collectors.bluesky.wire.profiles import CONTENT_LABELERS
from collectors.bluesky.wire.regional_labelers import DEFAULT_LABEL_VALUES
from collectors.core.collector import Exchange

_RECORDED = Path(__file__).parent.parent.parent / "fixtures" / "bluesky"
AT = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)

ALICE = "did:plc:5q524mlvslhwwlcomnk7dzj4"
BOB = "did:plc:veu6ruek67ynrsewpjqxskuy"
CAROL = "did:plc:iu7agggvngljdw6q5vo46rgn"
DAVE = "did:plc:5r5fjdh24vf3q6jovjn6lg5l"
ERIN = "did:plc:6mmlvnd5uedi5ozrhbjo6iqy"
FRANK = "did:plc:sdzdzpje4lfbqzp5p2t3pxas"
HANK = "did:plc:xsfdwd24mudcrzrmpa3ji2ni"
GINA = "did:plc:nzfshpxci7zztbt37y7qiy6k"
IRIS = "did:plc:erfactxevdhvytrurl4ydyt3"
NOBODY = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"
MAIN = "did:plc:hjfvb3zj6v6nw2fgwzgurmdq"
REGION = "did:plc:nsbsoqexk44e5gozqz74fwrm"
OTHER_REGION = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb"

LABELERS = Labelers(MAIN, {"TR": REGION}, DEFAULT_LABEL_VALUES)
TWO_REGIONS = Labelers(MAIN, {"TR": REGION, "DE": OTHER_REGION}, DEFAULT_LABEL_VALUES)
HEARD = f"{MAIN};redact,{REGION}"
LABEL: Mapping[str, Any] = {
    "src": REGION,
    "uri": CAROL,
    "val": "!hide",
    "cts": "2026-11-24T13:45:31.532Z",
}
PROFILE: Mapping[str, Any] = {"did": CAROL, "handle": "carol.test", "labels": []}


def recorded_json(name: str) -> Any:
    """The body of a recorded answer, parsed."""
    return json.loads((_RECORDED / f"{name}.json").read_text())["response"]["body"]


def recorded(name: str) -> Exchange:
    """An answer as it was recorded."""
    kept = json.loads((_RECORDED / f"{name}.json").read_text())
    answer = kept["response"]
    heard = answer["headers"].get(CONTENT_LABELERS)
    return made(answer["status"], answer["body"], heard, kept["request"]["url"])


def made(
    status: int, body: object, heard: str | None = None, url: str = "https://pds.example.com/"
) -> Exchange:
    """An answer with this JSON value or these bytes as its body."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Exchange(url, AT, status, raw, None, ((CONTENT_LABELERS, heard),) if heard is not None else ())


def refusal(name: str, message: str = "") -> Exchange:
    """A 400 with this error."""
    return made(400, {"error": name, "message": message})


def profile(labels: object = (), heard: str | None = HEARD, **parts: object) -> Exchange:
    """The answer to `getProfile` of carol, with these labels."""
    return made(200, {**PROFILE, "labels": labels, **parts}, heard)


def document(did: str, pds: object = "https://pds.example.com", **parts: object) -> dict[str, Any]:
    """A DID document that names `pds`."""
    service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": pds}
    return {"id": did, "alsoKnownAs": ["at://name.test"], "service": [service], **parts}
