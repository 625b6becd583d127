"""Taking a name out of the mails that were written: subjects, texts, and what webhooks were told."""

import json
import re
from collections.abc import Collection
from html import escape
from typing import Any

from storage.postgres.pool import Conn


async def rewrite(conn: Conn, names: Collection[str], alias: str, bare: str | None) -> int:
    """Put `alias` in place of the names in every mail; returns how many mails had one.

    Mails are looked through for the names, since a mail that was split off is linked to no change. `bare` is
    looked for without an @ before it.
    """
    rows = await conn.fetch(
        """
        select mail_id, subject, text_body, html_body, payload from mail
        where exists (
            select from unnest($1::text[]) as u (sought)
            where position(lower(sought) in lower(subject || ' ' || text_body)) > 0
        ) or exists (
            select from unnest($2::text[]) as u (sought) where position(lower(sought) in lower(payload)) > 0
        )
        """,
        [*(f"@{name}" for name in names), *([bare] if bare is not None else [])],
        [f'"handle":{json.dumps(name)}' for name in names],
    )
    named: list[tuple[int, str, str, str, str | None]] = []
    for r in rows:
        before = (r["subject"], r["text_body"], r["html_body"], r["payload"])
        subject, text = (without(part, names, alias, bare) for part in before[:2])
        html = without(before[2], [escape(n) for n in names], escape(alias), bare and escape(bare))
        payload = before[3] and payload_without(before[3], names, alias, bare)
        if (subject, text, html, payload) != before:
            named.append((r["mail_id"], subject, text, html, payload))
    await conn.execute(
        """
        update mail
        set subject = u.subject, text_body = u.text_body, html_body = u.html_body, payload = u.payload
        from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])
            as u (mail_id, subject, text_body, html_body, payload)
        where mail.mail_id = u.mail_id
        """,
        [mail_id for mail_id, *_ in named],
        [subject for _, subject, *_ in named],
        [text for _, _, text, *_ in named],
        [html for _, _, _, html, _ in named],
        [payload for *_, payload in named],
    )
    return len(named)


def without(text: str, names: Collection[str], alias: str, bare: str | None = None) -> str:
    """`text` with `alias` wherever one of the names stood as @name, and not as a part of a longer one, and
    wherever `bare` stood alone."""
    if names:
        anyone = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        behind_at = rf"(?<![\w@])@(?:{anyone})(?![\w@-]|\.\w)"
        text = re.sub(behind_at, lambda _: alias, text, flags=re.IGNORECASE)
    if bare is not None:
        text = re.sub(rf"(?<![\w@-]){re.escape(bare)}(?![\w-])", lambda _: alias, text)
    return text


def payload_without(payload: str, names: Collection[str], alias: str, bare: str | None = None) -> str:
    """The same of what a webhook was told, where a handle stands alone and lists hold more than a mail's."""
    told: dict[str, Any] = json.loads(payload)
    gone = {name.lower() for name in names}
    for part in ("headline", "text"):
        if isinstance(told.get(part), str):
            told[part] = without(told[part], names, alias, bare)
    for change in told.get("changes", ()):
        if str(change.get("handle", "")).removeprefix("@").lower() in gone:
            change["handle"] = alias
    return json.dumps(told, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
