"""Parsers of what browsers and programs send to the dashboard."""

import asyncio
import base64
import json
import logging
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import uvicorn
from pydantic import TypeAdapter, ValidationError
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from collectors.core.wire import is_object
from dashboard.accounts.account_readings import readings_range
from dashboard.accounts.bulk_edits import object_of
from dashboard.alerts.deliveries import chosen_of, wanted
from dashboard.api.account_edits import NoteGiven, TagsGiven
from dashboard.api.alert_actions import AcknowledgementGiven, MuteGiven
from dashboard.api.alert_rules import RuleGiven
from dashboard.api.list_edits import ListGiven, MembersGiven
from dashboard.api.paging import _write as cursor_of
from dashboard.api.paging import key_in, number_in
from dashboard.api.parameter_types import Country, Moment, Number, Text
from dashboard.api.problem_responses import ApiInvalidField
from dashboard.api.stories import CaptionGiven, StoryGiven
from dashboard.asgi.body_limit import BodyLimitMiddleware
from dashboard.asgi.client_disconnects import ClientDisconnectMiddleware
from dashboard.asgi.security_headers import SecurityHeadersMiddleware
from dashboard.asgi.settings import Login
from dashboard.asgi.websocket_messages import MessageError, check_message
from dashboard.asgi.websockets import Sockets, WebSocketMiddleware
from dashboard.auth.login_page import own_page
from dashboard.auth.middleware import is_public_path, session_in, token_in
from dashboard.auth.second_factor import matching_step, read_ticket, recovery_hash, signed_ticket, ticket_for
from dashboard.auth.signed_links import Link, LinkAction, read_token, token, without_tokens
from dashboard.replay.page import moment_of
from dashboard.server.routing import asked
from dashboard.sizing.page import asked_by, plan_page
from dashboard.stories.form_input import begun, caption_text, head_of
from dashboard.ui.form_input import WrongInput, filled, moment_in, page_of
from jobs.mcp.questions import (
    ChangesQuestion,
    ComplianceQuestion,
    EvidenceQuestion,
    SearchQuestion,
    StatusQuestion,
    TimelineQuestion,
    WrongArguments,
    read_arguments,
)
from jobs.runtime.web import listen_on, served_as
from storage.model.alerts.rule_toml import rule_of
from storage.model.sizing.question import SizingRefused
from tests.dashboard.asgi.test_websockets import ANSWER, CALLBACKS, PUSH, WAKE
from tests.dashboard.asgi.test_websockets import call as called
from tests.fuzz.runner import Call, Target, plain

_NOW: Final = datetime(2021, 2, 12, 12, tzinfo=UTC)
_KEY: Final = b"k" * 32
_LOGIN: Final = Login("https://b.example")
MESSAGES: Final = tuple(
    json.dumps(one).encode() for one in ({"type": "heartbeat"}, ANSWER, called(PUSH), called(WAKE))
)


def read_message(data: bytes) -> object:
    return check_message(CALLBACKS, data.decode("utf-8", "surrogateescape"))


_RULE: Final = '[[rules]]\nname = "Blocks"\nrecipients = ["desk@example.org"]\ncountries = ["IN"]\n'
FORMS: Final = (
    urlencode({"note": "Seen", "id": "5", "until": "6h", "back": "/alerts", "toml": _RULE}).encode(),
    urlencode(
        {"title": "A story", "from": "2021-02-11T08:00", "to": "2021-02-12", "view": "as_it_was"}
    ).encode(),
    json.dumps({"note": "Seen", "id": 5, "until": "2021-02-12 08:00", "toml": _RULE}).encode(),
    json.dumps(
        {"title": "T", "from": "2021-02-11", "to": "2021-02-12", "as_known_at": "2021-02-12"}
    ).encode(),
)


def _rule_in(text: str) -> object:
    with suppress(ValueError):
        return rule_of(text)
    return None


def read_form(data: bytes) -> object:
    given = filled("application/json" if data[:1] == b"{" else "application/x-www-form-urlencoded", data)
    reads = (
        *(lambda: given.number("id"), given.note, lambda: given.moment("until", _NOW, "Until")),
        *(lambda: head_of(given, 1), lambda: caption_text(given)),
        lambda: _rule_in(given.text("toml")),
    )
    found: list[object] = []
    for read in reads:
        with suppress(WrongInput):
            found.append(read())
    return found, page_of(given.text("back"))


QUERIES: Final = (
    b"?at=2021-02-12T08:00&as_known_at=2021-02-13&page=2&list=India&from=2021-02-01&to=2021-02-02",
    b"?state=dead&to=a@b.example&rule=Blocks&range=day&before=5",
    b"?platform=x&planner=adaptive&accounts=1000&every=15m&lists=5+10&money=5&next=/alerts&title=A%20b",
    b"?platform=mastodon&accounts=1000&budget=900&servers=4",
)


def read_query(data: bytes) -> object:
    """Addresses of pages."""
    query = asked(data.decode("utf-8", "replace"))
    fields = dict.fromkeys(
        ("platform", "planner", "accounts", "posts", "every", "budget", "money", "servers", "lists"), ""
    )
    question: object = None
    with suppress(SizingRefused):
        question = asked_by(fields | {name: query[name] for name in fields if name in query})
    plan_page(query, (), timedelta(minutes=15), [])
    return (
        *(question, begun(query, _NOW), moment_of(query, _NOW), readings_range(query, _NOW)),
        *(wanted(chosen_of(query), _NOW), own_page(query.get("next", "")), moment_in(query.get("at", ""))),
    )


_PARAMETERS: Final = {
    "at": TypeAdapter[Any](Moment),
    "list": TypeAdapter[Any](Text),
    "account": TypeAdapter[Any](Number),
    "country": TypeAdapter[Any](Country),
}
PARAMETERS: Final = (b"at=2021-02-11T12:00:00Z", b"list=India 2021", b"account=5", b"country=IN")


def read_parameter(data: bytes) -> object:
    """A value that is accepted can be stored."""
    name, _, value = data.decode("utf-8", "surrogateescape").partition("=")
    said = _PARAMETERS[name if name in _PARAMETERS else "list"].validate_python(value)
    str(said).encode()
    return said


_BODIES: Final = {
    model.__name__.encode(): TypeAdapter[Any](model)
    for model in (TagsGiven, NoteGiven, AcknowledgementGiven, MuteGiven, RuleGiven, ListGiven, MembersGiven)
} | {model.__name__.encode(): TypeAdapter[Any](model) for model in (CaptionGiven, StoryGiven)}
BODIES: Final = (
    b'TagsGiven\n{"accounts":[1,2],"add":["press"],"remove":["x"]}',
    b'NoteGiven\n{"text":"A note"}',
    b'AcknowledgementGiven\n{"note":"Seen"}',
    b'MuteGiven\n{"list":"India","note":"x","until":"2021-02-12T08:00:00Z"}',
    b'ListGiven\n{"name":"India"}',
    b'MembersGiven\n{"accounts":[1,2]}',
    b'RuleGiven\n{"toml":"name = \\"a\\"","name":"a","recipients":["a@b.example"],"countries":["IN"]}',
    b'StoryGiven\n{"title":"T","from":"2021-02-11T00:00:00Z","to":"2021-02-12T00:00:00Z","list":"India"}',
    b'CaptionGiven\n{"at":"2021-02-11T00:00:00Z","text":"Two\\nlines"}',
)


_QUESTIONS: Final = {
    b"search": SearchQuestion,
    b"status": StatusQuestion,
    b"timeline": TimelineQuestion,
    b"changes": ChangesQuestion,
    b"compliance": ComplianceQuestion,
    b"evidence": EvidenceQuestion,
}
TOOL_CALLS: Final = (
    b'search\n{"text":"farm","limit":3}',
    b'status\n{"account":"7","at":"2021-02-11T00:00:00Z","country":"IN","status":"unknown","after_account":5}',
    b'timeline\n{"account":"@mandi_notes","since":"2021-02-11T00:00:00Z","as_known_at":"2021-02-12T00:00:00Z"}',
    b'changes\n{"since":"2021-02-11T00:00:00Z","kind":"block","outcome":null,"platform":"x","list":"India"}',
    b'compliance\n{"order":"SYN/1","limit":0}',
    b'evidence\n{"change":32}',
)


def read_tool_call(data: bytes) -> object:
    """A refusal is one line that can be sent."""
    tool, _, arguments = data.partition(b"\n")
    try:
        document: object = json.loads(arguments)
    except (ValueError, RecursionError):
        return None
    if not is_object(document):
        return None
    try:
        return read_arguments(_QUESTIONS.get(tool, StatusQuestion), document).as_json()
    except WrongArguments as refusal:
        if "\n" in str(refusal):
            raise AssertionError("a refusal of more than one line") from refusal
        str(refusal).encode()
        raise


def read_body(data: bytes) -> object:
    """A body of the API, in the model that the first line names."""
    name, _, body = data.partition(b"\n")
    return _BODIES.get(name, _BODIES[b"StoryGiven"]).validate_json(body)


def _request(query: bytes = b"") -> Request:
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/api/v1/x", "headers": []}
    return Request(scope | {"query_string": query, "server": ("b.example", 443), "scheme": "https"})


CURSORS: Final = (
    cursor_of(_request(), [5]).encode(),
    cursor_of(_request(), ["2021-02-12T08:00:00Z", 5]).encode(),
)


def read_cursor(data: bytes) -> object:
    text = data.decode("latin-1")
    with suppress(ApiInvalidField):
        return number_in(_request(), text)
    return key_in(_request(), text)


def read_cursor_content(data: bytes) -> object:
    """The JSON inside of a cursor."""
    return read_cursor(base64.urlsafe_b64encode(data).rstrip(b"="))


_LINK: Final = Link(LinkAction.ACKNOWLEDGE, "wave:5", "desk@example.org", _NOW, 5)
_TICKET: Final = ticket_for(5, "grace", "hash", "/", _NOW, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
TOKENS: Final = (
    token(_KEY, _LINK).encode(),
    signed_ticket(_KEY, _TICKET).encode(),
    b"123 456",
    b"abcd-efgh-1234",
)


def read_signed(data: bytes) -> object:
    """Nothing is taken that was not signed."""
    text = data.decode("utf-8", "replace")
    link, ticket = read_token(_KEY, text), read_ticket(_KEY, text, _NOW)
    assert link in {None, _LINK}
    assert ticket in (None, _TICKET)
    step = matching_step("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", text, _NOW)
    return link, ticket, step, recovery_hash(text), len(without_tokens(text))


EDITS: Final = (json.dumps({"edit": "tag", "value": "press", "accounts": [1, 2]}).encode(),)


@contextmanager
def json_body() -> Generator[Call]:
    """Bodies of the pages' own requests."""
    with asyncio.Runner() as runner:

        async def read(data: bytes) -> object:
            parts = [data[at : at + 1000] for at in range(0, len(data), 1000)] or [b""]

            async def receive() -> dict[str, Any]:
                part = parts.pop(0)
                return {"type": "http.request", "body": part, "more_body": bool(parts)}

            headers = [(b"content-type", b"application/json")]
            scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
            return await object_of(Request(scope, receive), 200_000)

        yield lambda data: runner.run(read(data))


REQUESTS: Final = (
    b"GET /live?at=2021-02-12 HTTP/1.1\r\nHost: b.example\r\nCookie: __Host-blockline=abc; a=b\r\n"
    b"X-Forwarded-For: 10.1.1.1, 1.2.3.4\r\nX-Forwarded-Proto: https\r\nSec-Fetch-Mode: navigate\r\n\r\n",
    b"POST /alerts/5/mute HTTP/1.1\r\nHost: b.example\r\nOrigin: https://b.example\r\nContent-Type: "
    b"application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\nnote=a+b",
    b"POST /api/v1/x HTTP/1.1\r\nHost: b.example\r\nAuthorization: Bearer abc\r\nTransfer-Encoding: chunked"
    b"\r\n\r\n5\r\n[1,2]\r\n0\r\n\r\n",
    b"GET /feeds/changes.atom?token=abc HTTP/1.0\r\nHost: b.example\r\nX-Forwarded-For: [::1]:5\r\n\r\n",
    b"GET /_dash-ws-callback HTTP/1.1\r\nHost: b.example\r\nOrigin: https://b.example\r\nUpgrade: websocket"
    b"\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    b"\x81\x94\x00\x00\x00\x00" + b'{"type":"heartbeat"}' + b"\x88\x80\x00\x00\x00\x00",
    b"GET /mail-link/abc HTTP/1.1\r\nHost: b.example\r\n\r\nGET /login HTTP/1.1\r\nHost: b.example\r\n\r\n",
)


async def _answer_anything(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads of a request what the dashboard reads before it knows who asks, and its body or messages."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    session_in(scope, _LOGIN)
    token_in(scope)
    is_public_path(scope, _LOGIN)
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return
    request = Request(scope, receive)
    dict(request.query_params)
    body = b"".join([part async for part in request.stream()])
    with suppress(WrongInput):
        filled(request.headers.get("content-type", ""), body)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


class _Errors(logging.Handler):
    """Keeps what the server logs as an error: it reports no exception otherwise."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        # A client left before its websocket was opened: one line without a traceback.
        if record.getMessage() != "ASGI callable returned without completing handshake.":
            self.found.append(record)


@contextmanager
def server() -> Generator[Call]:
    """The dashboard's server and what stands before its pages: the input is what a client sends to it."""
    inner = ClientDisconnectMiddleware(BodyLimitMiddleware(_answer_anything, 65_536))
    checked = WebSocketMiddleware(
        ExceptionMiddleware(inner), Sockets(), lambda text: check_message(CALLBACKS, text)
    )
    app = SecurityHeadersMiddleware(checked, "default-src 'self'", ["https://b.example"])
    errors = _Errors()
    logger = logging.getLogger("uvicorn.error")

    async def say(data: bytes) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(data)
            writer.write_eof()
            async with asyncio.timeout(3):
                return len(await reader.read(1_000_000))
        except (OSError, TimeoutError):
            return -1
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def call(data: bytes) -> object:
        errors.found.clear()
        answered = runner.run(say(data)) > 0
        for record in errors.found:
            error = record.exc_info[1] if record.exc_info else None
            raise error or AssertionError(record.getMessage())
        return answered

    with asyncio.Runner() as runner:
        listener = listen_on("127.0.0.1", 0)
        port = listener.getsockname()[1]
        running = _Quiet(served_as(app, ["127.0.0.1"]))
        runner.run(running.begin([listener]))
        logger.addHandler(errors)
        try:
            yield call
        finally:
            logger.removeHandler(errors)
            runner.run(running.end())


class _Quiet(uvicorn.Server):
    """A server that begins and ends when it is told, without signal handlers."""

    _task: "asyncio.Task[None] | None" = None

    async def begin(self, sockets: list[socket.socket]) -> None:
        self._task = asyncio.get_running_loop().create_task(self._serve(sockets))
        while not self.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)

    async def end(self) -> None:
        self.should_exit = True
        if self._task is not None:
            await self._task


WEB: tuple[Target, ...] = (
    Target("web.websocket-messages", MESSAGES, plain(read_message), (MessageError,)),
    Target("web.forms", FORMS, plain(read_form), (WrongInput,)),
    Target("web.json", EDITS, json_body, (WrongInput,)),
    Target("web.addresses", QUERIES, plain(read_query)),
    Target("web.server", REQUESTS, server),
    Target("web.signed", TOKENS, plain(read_signed)),
    Target("api.parameters", PARAMETERS, plain(read_parameter), (ValidationError,)),
    Target("api.bodies", BODIES, plain(read_body), (ValidationError,)),
    Target("mcp.arguments", TOOL_CALLS, plain(read_tool_call), (WrongArguments,)),
    Target("api.cursors", CURSORS, plain(read_cursor), (ApiInvalidField,)),
    Target(
        "api.cursor-content",
        tuple(base64.urlsafe_b64decode(one + b"===") for one in CURSORS),
        plain(read_cursor_content),
        (ApiInvalidField,),
    ),
)
