"""Pure: notices of the Lumen archive (JSON of its API), as orders with the names in them.

The serializers of berkmancenter/lumendatabase document the format. A notice is a field named by its type
(`dmca`, `government_request`, `court_order`); a search returns `notices`. The type also sets the field of
the addresses in a work (`infringing_urls`, `urls_in_request`, `targetted_urls`, `defamatory_urls`). Without a
token, Lumen returns the number of addresses per site, and no address.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias, cast

from jobs.base.wording import number
from jobs.orders.formats import ImportedOrder, Orders, accounts_in
from storage.model.core.orders import NewOrder
from storage.model.tables.account_references import AddressError
from storage.model.tables.csv_cells import CellError, in_utc
from storage.model.tables.csv_rows import Parsed, TableError
from storage.model.tables.said_names import ParsedName, read_said
from storage.model.text.states import clean
from storage.model.text.target_counts import TargetCount

Fields: TypeAlias = Mapping[str, object]

_CODE = re.compile(r"[A-Za-z]{2}")
_NOT_STATED = "not stated"
_THEIRS = ("copyrighted", "original_work", "count")
"""Parts of field names with addresses that the notice is not about."""


def is_json(content: bytes) -> bool:
    """Whether a file is JSON rather than a table."""
    return content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"{", b"["}


def read_lumen(content: bytes, name: str, now: datetime, country: str | None) -> Parsed[Orders]:
    """Return the orders in a notice or a search result. Notices that cannot be used are its problems.

    `country` is for notices that do not name one. Raises TableError when the file cannot be read.
    """
    brought: list[ImportedOrder] = []
    problems: list[TableError] = []
    for kind, notice in _notices(content, name):
        try:
            brought.append(_order(kind, notice, now, country))
        except CellError as fault:
            problems.append(TableError(name, None, f"notice {clean(_id(notice) or '?')}: {fault}"))
    return Parsed((Orders(tuple(brought), ()),) if brought else (), tuple(problems))


def _notices(content: bytes, name: str) -> list[tuple[str, Fields]]:
    try:
        document: object = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise TableError(name, None, f"not valid JSON ({type(error).__name__}).") from error
    found = list(_found(document))
    if not found:
        raise TableError(name, None, "the file contains no notice; expected JSON from the Lumen API.")
    return found


def _found(document: object) -> Iterator[tuple[str, Fields]]:
    """Yield each notice with the name of its field; empty when it has none."""
    several = cast("list[object]", document) if isinstance(document, list) else [document]
    for fields in _objects(several):
        if "works" in fields:
            yield "", fields
        elif "notices" in fields:
            yield from (("", notice) for notice in _objects(fields["notices"]))
        else:
            kept = ((kind, _objects([one])) for kind, one in fields.items())
            yield from ((kind, notice) for kind, some in kept for notice in some if "id" in notice)


def _order(kind: str, notice: Fields, now: datetime, country: str | None) -> ImportedOrder:
    notice_id = _id(notice)
    if not notice_id:
        raise CellError("the id is empty.")
    names, counted = _names(notice)
    if not names:
        sites = ", ".join(f"{clean(site)}: {n}" for site, n in counted.items())
        why = f"only the number of addresses per site ({sites})" if sites else "no address"
        raise CellError(f"the notice contains {why}; download it with a Lumen token to get the addresses.")
    issued_at, issued_to, how = _issued(notice)
    where = _country(notice) or country
    if where is None:
        raise CellError("the jurisdictions do not name exactly one country; give the country with --country.")
    reference = f"Lumen {notice_id}"
    order = NewOrder(
        reference=reference,
        title=_text(notice, "title") or reference,
        issuer=_text(notice, "principal_name") or _text(notice, "sender_name") or _NOT_STATED,
        country=where,
        legal_basis=_basis(kind, notice),
        issued_at=issued_at,
        issued_from=issued_at if issued_to is not None else None,
        issued_to=issued_to,
        deadline_at=None,
        named_count=accounts_in(names),
        list_name=reference,
        known_at=now,
    )
    named = TargetCount(order.named_count, sum(n.post_id is not None for n in names))
    summary = f"{number(len(names), 'name')} of {named.words()}; {how}"
    return ImportedOrder(0, order, names, {}, summary)


def _names(notice: Fields) -> tuple[tuple[ParsedName, ...], dict[str, int]]:
    """Return each address of a notice once, and the numbers of addresses that it only counts."""
    found: dict[str, ParsedName] = {}
    counted: dict[str, int] = {}
    for item in _addresses(notice):
        words = (_text(item, "url_original") or _text(item, "url")).strip()
        count = item.get("count")
        if words:
            found.setdefault(words, _said(words))
        elif isinstance(count, int):
            site = _text(item, "domain") or "?"
            counted[site] = counted.get(site, 0) + count
    return tuple(found.values()), counted


def _addresses(notice: Fields) -> Iterator[Fields]:
    for work in _objects(notice.get("works")):
        for called, items in work.items():
            if "url" in called and not any(part in called for part in _THEIRS):
                yield from _objects(items)


def _said(words: str) -> ParsedName:
    try:
        return read_said(words)
    except AddressError:
        return ParsedName(0, words, unresolvable="It is neither a handle nor the address of an account.")


def _issued(notice: Fields) -> tuple[datetime, datetime | None, str]:
    """Return when it was sent, else received; the end of that day if only a day is given; and a note."""
    field, how = "date_sent", "its date is when it was sent"
    if not _text(notice, field):
        field, how = "date_received", "its date is when it was received, not when it was sent"
    text = _text(notice, field)
    if not text:
        raise CellError("date_sent and date_received are both missing.")
    try:
        at = in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise CellError(f"{field} {clean(text)!r} is an impossible time.") from error
    is_day = "T" not in text or text[11:19] in {"", "00:00:00"}
    return at, at + timedelta(days=1, seconds=-1) if is_day else None, how


def _country(notice: Fields) -> str | None:
    codes = {one.upper() for one in _texts(notice.get("jurisdictions")) if _CODE.fullmatch(one)}
    return codes.pop() if len(codes) == 1 else None


def _basis(kind: str, notice: Fields) -> str:
    laws = [law for field in ("regulations", "laws_referenced") for law in _texts(notice.get(field))]
    called = _text(notice, "type") or kind
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", called).strip()
    return ", ".join(laws) or (words if words.isupper() else words.capitalize()) or _NOT_STATED


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        return ""
    # JSON may hold halves of characters, and NUL, which no database takes.
    return value.encode("utf-8", "replace").decode().replace("\0", "").strip()


def _id(notice: Fields) -> str:
    value = notice.get("id")
    return str(value) if type(value) is int else _text(notice, "id")


def _texts(value: object) -> list[str]:
    """Return the texts in a list, or in a text with commas, which Lumen also uses."""
    if isinstance(value, str):
        value = value.split(",")
    items: Sequence[object] = cast("list[object]", value) if isinstance(value, list) else ()
    return [item.strip() for item in items if isinstance(item, str) and item.strip()]


def _objects(value: object) -> list[Fields]:
    items: Sequence[object] = cast("list[object]", value) if isinstance(value, list) else ()
    return [cast("Fields", item) for item in items if isinstance(item, dict)]
