"""Merging several waiting emails into one if the last one makes the earlier ones pointless."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from jobs.alerting.flapping import flapping
from jobs.alerting.policy import AlertGroup, Flap
from jobs.messages.compose import Letterhead, ReplyThread, compose
from jobs.notify import wave_chart
from storage.alerts import merged_mails, open_alerts, outbox, rules, threads
from storage.model.alerts.alerts import AlertStage, AlertThread, MailKind
from storage.model.alerts.waiting_mails import WaitingLine, WaitingMail, pointless
from storage.postgres.installation import link_key
from storage.postgres.pool import Conn, Pool, StaleState, Unreachable, part_of, transaction


async def tick(pool: Pool, now: datetime, head: Letterhead) -> int:
    """Merge waiting emails, except those that a server may have accepted. Return the number of merged emails.

    Emails that fail to merge are sent as they are. The errors are raised together after all other emails were
    merged.
    """
    made, faults = 0, list[Exception]()
    async with transaction(pool) as conn:
        if not any(pointless(line.mails) for line in await merged_mails.waiting_lines(conn)):
            return 0
        await outbox.begin(conn)
        head = replace(head, link_key=await link_key(conn))
        for line in await merged_mails.waiting_lines(conn):
            try:
                async with part_of(conn, pool):
                    made += await _merge(conn, line, now, head)
            except StaleState:
                continue
            except Unreachable:
                raise
            except Exception as error:  # noqa: BLE001 - what cannot be merged must not silence the others
                faults.append(error)
    if faults:
        raise ExceptionGroup("some waiting emails could not be merged", faults)
    return made


async def _merge(conn: Conn, line: WaitingLine, now: datetime, head: Letterhead) -> int:
    """Merge those emails of `line` that `pointless` returns into one email. Return 1, or 0 if nothing was
    merged.
    """
    mails = pointless(line.mails)
    waves = [mail for mail in mails if mail.kind is MailKind.WAVE]
    reported = await threads.sent_thread(conn, line.story_key, waves[-1].wave) if mails else None
    wave = await _wave(conn, line, waves, reported) if reported is not None else None
    if wave is None:
        return 0
    status = None
    if wave.cohort is not None:
        status = await open_alerts.standing(conn, wave.cohort.list_id, wave.as_of)
    picture = await wave_chart.picture(conn, wave, status)
    gone = {mail.message_id for mail in mails}
    earlier = (await threads.thread(conn, line.story_key)).get(line.recipient, ())
    heard = await threads.told_up_to(conn, line.story_key, before=waves[0].first_wave)
    thread = ReplyThread(tuple(i for i in earlier if i not in gone), heard.get(line.recipient))
    draft = compose(wave, status, head, line.recipient, thread, picture, reported)
    await merged_mails.merge(conn, line, mails, draft, now)
    return 1


async def _wave(
    conn: Conn, line: WaitingLine, mails: Sequence[WaitingMail], reported: AlertThread
) -> AlertGroup | None:
    """Return the content of these emails as one group. None if the rule or the list no longer exists.

    `reported` is the incident up to the newest of these emails.
    """
    stored = next(
        (r for r in await rules.load_rules(conn, {line.rule_id}) if r.rule_id == line.rule_id), None
    )
    ids = sorted({alert_id for mail in mails for alert_id in mail.alert_ids})
    alerts = await open_alerts.alerts_by_id(conn, ids)
    cohort = next((c for a in alerts for c in a.cohorts if c.list_id == line.list_id), None)
    if stored is None or (cohort is None and line.list_id is not None):
        return None
    alerts.sort(key=lambda a: (a.created_at, a.change.change_key, a.stage))
    accounts = {a.change.account_id for a in alerts}
    since = alerts[0].created_at - stored.rule.lookback
    past = await open_alerts.recent_alerts(conn, accounts, since, stored.rule.flapping_changes)
    opening, _ = flapping(past, stored, ())
    flaps = tuple(
        Flap(a, opening[a.change.change_key])
        for a in alerts
        if a.stage is AlertStage.CONFIRMED and a.change.change_key in opening
    )
    before = reported.waves[: mails[0].first_wave - 1]
    story = replace(reported, waves=before) if before else None
    closed_at = reported.waves[-1].closed_at
    return AlertGroup(stored, (line.recipient,), cohort, tuple(alerts), flaps, closed_at, story)
