"""The email that only shows that the mail server of the settings takes emails."""

from datetime import datetime
from html import escape

from jobs.base.wording import minute
from jobs.messages.compose import Letterhead, message_id
from jobs.notify.alert_preview import MARK
from storage.model.alerts.alerts import Mail, MailKind, MailState
from storage.model.text.states import clean


def mail_server_test(to: str, asked_by: str, head: Letterhead, now: datetime) -> Mail:
    """Return a test email to an address. It is in no queue, so its number is 0."""
    text = (
        f"This is a test of Blockline's mail server, asked for by {clean(asked_by, 80)} on {minute(now)}. "
        "It arrived, so emails about changes can reach this address. No account changed, and no alert rule "
        "was used."
    )
    where = [] if head.dashboard_url is None else [f"The dashboard: {head.dashboard_url}"]
    return Mail(
        mail_id=0,
        message_id=message_id((MARK, now.isoformat()), (to,), head.id_domain),
        recipients=(to,),
        subject=f"{MARK}Blockline can send email",
        text_body="\n\n".join([text, *where]) + "\n",
        html_body="".join(f"<p>{escape(one)}</p>" for one in [text, *where]),
        created_at=now,
        state=MailState.QUEUED,
        attempts=1,
        next_attempt_at=None,
        sent_at=None,
        last_error=None,
        kind=MailKind.TEST,
    )
