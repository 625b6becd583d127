"""Pure: where on the dashboard a mail leads: to what it speaks of, and to itself."""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote, urljoin

from jobs.messages.wave_content import cohort_name
from storage.model.alerts.alerts import Cohort
from storage.model.text.states import capital


@dataclass(frozen=True, slots=True)
class DashboardLink:
    """A link, and what is behind it."""

    words: str
    url: str


def list_url(base: str | None, cohort: Cohort | None) -> str | None:
    """The Live page with the accounts of this list or order alone; None where there is none."""
    return None if base is None or cohort is None else urljoin(base, f"/?list={cohort.list_id}")


def places(
    base: str | None, cohort: Cohort | None, account_ids: Collection[int], message_id: str | None
) -> list[DashboardLink]:
    """What a mail links to, the nearest first. `message_id` is None for one that has no page.

    Empty where readers reach no dashboard.
    """
    if base is None:
        return []
    found: list[DashboardLink] = []
    if len(account_ids) == 1:
        found.append(DashboardLink("The account", urljoin(base, f"/account/{next(iter(account_ids))}")))
    if (url := list_url(base, cohort)) is not None:
        found.append(DashboardLink(f"{capital(cohort_name(cohort))} on the Live page", url))
    if message_id is not None:
        # By its Message-ID: it has no number before it is stored.
        found.append(
            DashboardLink("This mail", urljoin(base, f"/mail/{quote(message_id.strip('<>'), safe='@')}"))
        )
    return found or [DashboardLink("The dashboard", base)]
