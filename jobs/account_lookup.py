"""Which stored account a person means by a handle, an id or the address of a profile."""

from jobs.errors import CommandError
from storage.db import Conn
from storage.lookup import accounts_named
from storage.model.accounts import Account, Platform
from storage.model.addresses import AddressError, read_address
from storage.model.words import clean


async def account_named(conn: Conn, text: str, platform: Platform | None = None) -> Account:
    """The account on file that a handle, an id or the address of a profile means. Raises CommandError."""
    try:
        address = read_address(text, platform)
    except AddressError as fault:
        raise CommandError(str(fault)) from fault
    platforms = Platform if address.platform is None else (address.platform,)
    found = [account for one in platforms for account in await accounts_named(conn, one, address.name)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"{account.platform.value} id:{account.native_id}" for account in found)
        raise CommandError(f"{clean(text)} means more than one account on file; name it by its id: {ids}.")
    raise CommandError(f"No account on file is called {clean(text)}.")
