"""Parsers of what platforms answer. An input is an HTTP status and a body."""

import asyncio
import gzip
import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from collectors.bluesky.declaration import DECLARATION as BLUESKY
from collectors.bluesky.simulator.labeler_signing import did_key
from collectors.bluesky.simulator.repo_proof import proof
from collectors.bluesky.wire import evidence as bluesky_evidence
from collectors.bluesky.wire.dag_cbor import encode
from collectors.bluesky.wire.errors import Absence
from collectors.bluesky.wire.identity import name_of, read_document, read_log, read_resolved, record_uri
from collectors.bluesky.wire.jetstream import parse_event
from collectors.bluesky.wire.label_lists import UnprovenLift, read_label_page, settled
from collectors.bluesky.wire.label_stream import LabelsFrame, read_frame, read_signed_labels
from collectors.bluesky.wire.labeler_keys import LabelKey
from collectors.bluesky.wire.posts import GET_RECORD_PROOF, not_served, read_posts, read_record
from collectors.bluesky.wire.profiles import (
    CONTENT_LABELERS,
    read_profile,
    read_profiles,
    read_public_profiles,
    read_repo_status,
    verdict,
)
from collectors.bluesky.wire.records import COLLECTIONS, positions_of, read_records, read_relationships
from collectors.bluesky.wire.repo_proof import read_proof
from collectors.core.collector import BatchReadings, CollectorAnswer, Exchange
from collectors.core.rate_limit_headers import exhausted, failure_of, read_window
from collectors.core.wire import WireFault, is_object
from collectors.mastodon.wire import posts as mastodon_posts
from collectors.mastodon.wire.answers import Absent, Profile, read_actor, read_webfinger
from collectors.mastodon.wire.answers import read_profile as read_mastodon
from collectors.mastodon.wire.identity import MastodonIdentity
from collectors.mastodon.wire.status import absent, suspended
from collectors.mastodon.wire.timeline import next_max_id
from collectors.network.wire.aggregation import read_aggregation
from collectors.transport.client import Http, HttpOptions, NoAnswer, Retry
from collectors.x.wire import compliance, follows, handles, posts, timeline, users
from collectors.youtube import wire as youtube
from storage.model.core.accounts import Platform
from storage.model.core.availability import MissedReason, Reading, Status
from tests.collectors.bluesky.wire.test_fuzz import post_states_it as bluesky_post_states_it
from tests.collectors.bluesky.wire.test_fuzz import states_it as bluesky_states_it
from tests.collectors.conformance.stage import Answered, staged
from tests.collectors.mastodon.wire.test_fuzz import read_all as read_all_of_mastodon
from tests.collectors.network import test_aggregation as ooni
from tests.collectors.x.wire.test_fuzz import POSTS, VALID_POSTS, post_states_it
from tests.collectors.x.wire.test_fuzz import states_it as x_states_it
from tests.collectors.youtube.test_wire import CHANNEL, OTHER, PRIVATE, PUBLIC, VIDEO, answer, channel, video
from tests.fuzz.http_answers import answering
from tests.fuzz.runner import Call, Target, plain
from tests.support.samples import bluesky_answers, label_signing, mastodon_answers, x_answers
from tests.support.samples.readings import T0
from tests.support.simulated.scripted_bluesky import shown_post

_FIXTURES: Final = Path(__file__).parent.parent / "fixtures"


def _recorded(platform: str) -> tuple[bytes, ...]:
    """Recorded answers: the status on the first line, then the body."""
    found: list[bytes] = []
    for path in sorted((_FIXTURES / platform).glob("*.json")):
        response = json.loads(path.read_text()).get("response")
        if response is not None:
            body = response["body_text"] if "body_text" in response else json.dumps(response.get("body"))
            found.append(f"{response['status']}\n{body}".encode())
    return tuple(found)


def _answer_in(data: bytes) -> tuple[int, bytes]:
    first, _, body = data.partition(b"\n")
    is_status = len(first) == 3 and first.isdigit() and first >= b"100"
    return (int(first), body) if is_status else (200, data)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


X_SAMPLES = (
    *(path.read_bytes() for path in sorted((_FIXTURES / "x").glob("*.json"))),
    x_answers.body(data=[{**x_answers.USER, "withheld": {"country_codes": ["IN"], "scope": "user"}}]),
    x_answers.body(data=[{**x_answers.USER, "public_metrics": {"following_count": 3}}]),
    x_answers.body(data=[{**x_answers.USER, "author_id": "5"}], meta={"result_count": 1, "next_token": "t"}),
    x_answers.body(errors=[x_answers.ERROR, x_answers.MISSING | {"value": "12"}]),
    b"429\n" + x_answers.body(title="Too Many Requests", status=429),
    x_answers.body(
        data={"id": "1", "status": "complete", "download_url": "https://a.example/", "type": "users"}
    ),
    b'{"id":"481186914","action":"delete","reason":"suspended"}\n{"id":"2244994945","reason":"deleted"}\n',
)


def read_x(data: bytes) -> object:
    """Each asked account is answered for once, and only what the answer states is read."""
    status, body = _answer_in(data)
    asked = [x_answers.ID, x_answers.OTHER]
    said = users.read_lookup(status, body, asked, x_answers.AT)
    assert sorted(one.native_id for one in (*said.readings, *said.missed)) == sorted(asked)
    document = _json(body)
    for reading in said.readings:
        assert status == 200
        assert x_states_it(document, reading), reading
    return (
        said,
        json.dumps(users.excerpt(Exchange("/", x_answers.AT, status, body), asked)),
        timeline.read_timeline(status, body, x_answers.ID),
        timeline.read_liked(status, body, x_answers.ID),
        follows.read_following(status, body, x_answers.ID),
        follows.read_counts(status, body, asked),
        handles.read_handles(status, body, ["Somebody", "missing1"]),
        compliance.read_job(status, body),
        compliance.read_reasons(status, body, {x_answers.ID, x_answers.OTHER}),
    )


def read_x_posts(data: bytes) -> object:
    """Each asked post is answered for once, and only what the answer states is read."""
    status, body = _answer_in(data)
    said = posts.read_posts(status, body, POSTS, x_answers.AT)
    assert sorted(one.native_id for one in (*said.readings, *said.missed)) == sorted(POSTS)
    document = _json(body)
    for reading in said.readings:
        assert status == 200
        assert post_states_it(document, reading), reading
    return said, json.dumps(posts.excerpt(Exchange("/", x_answers.AT, status, body), POSTS))


def read_bluesky(data: bytes) -> object:
    """Each asked account is answered for once, and only what the answer states is read."""
    status, body = _answer_in(data)
    asked = [bluesky_answers.CAROL, bluesky_answers.DAVE, bluesky_answers.ALICE]
    said = bluesky_answers.made(status, body, bluesky_answers.HEARD)
    public = read_public_profiles(said, asked)
    assert isinstance(public, WireFault) or {one.native_id for one in public} <= {*asked}
    batch = read_profiles(said, asked, bluesky_answers.LABELERS)
    names = [one.native_id for one in (*batch.readings, *batch.missed)]
    assert sorted([*names, *batch.missing]) == sorted(asked)
    document = _json(body)
    for reading in batch.readings:
        assert bluesky_states_it(document, reading), reading
    alone = read_profile(said, bluesky_answers.ALICE, bluesky_answers.LABELERS)
    assert status == 200 or not isinstance(alone, Reading)
    assert status == 400 or not isinstance(alone, Absence)
    identity = read_document(said, bluesky_answers.ALICE)
    repo = read_repo_status(said, bluesky_answers.ALICE)
    verdicts = [verdict(bluesky_answers.ALICE, one, identity, repo, said) for one in Absence]
    lift = UnprovenLift(bluesky_answers.REGION, tuple(asked), is_batch=True)
    lists = settled(CollectorAnswer(batch.readings, (), (said,)), lift, [said], bluesky_answers.LABELERS)
    return (
        *(batch, alone, identity, repo, verdicts, lists, read_label_page(said)),
        read_log(said, bluesky_answers.ALICE),
        read_resolved(said),
        read_relationships(said, bluesky_answers.ALICE),
        json.dumps(bluesky_evidence.excerpt(said, asked)),
        [read_records(said, bluesky_answers.ALICE, one) for one in COLLECTIONS],
    )


_POST: Final = f"at://{bluesky_answers.CAROL}/app.bsky.feed.post/3k5"
_PATH: Final = "app.bsky.feed.post/3k5"


def _post_samples() -> tuple[bytes, ...]:
    label = {**bluesky_answers.LABEL, "uri": _POST}
    posts = [shown_post(_POST), shown_post(_POST, labels=[label]), shown_post(_POST, author={"did": "x"})]
    shown = [json.dumps({"posts": [post]}).encode() for post in posts]
    held = [proof(bluesky_answers.CAROL, _PATH, record) for record in ({"text": ""}, None)]
    record = json.dumps({"uri": _POST, "cid": "b", "value": {"text": ""}}).encode()
    missing = b'400\n{"error":"RecordNotFound","message":"Could not locate record"}'
    return (*shown, *(b"200\n" + car for car in held), record, missing)


def read_bluesky_posts(data: bytes) -> object:
    """A post is answered for once, and only what the answer states is read."""
    status, body = _answer_in(data)
    said = bluesky_answers.made(
        status, body, bluesky_answers.HEARD, f"https://a.example/xrpc/{GET_RECORD_PROOF}?did=a"
    )
    batch = read_posts(said, [_POST], bluesky_answers.LABELERS)
    assert [one.native_id for one in (*batch.readings, *batch.missed)] + [*batch.missing] == [_POST]
    for reading in batch.readings:
        assert status == 200
        assert bluesky_post_states_it(_json(body), reading), reading
    is_served, is_held = read_record(said, _POST), read_proof(said, bluesky_answers.CAROL, _PATH)
    # A hash protects each block.
    assert not isinstance(is_held, bool) or bluesky_answers.CAROL.encode() in body
    lift = UnprovenLift(bluesky_answers.REGION, (_POST,), is_batch=True)
    lists = settled(CollectorAnswer(batch.readings, (), (said,)), lift, [said], bluesky_answers.LABELERS)
    fate = not_served(_POST, is_held, T0)
    return batch, is_served, fate, lists, json.dumps(bluesky_evidence.excerpt(said, [_POST]))


def read_mastodon_answer(data: bytes) -> object:
    """A suspension is read only out of an answer that states it."""
    status, body = _answer_in(data)
    read_all_of_mastodon(status, body)
    profile = read_mastodon(status, body)
    document = _json(body)
    if isinstance(profile, Profile):
        assert status == 200
        assert profile.suspended is (document.get("suspended") is True)
    actor, finger = read_actor(status, body), read_webfinger(status, body)
    gone = absent(mastodon_answers.ALICE, Absent(404, in_json=True), finger, None, actor, mastodon_answers.AT)
    if isinstance(gone, Reading):
        assert status in {404, 410}
        assert gone.state.status is (Status.SUSPENDED if status == 410 else Status.NOT_FOUND)
    return profile, actor, finger, gone, suspended(mastodon_answers.ALICE, actor, mastodon_answers.AT)


MASTODON_POST_SAMPLES = tuple(
    mastodon_answers.encoded(document)
    for document in (
        mastodon_answers.post(),
        mastodon_answers.post(reblog=mastodon_answers.post()),
        [mastodon_answers.post(), mastodon_answers.post(id="110")],
        {"id": mastodon_answers.POST.native_id, "type": "Note"},
    )
)


def read_mastodon_post(data: bytes) -> object:
    """A post is available only if the answer shows it, and gone only if no answer shows it."""
    status, body = _answer_in(data)
    who, at, document = mastodon_answers.POST, mastodon_answers.AT, _json(body)
    alone = mastodon_posts.read_post(status, body)
    several = mastodon_posts.read_posts(status, body, [who.local_id])
    note = mastodon_posts.read_note(status, body)
    found: list[object] = [alone, several, note, mastodon_posts.read_own_posts(status, body)]
    shown = [alone, *(several.values() if isinstance(several, dict) else ())]
    for post in shown:
        if isinstance(post, mastodon_posts.ServedPost):
            said = mastodon_posts.served(who, post, at, domain=None)
            assert status == 200
            assert not isinstance(said, Reading) or who.local_id in json.dumps(document)
            found.append(said)
    gone = mastodon_posts.gone_alone(who, note, at)
    if isinstance(gone, Reading):
        assert gone.state.status is Status.NOT_FOUND
        assert not isinstance(note, mastodon_posts.NoteDocument)
    return *found, gone


_LABEL_KEYS = (LabelKey(did_key(label_signing.KEY), T0, None),)
_SIGNED_LABEL = label_signing.signed_label()
LABEL_FRAME_SAMPLES = (
    encode({"op": 1, "t": "#labels"}) + encode({"seq": 7, "labels": [_SIGNED_LABEL]}),
    encode({"op": 1, "t": "#info"}) + encode({"name": "OutdatedCursor"}),
    encode({"op": -1}) + encode({"error": "FutureCursor", "message": "Cursor in the future."}),
)


def read_label_frame(data: bytes) -> object:
    """Only what the labeler signed is a label."""
    said = read_frame(data)
    labels = said.labels if isinstance(said, LabelsFrame) else ()
    good, refused = read_signed_labels(labels, label_signing.LABELER, _LABEL_KEYS)
    for one in good:
        assert (one.subject, one.value, one.is_negated) == (label_signing.SUBJECT, "!hide", False)
    return said, good, refused


YOUTUBE_SAMPLES = (
    answer("channel", channel(customUrl="@name"), channel("private", OTHER), channel("unlisted", "UCx")),
    answer("channel", total=0),
    answer("video", video(), video(PRIVATE, regionRestriction={"blocked": ["TR", "IN"]})),
    answer("video", video(PUBLIC | {"uploadStatus": "rejected", "rejectionReason": "legal"})),
    answer(
        "video", video(regionRestriction={"allowed": ["DE"]}), video(PUBLIC | {"uploadStatus": "deleted"})
    ),
    answer("video", video(regionRestriction={"allowed": []})),
    b'403\n{"error":{"code":403,"errors":[{"reason":"quotaExceeded"}],"details":[{"reason":"SERVICE_DISABLED",'
    b'"metadata":{"quota_limit":"defaultPerDayPerProject"}}]}}',
)


def read_youtube(data: bytes) -> object:
    """No other account is spoken of, and only what the answer states is read."""
    status, body = _answer_in(data)
    found: list[object] = [youtube.refusal(status, body), youtube.read_resolved(status, body)]
    for asked in ([CHANNEL, OTHER], [VIDEO]):
        said = youtube.read_answer(status, body, asked, T0)
        found.append(said)
        found.append(json.dumps(youtube.excerpt(Exchange("/", T0, status, body), asked)))
        if isinstance(said, BatchReadings):
            names = [one.native_id for one in (*said.readings, *said.missed)]
            assert len(set(names)) == len(names)
            assert set(names) <= set(asked)
            for reading in said.readings:
                assert status == 200
                assert _youtube_states_it(_json(body), reading), reading
    return found


AGGREGATION_SAMPLES = (ooni.answer(), ooni.answer(ooni.row(), ooni.row(ooni.FREE)), b"502\n<html>")


def read_measurements(data: bytes) -> object:
    """Only days and domains that were asked for, each once, with the counts that the answer states."""
    status, body = _answer_in(data)
    said = read_aggregation(status, body, ooni.ASKED)
    if isinstance(said, tuple):
        assert status == 200
        assert len({(one.domain, one.day) for one in said}) == len(said) == len(_json(body)["result"])
        for one, row in zip(said, _json(body)["result"], strict=True):
            assert one.domain in ooni.ASKED.domains
            assert ooni.ASKED.since <= one.day < ooni.ASKED.until
            assert (one.ok, one.measured) == (row["ok_count"], row["measurement_count"])
    return said


def _youtube_states_it(document: Any, reading: Reading) -> bool:
    """Whether the JSON itself says what the reading says: written apart from the code under test."""
    own_id = reading.native_id.removeprefix("video:")
    own = [i for i in document.get("items", []) if is_object(i) and i.get("id") == own_id]
    state = reading.state
    if not own:
        total = document["pageInfo"]["totalResults"]
        return state.status is Status.NOT_FOUND and total == len(
            {json.dumps(i["id"]) for i in document.get("items", [])}
        )
    text = json.dumps([i.get("status") for i in own])
    if state.status is Status.WITHHELD:
        listed = json.dumps(own)
        return all(c in listed or '"allowed"' in listed for c in state.withheld_in)
    words = {
        Status.AVAILABLE: ('"public"', '"unlisted"'),
        Status.PROTECTED: ('"private"',),
        Status.SUSPENDED: ('"rejected"',),
        Status.NOT_FOUND: ('"deleted"', '"uploaderAccountClosed"'),
    }
    return any(word in text for word in words.get(state.status, ()))


EVENT_SAMPLES = tuple(
    json.dumps(event).encode()
    for event in (
        {
            "did": bluesky_answers.ALICE,
            "time_us": 1732456745531000,
            "kind": "account",
            "account": {"active": False},
        },
        {"did": bluesky_answers.BOB, "time_us": 1732456745531000, "kind": "identity", "identity": {"seq": 1}},
        {"did": bluesky_answers.BOB, "time_us": 1, "kind": "commit", "commit": {"operation": "create"}},
    )
)


def read_event(data: bytes) -> object:
    return parse_event(data.decode("utf-8", "surrogateescape"))


HEADER_SAMPLES = (
    b"x-rate-limit-limit: 900\nx-rate-limit-remaining: 0\nx-rate-limit-reset: 1612137600",
    b"x-ratelimit-limit: 300\nx-ratelimit-remaining: 1\nx-ratelimit-reset: 2021-02-01T00:05:00.000Z",
    b"ratelimit-limit: 3000\nratelimit-remaining: 0\nratelimit-reset: 1612137900\nretry-after: 120",
    b'link: <https://mastodon.example/api/v1/x?max_id=7>; rel="next", <https://mastodon.example/>; rel="a"',
    b"atproto-content-labelers: did:plc:hjfvb3zj6v6nw2fgwzgurmdq;redact,did:plc:nsbsoqexk44e5gozqz74fwrm",
)


def read_headers(data: bytes) -> object:
    """A pause that a platform asks for ends within an hour."""
    lines = (line.partition(":") for line in data.decode("utf-8", "surrogateescape").splitlines())
    headers = {name.strip().lower(): value.strip() for name, _, value in lines}
    window = read_window(headers)
    failure = failure_of(WireFault(MissedReason.RATE_LIMITED, ""), window, T0, 1.0)
    assert T0 < failure.retry_at <= T0 + timedelta(hours=1)
    until = exhausted(window, T0)
    assert until is None or until <= T0 + timedelta(hours=1)
    silent = bluesky_answers.LABELERS.silent(headers.get(CONTENT_LABELERS))
    return window, failure, until, silent, next_max_id(headers.get("link"))


ADDRESS_SAMPLES = (
    *(
        b"at://did:plc:5q524mlvslhwwlcomnk7dzj4/app.bsky.feed.post/3k",
        b"did:web:a.example%3A80",
        b"a.bsky.social",
    ),
    *(b"https://mastodon.example/users/alice 1", b"acct:a@b.example", b"https://bsky.app/profile/a.example"),
)
CURSOR_SAMPLES = (
    *(
        b"x1001",
        b"x1001-1005-1009",
        b'b{"app.bsky.feed.like":["3k"],"app.bsky.feed.repost":["3k","3l","3m"]}',
    ),
)


def read_addresses(data: bytes) -> object:
    text = data.decode("utf-8", "surrogateescape")
    return (
        *(name_of(text), record_uri(text), MastodonIdentity.of(text)),
        *(BLUESKY.is_native_id(text), BLUESKY.is_handle(text)),
    )


def read_cursors(data: bytes) -> object:
    """Cursors of ours that were stored: what one cannot be is refused, and nothing else."""
    text = data[1:].decode("utf-8", "replace")
    return timeline.TimelinePosition.of(text) if data[:1] == b"x" else positions_of(text)


HTTP_SAMPLES = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 429 Too Many\r\nretry-after: 1\r\nx-rate-limit-reset: 5\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 301 Moved\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\ncontent-encoding: gzip\r\n\r\n" + gzip.compress(b"{}", mtime=0),
    b"HTTP/1.1 200 OK\r\ncontent-encoding: deflate\r\ncontent-length: 3\r\n\r\nabc",
)


@contextmanager
def http_client() -> Generator[Call]:
    """The client of the collectors, asking a server that sends the input and hangs up."""
    data = b""

    async def opened() -> tuple[asyncio.Server, Http]:
        http = Http(HttpOptions(timeout_s=5, retry=Retry(attempts=0)))
        http.open()
        return await asyncio.start_server(answering(lambda: data), "127.0.0.1", 0), http

    with asyncio.Runner() as runner:
        server, http = runner.run(opened())
        port = server.sockets[0].getsockname()[1]

        def call(given: bytes) -> object:
            nonlocal data
            data = given
            return runner.run(http.get(f"http://127.0.0.1:{port}/"))

        try:
            yield call
        finally:
            runner.run(http.close())
            server.close()
            runner.run(asyncio.sleep(0))


def _simulated(platform: Platform) -> tuple[bytes, ...]:
    """What the simulator of a platform answers to one reading: each answer with its status."""
    found: list[bytes] = []

    async def read() -> None:
        async with staged(platform) as stage:
            stage.how = lambda said: found.append(f"{said.status}\n".encode() + said.body)
            await stage.read(T0)

    asyncio.run(read())
    return tuple(found)


@contextmanager
def collector(platform: Platform) -> Generator[Call]:
    """A whole collector: the first answer of a reading is the input, the others are those of the simulator.

    `Stage.read` checks that each account is answered for exactly once.
    """
    with asyncio.Runner() as runner:
        stages = staged(platform)
        stage = runner.run(stages.__aenter__())

        def call(data: bytes) -> object:
            def replace(said: Answered) -> None:
                if said.number == 0:
                    said.status, said.body = _answer_in(data)

            stage.how = replace
            return runner.run(stage.read(T0))

        try:
            yield call
        finally:
            runner.run(stages.__aexit__(None, None, None))


def collectors() -> Iterator[Target]:
    for platform in Platform:
        yield Target(
            f"collector.{platform.value}", (), partial(collector, platform), (), partial(_simulated, platform)
        )


WIRE: tuple[Target, ...] = (
    Target("wire.x", X_SAMPLES, plain(read_x)),
    Target("wire.x_posts", tuple(json.dumps(one).encode() for one in VALID_POSTS), plain(read_x_posts)),
    Target("wire.bluesky", _recorded("bluesky"), plain(read_bluesky)),
    Target("wire.bluesky.posts", _post_samples(), plain(read_bluesky_posts)),
    Target("wire.bluesky.labels", LABEL_FRAME_SAMPLES, plain(read_label_frame)),
    Target("wire.mastodon", _recorded("mastodon"), plain(read_mastodon_answer)),
    Target("wire.mastodon_posts", MASTODON_POST_SAMPLES, plain(read_mastodon_post)),
    Target("wire.youtube", YOUTUBE_SAMPLES, plain(read_youtube)),
    Target("wire.measurements", AGGREGATION_SAMPLES, plain(read_measurements)),
    Target("wire.jetstream", EVENT_SAMPLES, plain(read_event)),
    Target("wire.headers", HEADER_SAMPLES, plain(read_headers)),
    Target("wire.addresses", ADDRESS_SAMPLES, plain(read_addresses)),
    Target("wire.cursors", CURSOR_SAMPLES, plain(read_cursors), (ValueError,)),
    Target("wire.http", HTTP_SAMPLES, http_client, (NoAnswer,)),
    *collectors(),
)
