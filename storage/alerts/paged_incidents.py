"""Which incidents pagers hold open because of what they were sent."""

from dataclasses import dataclass

from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class PagedIncident:
    """An incident that was sent to a pager, and whose end was not sent there since."""

    story_id: int
    story_key: str
    rule_id: int
    recipient: str
    message_id: str
    """Of the newest message about it to this recipient."""
    subject: str
    reported_a_block: bool
    """Whether it reported an account or post as blocked or gone, at any stage."""


async def paged_incidents(conn: Conn) -> list[PagedIncident]:
    """All of them, each once for each pager that has it."""
    rows = await conn.fetch(
        """
        select distinct on (m.story_id, m.recipients[1])
            s.story_id, s.story_key, s.rule_id, m.recipients[1] as recipient, m.message_id, m.subject,
            (select b.reported_a_block from incident_back b where b.story_id = s.story_id) as reported_a_block
        from mail m join story s using (story_id)
        where m.recipients[1] like 'pagerduty:%' and m.kind <> 'end' and m.state <> 'merged' and not exists (
            select from mail e
            where e.story_id = m.story_id and e.recipients[1] = m.recipients[1] and e.kind = 'end'
                and e.recipients[1] like 'pagerduty:%' and e.mail_id > m.mail_id
        )
        order by m.story_id, m.recipients[1], m.mail_id desc
        """
    )
    return [PagedIncident(**dict(r.items())) for r in rows]
