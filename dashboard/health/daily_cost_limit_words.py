"""Sentences about the daily cost limit, for the Health page and for `blockline status`."""

from dashboard.ui.words import SPEND_REASON
from storage.model.platforms.registry import DECLARED
from storage.model.text.states import PLATFORM_NAME, clean
from storage.model.text.units import number
from storage.work.daily_cost_limit import StoredDailyBill

_NAMED = 5


def daily_spend(bill: StoredDailyBill) -> str:
    """ "$18.42 of $20.00: 1,842 of 2,000 accounts, of which 1,372 scheduled, 180 sentinels"."""
    each = ", ".join(f"{n:,} {SPEND_REASON[why]}" for why, n in bill.paid.items())
    of_which = f", of which {each}" if each else ""
    posts = f"; and {number(bill.posts, 'post')}" if bill.posts else ""
    accounts = f"{bill.total:,} of {bill.ceiling.most:,} accounts{of_which}{posts}"
    day, price = f"{bill.day.isoformat()} UTC", DECLARED[bill.platform].terms.price
    if price is None:
        return f"{day}: {accounts}"
    of_posts = bill.posts * (price.usd_per_account if price.usd_per_post is None else price.usd_per_post)
    spent, most = bill.total * price.usd_per_account + of_posts, bill.ceiling.most * price.usd_per_account
    return f"${spent:,.2f} of ${most:,.2f} on {day}: {accounts}"


def daily_limit_notes(bill: StoredDailyBill) -> list[str]:
    """What follows from the limit, one sentence each."""
    days = bill.ceiling.round_days
    if days is None:
        said = ["The daily cost limit covers sentinel accounts only; no other account has a scheduled read."]
    else:
        said = [f"Every account has a scheduled read within {'a day' if days == 1 else f'{days:,} days'}."]
    if bill.ceiling.waiting:
        said.append(
            f"The daily cost limit is reached. Additional reads of {number(bill.ceiling.waiting, 'account')} "
            "wait for the next UTC day."
        )
    bare = [clean(one.name, 60) for one in bill.lists if not one.paid]
    if bare:
        more = f" and {len(bare) - _NAMED:,} more" if len(bare) > _NAMED else ""
        on = "this list" if len(bare) == 1 else "these lists"
        said.append(f"No sentinel account is paid for on {on}: {', '.join(bare[:_NAMED])}{more}.")
    return said


def platform_name(bill: StoredDailyBill) -> str:
    return PLATFORM_NAME[bill.platform]
