"""The Alerts page over real sockets: who may do what, what is refused, and what the page then says."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, cast

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.alerts.mails import pictured
from dashboard.alerts.rule_form import RuleForm, sentences_of, text_of
from dashboard.alerts.rule_page import copy_name
from dashboard.auth.access import acting_as
from dashboard.ui.inputs import FieldFault
from storage.accounts.watch_lists import make_list
from storage.alerts.incidents import edit_incident
from storage.alerts.mails_report import mail
from storage.alerts.rules import keep_to_settings, save_rule
from storage.alerts.threads import undo_acknowledgement
from storage.alerts.threads_report import count_open_stories
from storage.model.alerts.incidents import IncidentEdit
from storage.model.alerts.quiet_hours import QuietHours
from storage.model.alerts.rules import AlertRule, Digest, EscalationStep, Match, Severity
from storage.model.core.accounts import Platform, TargetKind
from storage.model.core.availability import ChangeKind
from storage.model.core.people import Actor, Role
from storage.postgres.pool import Pool, Refused, open_pool, transaction
from tests.support.clients.page_walker import said
from tests.support.seeds.alerts import HOSTILE, Played, play_alerts
from tests.support.servers.dashboard import SETTINGS, page_of, served, served_apart

NOW = datetime(2021, 2, 1, 12, 0, tzinfo=UTC)


async def stored(pool: Pool) -> list[Any]:
    """Everything that people can change, as one can compare it."""
    async with transaction(pool) as conn:
        return [
            await conn.fetch("select * from story order by story_id"),
            await conn.fetch("select * from mute order by mute_id"),
            await conn.fetch("select mail_id, state, attempts from mail order by mail_id"),
            await conn.fetch("select * from alert_rule order by rule_id"),
            await conn.fetch("select * from audit_log order by audit_id"),
        ]


async def sent(
    session: aiohttp.ClientSession, base: str, path: str, fields: dict[str, str], **more: Any
) -> tuple[int, str | None, str]:
    """Status, the sentence of a refusal, and where an accepted one leads: as a browser without scripts."""
    url = f"{base}/api/alerts{path}"
    headers = {"Origin": base, "Accept": "text/html", **more.pop("headers", {})}
    async with session.post(url, data=fields, headers=headers, allow_redirects=False, **more) as response:
        is_json = response.content_type == "application/json"
        sentence = (await response.json())["error"] if is_json else None
        return response.status, sentence, response.headers.get("location", "")


UNDONE: list[tuple[str, dict[str, str]]] = [
    ("/mute", {"list": "SYN/2"}),
    ("/maintenance", {"until": "6h"}),
    ("/rules/disable", {"rule": "Night desk"}),
]


@pytest.mark.parametrize(("path", "fields"), UNDONE, ids=[path for path, _ in UNDONE])
async def test_a_write_says_what_was_done_and_its_undo_does_the_reverse(
    pool: Pool, dsn: str, played: Played, path: str, fields: dict[str, str]
) -> None:
    running = await pool.fetchval("select count(*) from mute where ended_at is null")
    async with served(pool, dsn, played.now) as base, aiohttp.ClientSession() as session:
        headers = {"Origin": base}
        async with session.post(f"{base}/api/alerts{path}", data=fields, headers=headers) as response:
            toast = (await response.json())["toast"]
        undo = toast["undo"]
        url = base + undo["address"]
        async with session.request(undo["method"], url, data=undo["fields"], headers=headers) as response:
            undone = (await response.json())["toast"]
    assert toast["words"].endswith(".")
    assert undone["words"] != toast["words"]
    async with transaction(pool) as conn:
        assert await conn.fetchval("select count(*) from mute where ended_at is null") == running
        assert await conn.fetchval("select enabled from alert_rule where name = 'Night desk'")


async def test_an_acknowledgement_is_undone_unless_the_incident_changed_meanwhile(
    pool: Pool, dsn: str, played: Played
) -> None:
    key = played.story_keys[0]
    async with served(pool, dsn, played.now) as base, aiohttp.ClientSession() as session:

        async def asked(path: str, fields: dict[str, str]) -> tuple[int, Any]:
            url, headers = f"{base}/api/alerts{path}", {"Origin": base}
            async with session.post(url, data=fields, headers=headers) as response:
                return response.status, await response.json()

        async with transaction(pool) as conn:
            waiting = await count_open_stories(conn)
        _, first = await asked("/acknowledge", {"story": key})
        _, second = await asked("/acknowledge", {"story": key})
        assert second["toast"] == {"words": "dashboard had already acknowledged it.", "undo": None}
        async with transaction(pool) as conn:
            await edit_incident(conn, key, IncidentEdit(note="call"), None, "ben", played.now)
        late, said_ = await asked("/acknowledge/undo", first["toast"]["undo"]["fields"])
        assert (late, said_["error"]) == (
            409,
            "Nothing was changed, because the incident changed meanwhile: ben wrote a note: “call”. Look at "
            "it again.",
        )
        async with transaction(pool) as conn:
            assert await count_open_stories(conn) == waiting - 1
            await undo_acknowledgement(conn, key, "ben", played.now)
            assert await count_open_stories(conn) == waiting
            with pytest.raises(Refused, match="Nobody has acknowledged the newest group"):
                await undo_acknowledgement(conn, key, "ben", played.now)


@dataclass(frozen=True, slots=True)
class SharedStory:
    """A dashboard of all rows that are refused, with what was played and two accounts of one name."""

    base: str
    dsn: str
    played: Played


@pytest.fixture(scope="module")
def shared(
    fresh_database: Callable[[], AbstractContextManager[str]],
) -> Generator[SharedStory]:
    async def prepare(pool: Pool) -> Played:
        played = await play_alerts(pool, NOW)
        async with transaction(pool) as conn:
            for platform in ("bluesky", "mastodon"):
                await conn.execute(
                    """
                    insert into account (platform, native_id, handle, added_at)
                    values ($1, 'twin', 'twin', $2)
                    """,
                    platform,
                    played.now,
                )
        return played

    with fresh_database() as dsn, served_apart(dsn, NOW, prepare) as (base, played):
        yield SharedStory(base, dsn, played)


WRONG: dict[str, tuple[str, dict[str, str], int, str]] = {
    "no story": ("/acknowledge", {}, 422, "The field story is empty."),
    "an unknown story": ("/acknowledge", {"story": "gone"}, 409, "There is no such incident"),
    "a long note": ("/acknowledge", {"story": "x", "note": "x" * 501}, 422, "The note has 501"),
    "a mute of nothing": ("/mute", {}, 422, "Set either an account, or a list or order."),
    "a mute of two things": ("/mute", {"account": "1", "list": "x"}, 422, "Set either an account"),
    "an unknown handle": ("/mute", {"account": "@nobody"}, 409, "There is no stored account"),
    "a number beyond all": ("/mute", {"account": "9" * 30}, 409, "There is no stored account"),
    "two of a name": ("/mute", {"account": "@twin"}, 409, "Several accounts are called '@twin'"),
    "an unknown list": ("/mute", {"list": "gone"}, 409, "There is no list or order 'gone'; there are: SYN/1"),
    "no time": (
        "/mute",
        {"account": "1", "until": "soon"},
        422,
        "Duration or end: this is neither a duration such as",
    ),
    "past all time": (
        "/mute",
        {"account": "1", "until": "9999-12-31T23:00-14:00"},
        422,
        "neither a duration",
    ),
    "over already": (
        "/mute",
        {"account": "1", "until": "2020-01-01"},
        409,
        "must be in the future and after its beginning",
    ),
    "a NUL in a field": ("/mute", {"account": "a\0b"}, 422, "a character that is not allowed"),
    "no number": ("/mute/end", {"mute": "x"}, 422, "The field mute is not a number."),
    "no such mute": ("/mute/end", {"mute": "999"}, 409, "There is no running mute 999."),
    "maintenance for ever": ("/maintenance", {}, 422, "Set the duration or the end of the maintenance."),
    "maintenance backwards": (
        "/maintenance",
        {"since": "2h", "until": "1h"},
        409,
        "must be in the future and after its beginning",
    ),
    "no such mail": ("/resend", {"mail": "9" * 18}, 409, "There is no mail"),
    "far too much": ("/mute", {"note": "#" * 70_000}, 422, "larger than 65,536 bytes"),
    "switching one": ("/rules/disable", {"rule": "recipients"}, 409, "is defined in the settings"),
    "moving one": ("/rules/up", {"rule": "recipients"}, 409, "is defined in the settings"),
    "moving none": ("/rules/down", {"rule": "gone"}, 409, "There is no rule 'gone'; there are: recipients,"),
    "removing one": ("/rules/remove", {"rule": "recipients"}, 409, "is defined in the settings"),
    "no such rule": (
        "/rules/enable",
        {"rule": "gone"},
        409,
        "There is no rule 'gone'; there are: recipients,",
    ),
}


@pytest.mark.parametrize(("path", "fields", "status", "sentence"), WRONG.values(), ids=WRONG)
async def test_wrong_input_gets_one_sentence_and_stores_nothing(
    shared: SharedStory, path: str, fields: dict[str, str], status: int, sentence: str
) -> None:
    async with open_pool(shared.dsn, max_size=1) as pool, aiohttp.ClientSession() as session:
        before = await stored(pool)
        found, told, _ = await sent(session, shared.base, path, fields)
        assert (found, sentence in (told or "")) == (status, True), told
        assert await stored(pool) == before


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param("application/json", b"[1]", id="a list"),
        pytest.param("application/json", b"{", id="no JSON"),
        pytest.param("application/json", b'{"story": {"a": 1}}', id="a value in a value"),
        pytest.param("application/json", b'{"story": "\\ud800"}', id="half a character"),
        pytest.param("application/json", b"[" * 60_000, id="very deep"),
        pytest.param("application/x-www-form-urlencoded", b"story=%ff", id="bytes that are no text"),
        pytest.param("application/x-www-form-urlencoded", b"&".join([b"a=1"] * 50), id="fifty fields"),
        pytest.param("application/x-www-form-urlencoded", b"\xff", id="bytes that are no form"),
    ],
)
async def test_what_is_no_form_is_refused_in_one_sentence(
    shared: SharedStory, kind: str, body: bytes
) -> None:
    async with aiohttp.ClientSession() as session:
        headers = {"Origin": shared.base, "Content-Type": kind}
        async with session.post(
            f"{shared.base}/api/alerts/acknowledge", data=body, headers=headers
        ) as response:
            assert response.status == 422
            told = await response.json()
    assert told == {"error": "The request body is neither a form nor a JSON object of plain values."}


async def page(pool: Pool, path: str, played: Played, role: Role = Role.ADMIN) -> Any:
    async with transaction(pool) as conn:
        with acting_as(Actor("dashboard", role)):
            return await page_of(conn, path, played.now, SETTINGS, "light")


async def test_a_mail_is_found_under_its_message_id_too(pool: Pool, played: Played) -> None:
    async with transaction(pool) as conn:
        ident = await conn.fetchval("select message_id from mail where mail_id = $1", played.dead_mail)
    by_number = said(await page(pool, f"/mail/{played.dead_mail}", played))
    assert said(await page(pool, f"/mail/{ident.strip('<>')}", played)) == by_number
    for unknown in ("/mail/x@example.org", "/mail/%00@example.org", "/mail/x"):
        assert "Page not found" in said(await page(pool, unknown, played))


async def test_a_merged_mail_says_where_it_went_and_is_not_offered_to_be_sent(
    pool: Pool, played: Played
) -> None:
    async with transaction(pool) as conn:
        later = await conn.fetchval("select max(mail_id) from mail")
        await conn.execute(
            "update mail set state = 'merged', merged_into = $2 where mail_id = $1", played.dead_mail, later
        )
    opened = await page(pool, f"/mail/{played.dead_mail}", played)
    assert "no mail server accepted it, and it was merged into a later email" in said(opened)
    assert f"email {later} contains both" in said(opened)
    assert "Send again" not in _buttons(opened)


async def test_a_name_that_is_not_on_file_is_marked_beside_its_rule(pool: Pool, played: Played) -> None:
    wrong = Match(lists=frozenset({"Pres"}))
    async with transaction(pool) as conn:
        await save_rule(conn, AlertRule(("a@example.org",), name="Wrong", match=wrong), "test", played.now)
    told = said(await page(pool, "/alerts", played))
    assert "There is no list 'Pres', so nothing matches it." in told
    assert "There is no list 'Order 2 list'" not in told


@pytest.mark.slow
async def test_strangers_names_on_the_page_hide_nothing(pool: Pool, played: Played) -> None:
    for path in ("/alerts", f"/account/{played.story.wave[0]}", f"/mail/{played.dead_mail}"):
        told = said(await page(pool, path, played))
        assert "\u202e" not in told
        assert "\u200b" not in told
    assert HOSTILE[:20] in said(await page(pool, "/alerts", played))


@pytest.mark.parametrize(
    ("role", "buttons"),
    [
        (Role.VIEWER, set[str]()),
        (Role.ANALYST, {"Acknowledge", "Send again", "Mute", "End now"}),
        (Role.ADMIN, {"Acknowledge", "Send again", "Mute", "End now", "Plan maintenance",
                      "Switch on", "Switch off", "Move up", "Move down"}),
    ],
)  # fmt: skip
async def test_nobody_is_offered_what_he_may_not_do(
    pool: Pool, played: Played, role: Role, buttons: set[str]
) -> None:
    assert _buttons(await page(pool, "/alerts", played, role)) == buttons
    of_mail = _buttons(await page(pool, f"/mail/{played.dead_mail}", played, role))
    assert of_mail == {"Acknowledge", "Send again"} & buttons


def _buttons(component: Any) -> set[str]:
    """What the buttons inside a component say."""
    if type(component).__name__ == "Button":
        return {component.children}
    children = getattr(component, "children", None)
    found: set[str] = set()
    for child in cast("list[Any]", children if isinstance(children, list) else [children]):
        if child is not None and not isinstance(child, str):
            found |= _buttons(child)
    return found


async def test_decisions_of_one_kind_have_a_page_of_their_own(pool: Pool, played: Played) -> None:
    told = said(await page(pool, "/alerts/decisions/muted", played))
    assert "the account or its list is muted" in told
    assert "sent in one email" not in told
    assert "Page not found" in said(await page(pool, "/alerts/decisions/nonsense", played))


async def test_a_mail_shows_its_story_its_picture_and_who_took_it_on(
    pool: Pool, dsn: str, played: Played
) -> None:
    async with transaction(pool) as conn:
        row = await conn.fetchrow(
            """
            select m.mail_id, s.story_key from mail m join story s using (story_id)
            where m.wave = 2 and m.picture is not null and m.kind = 'wave' limit 1
            """
        )
        assert row is not None
        opened = await mail(conn, row["mail_id"])
    assert opened is not None
    assert "cid:picture" in opened.html_body
    assert 'src="data:image/png;base64,iVBOR' in pictured(opened)
    assert "cid:picture" not in pictured(opened)
    before = said(await page(pool, f"/mail/{opened.mail_id}", played))
    assert "Alert, group 2 of " in before
    assert "emails of this incident" in before
    assert "Not acknowledged" in before
    async with served(pool, dsn, played.now) as base, aiohttp.ClientSession() as session:
        await sent(session, base, "/acknowledge", {"story": row["story_key"], "note": "mine\n  now"})
    after = said(await page(pool, f"/mail/{opened.mail_id}", played))
    assert "Acknowledged by dashboard on 1 Feb 2021, 12:00 UTC: “mine now”" in after


DESK = "desk@example.org"
PLAIN = AlertRule((DESK,), name="Desk")
FULL = AlertRule(
    (DESK, "apprise:newsroom", "webhook:desk"),
    name="Night desk",
    match=Match(
        lists=frozenset({"Press", "Lawyers, all"}),
        orders=frozenset({"SYN/1"}),
        targets=frozenset({TargetKind.POSTS}),
        platforms=frozenset(Platform),
        countries=frozenset({"IN", "TR"}),
        kinds=frozenset(ChangeKind),
        tags=frozenset({"press", "two words"}),
        min_followers=0,
        executives=True,
        provisional=True,
    ),
    zone="Asia/Kolkata",
    severity=Severity.CRITICAL,
    quiet=QuietHours(time(22), time(7, 30)),
    digest=Digest.WEEKLY,
    digest_at=time(6, 15),
    remind_every=timedelta(hours=1),
    escalation=(
        EscalationStep(timedelta(hours=3), ("editor@example.org", "lead@example.org")),
        EscalationStep(timedelta(days=1), ("apprise:phones",)),
    ),
    engagement=True,
    not_if_unreachable=True,
    settle=timedelta(seconds=3),
    update_after=timedelta(minutes=90),
    flapping_changes=6,
    flapping_period=timedelta(days=2),
)
FORM = RuleForm.of(PLAIN)


@pytest.mark.parametrize(
    ("filled", "sentence"),
    [
        ({"name": ""}, "Name: a rule needs a name of 1 to 80 printable characters."),
        ({"recipients": " \n"}, "Recipients is empty."),
        (
            {"recipients": "nobody"},
            "Recipients: 'nobody' is neither a plain mail address such as desk@example.org nor a channel "
            "such as apprise:newsroom or webhook:desk.",
        ),
        ({"kinds": []}, "Kinds of change: choose at least one."),
        ({"countries": "IN, nowhere"}, "Countries: 'nowhere' is not a country code of two capital letters."),
        ({"min_followers": "many"}, "Followers, at least: 'many' is not a number."),
        ({"zone": "Delhi"}, "Time zone: 'Delhi' is not a time zone; write it like Asia/Kolkata."),
        ({"digest_at": "8"}, "Time of digests: '8' is not a time of day such as 08:00."),
        ({"quiet_from": "22:00"}, "Quiet hours: set both the beginning and the end, or neither."),
        (
            {"quiet_from": "22:00", "quiet_to": "22:00"},
            "Quiet hours: quiet hours must not begin and end at the same time.",
        ),
        ({"quiet_from": "x", "quiet_to": "07:00"}, "Quiet hours: 'x' is not a time of day such as 08:00."),
        ({"remind_every": "soon"}, "Reminder every: 'soon' is not a duration such as 90s, 10m, 6h or 1d."),
        ({"remind_every": "5s"}, "Reminder every must be at least a minute."),
        ({"settle": "0s"}, "Wait for more changes must be longer than zero, and its limit at least 1."),
        ({"update_after": "400d"}, "First update after must not be longer than a year."),
        (
            {"flapping_changes": "0"},
            "Changes that count as going back and forth must be from 2 to 100.",
        ),
        ({"flapping_period": "90m"}, "Back and forth within must be whole days from 1d to 30d."),
        ({"escalation": "3h"}, "Escalation: step 1 of escalation names nobody"),
        ({"escalation": "soon a@b.example"}, "Escalation: 'soon' is not a duration"),
        ({"escalation": "3h x"}, "Escalation: 'x' is neither a plain mail address"),
        (
            {"escalation": "3h a@b.example\n\n2h c@d.example"},
            "Escalation: step 2 of escalation must come later than the step before it.",
        ),
        ({"lists": ["a\0b"]}, "Lists: 'a\\x00b' contains a character that is not allowed."),
    ],
)
def test_an_error_begins_with_the_label_of_the_field(filled: dict[str, Any], sentence: str) -> None:
    form = replace(FORM, **filled)
    with pytest.raises(FieldFault) as fault:
        form.rule()
    assert str(fault.value).startswith(sentence)
    assert sentences_of(form) == f"Not a rule yet. {fault.value}"
    assert text_of(form) is None


@given(
    st.builds(
        RuleForm,
        *(st.none() | st.text(max_size=12) for _ in range(2)),
        *(st.none() | st.lists(st.text(max_size=4), max_size=3) for _ in range(5)),
        *(st.none() | st.text(max_size=8) for _ in range(3)),
        st.none() | st.lists(st.text(max_size=4), max_size=3),
        *(st.none() | st.text(max_size=8) for _ in range(10)),
    )
)
def test_whatever_is_filled_in_is_a_rule_or_one_sentence(form: RuleForm) -> None:
    said = sentences_of(form)
    assert said.endswith(".")
    assert said.startswith("Not a rule yet. ") is (text_of(form) is None)


def test_a_rule_is_told_in_sentences() -> None:
    assert sentences_of(RuleForm.of(FULL)) == (
        "Notifies desk@example.org, apprise:newsroom and webhook:desk of first readings, blocks, "
        "restorations, changes of countries, protection by the owner, posts that are gone and posts "
        "found again, only of posts on Lawyers, all or Press, under SYN/1, on Bluesky or Mastodon or X or "
        "YouTube, in IN or TR, tagged press or two words, with at least 0 followers, of executives, also "
        "when provisional. Sends one digest per week, on Mondays at 06:15 Asia/Kolkata. Also when an "
        "executive engages with an account that an order names. Sends no changes while most measurements "
        "from their countries do not reach the platform. Severity critical, which quiet hours do not delay. "
        "Quiet from 22:00 to 07:30 Asia/Kolkata. Reports an account with 6 changes within 2d "
        "once, and its further changes not for 2d. Sends a reminder every 1h. Notifies "
        "editor@example.org, lead@example.org if nobody acknowledges or takes the incident within 3h. "
        "Notifies apprise:phones if nobody has by 1d."
    )


def test_a_copy_has_a_name_of_its_own() -> None:
    assert copy_name("Desk", {"Desk"}) == "Desk (copy)"
    assert copy_name("Desk", {"Desk", "Desk (copy)"}) == "Desk (copy 2)"
    assert len(copy_name("x" * 80, set())) <= 80


RULE_WARNINGS_DESK = ("desk@example.org",)


async def rule_page(pool: Pool, now: datetime, *rules: AlertRule) -> str:
    """What the page of the last of these rules says."""
    async with transaction(pool) as conn:
        await make_list(conn, "india", "Asha", now)
        await keep_to_settings(conn, rules, now)
        number = await conn.fetchval("select max(rule_id) from alert_rule")
        with acting_as(Actor("Asha", Role.ADMIN)):
            return said(await page_of(conn, f"/alerts/rules/{number}", now, SETTINGS, "light"))


async def test_a_list_that_is_not_stored_is_said_with_the_nearest_name(pool: Pool, now: datetime) -> None:
    rule = AlertRule(RULE_WARNINGS_DESK, "Desk", Match(lists=frozenset({"indai"})))
    page = await rule_page(pool, now, rule)
    assert "There is no list 'indai', so nothing matches it; did you mean 'india'?" in page
    assert "never notifies" not in page


async def test_a_rule_that_earlier_rules_leave_nothing_says_so(pool: Pool, now: datetime) -> None:
    rule = AlertRule(RULE_WARNINGS_DESK, "India desk", Match(lists=frozenset({"india"})))
    page = await rule_page(pool, now, AlertRule(RULE_WARNINGS_DESK, "Everything"), rule)
    assert (
        "This rule never notifies anybody: all that it matches is sent to the same people by 'Everything', "
        "tried before it." in page
    )
