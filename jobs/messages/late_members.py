"""Pure: what is told late because its accounts came under an order or list after it was seen."""

from collections.abc import Sequence

from jobs.base.wording import number, zoned_minute
from jobs.messages.wave_content import cohort_name
from storage.model.alerts.alerts import AlertRow, Cohort, Joined


def late_words(alerts: Sequence[AlertRow], cohort: Cohort | None, zone: str, when: str = "now") -> str | None:
    """Why these could not be told under this order or list before, as a clause; None when they could.

    `when` it was told: "now", or "then" for a reader who looks back.
    """
    if cohort is None:
        return None
    late = [(a, joined) for a in alerts if (joined := _after(a, cohort)) is not None]
    if not late:
        return None
    accounts, everybody = ({a.change.account_id for a in some} for some in ((a for a, _ in late), alerts))
    name = cohort_name(cohort)
    if len(accounts) == len(everybody):
        told = f"Told under {name} only {when}"
    else:
        verb = "is" if len(accounts) == 1 else "are"
        told = f"{number(len(accounts), 'account')} of this mail {verb} told under {name} only {when}"
    seen = "the change was seen" if len(late) == 1 else "the changes were seen"
    return f"{told}: {_came(cohort, [j for _, j in late], len(accounts), zone)}, after {seen}"


def _after(alert: AlertRow, cohort: Cohort) -> Joined | None:
    """How the account came under the cohort, if that was after its change was confirmed or first seen.

    What is taken back is told to those who were told, whatever the account is on.
    """
    joined = alert.joined.get(cohort.list_id)
    if joined is None or alert.stage.is_answer or joined.at <= alert.created_at:
        return None
    return joined


def _came(cohort: Cohort, joined: Sequence[Joined], accounts: int, zone: str) -> str:
    last = max(j.at for j in joined)
    on = ("on " if len({j.at for j in joined}) == 1 else "the last on ") + zoned_minute(last, zone)
    who = "the account" if accounts == 1 else "the accounts"
    if cohort.order is not None and all(j.by_entry for j in joined):
        return f"the order, which names {who}, was entered {on}"
    was = "was" if accounts == 1 else "were"
    return f"{who} {was} put {'under' if cohort.order is not None else 'on'} it {on}"
