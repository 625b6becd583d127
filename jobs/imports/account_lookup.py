"""Find the stored account that a handle, an id or the address of a profile means."""

from jobs.base.errors import CommandError
from storage.accounts.lookup import accounts_named
from storage.model.core.accounts import Account, Platform
from storage.model.tables.account_references import AddressError, read_address
from storage.model.text.states import clean
from storage.postgres.pool import Conn


async def find_account(conn: Conn, text: str, platform: Platform | None = None) -> Account:
    """Find the stored account. Raises CommandError if there is none, or more than one."""
    try:
        address = read_address(text, platform)
    except AddressError as fault:
        raise CommandError(str(fault)) from fault
    platforms = Platform if address.platform is None else (address.platform,)
    found = [
        account
        for one in platforms
        for account in await accounts_named(conn, one, address.name, is_id=address.is_id)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"{account.platform.value} id:{account.native_id}" for account in found)
        raise CommandError(
            f"More than one stored account is called {clean(text)}. Give one of these ids: {ids}."
        )
    raise CommandError(f"No stored account is called {clean(text)}.")
