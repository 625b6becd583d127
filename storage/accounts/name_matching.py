"""Find the stored accounts that names mean: by id, by handle, or by an earlier handle."""

from collections.abc import Iterable, Sequence

from storage.accounts import listing
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.orders import NameCandidate
from storage.model.tables.account_references import ID_PREFIX
from storage.model.tables.name_matching import StoredAccounts, key
from storage.model.tables.said_names import ParsedName
from storage.postgres.pool import Conn


async def stored_accounts(conn: Conn, names: Iterable[ParsedName]) -> StoredAccounts:
    """Return the stored accounts that names may mean: by id, by handle, or by an earlier handle."""
    out: dict[tuple[Platform, str], Sequence[NameCandidate]] = {}
    some = list(names)
    for platform in Platform:
        of_it = [said for said in some if said.platform is platform]
        ids = [said.native_id for said in of_it if said.native_id is not None]
        for native_id, known in (await listing.on_file(conn, platform, ids)).items() if ids else ():
            out[platform, f"{ID_PREFIX}{native_id}"] = [
                NameCandidate(known.account_id, native_id, known.handle)
            ]
        handles = [k for said in of_it if said.native_id is None and (k := key(said)) is not None]
        if handles:
            found = await _candidates(conn, platform, handles)
            out |= {(platform, handle): candidates for handle, candidates in found.items()}
    return out


async def _candidates(
    conn: Conn, platform: Platform, handles: Sequence[str]
) -> dict[str, list[NameCandidate]]:
    """Return, for each handle in lower case, the stored accounts that have or had it."""
    rows = await conn.fetch(
        """
        with called as (
            select account_id, lower(handle) as name from account where platform = $1
            union select r.account_id, lower(unnest(array[r.old_handle, r.new_handle])) from rename r
            union select h.account_id, lower(h.handle) from handle_record h
        )
        select called.name, a.account_id, a.native_id, a.handle
        from called join account a using (account_id)
        where a.platform = $1 and called.name = any($2::text[]) order by a.account_id
        """,
        platform.value,
        handles,
    )
    out: dict[str, list[NameCandidate]] = {}
    for r in rows:
        found = NameCandidate(AccountId(r["account_id"]), r["native_id"], r["handle"])
        out.setdefault(r["name"], []).append(found)
    return out
