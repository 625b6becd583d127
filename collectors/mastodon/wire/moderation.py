"""Pure: what other servers do to an account or to its whole server.

A server may silence or suspend a stranger for its own members. That is a fact about the observer, never a
status: the account stays as its home server has it. What a server does not publish is not known: a 404 for
its list of blocked servers is no statement that it blocks nobody (documented).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from collectors.core.abilities import ModerationFindings
from collectors.core.wire import WireFault, is_array, is_object, parse
from collectors.mastodon.wire.answers import Profile
from collectors.mastodon.wire.identity import MastodonIdentity, acct_of
from storage.model.core.availability import Flag, MissedReason
from storage.model.core.side_facts import ObservedKind

_HIDDEN = frozenset({401, 403, 404, 410})


class DomainBlockSeverity(StrEnum):
    """What a server does to another one."""

    SILENCE = "silence"
    SUSPEND = "suspend"


@dataclass(frozen=True, slots=True)
class DomainBlocks:
    """The servers that one server silences or suspends, as it publishes them.

    Names may be published with stars in them, so that servers are found by the SHA-256 of their name.
    """

    by_digest: Mapping[str, DomainBlockSeverity] = field(default_factory=dict[str, DomainBlockSeverity])

    def match(self, domain: str) -> DomainBlockSeverity | None:
        """What is done to `domain`; None for nothing. A block holds for subdomains, the narrowest counts."""
        halves = acct_of(f"a@{domain}")
        labels = halves[1].partition(":")[0].split(".") if halves else []
        for start in range(len(labels)):
            severity = self.by_digest.get(sha256(".".join(labels[start:]).encode()).hexdigest())
            if severity is not None:
                return severity
        return None

    def facts(self, handles: Mapping[str, str]) -> ModerationFindings:
        """What it means for accounts, given as name@domain by native id. All of them are answered for."""
        facts = {
            native_id: f"domain {severity.value}"
            for native_id, handle in handles.items()
            if (severity := self.match(handle.rpartition("@")[2])) is not None
        }
        return ModerationFindings(frozenset(handles), _as_facts(facts.items()))


def read_domain_blocks(http_status: int, body: bytes) -> DomainBlocks | WireFault:
    """What GET /api/v1/instance/domain_blocks publishes (Mastodon 4.0 and later). Never raises.

    A list that is hidden or kept for members is a Fault of reason ACCESS. An entry that is not understood
    makes the list unreadable: it could be the one that was looked for.
    """
    if http_status in _HIDDEN:
        return WireFault(
            MissedReason.ACCESS, f"the server does not publish which servers it blocks: HTTP {http_status}"
        )
    if http_status != 200:
        return WireFault(
            MissedReason.RATE_LIMITED if http_status == 429 else MissedReason.UPSTREAM, f"HTTP {http_status}"
        )
    entries = parse(body)
    if not is_array(entries):
        return WireFault(MissedReason.MALFORMED, "the answer is not a JSON array")
    by_digest: dict[str, DomainBlockSeverity] = {}
    for entry in entries:
        digest, severity = _digest(entry), entry.get("severity") if is_object(entry) else None
        if digest is None or not isinstance(severity, str):
            return WireFault(
                MissedReason.MALFORMED, "an entry has no severity, or neither a readable domain nor a digest"
            )
        if severity in set(DomainBlockSeverity):
            by_digest[digest] = DomainBlockSeverity(severity)
    return DomainBlocks(by_digest)


def seen_by(who: MastodonIdentity, copy: Profile) -> tuple[tuple[str, Flag | ObservedKind, str], ...] | None:
    """What another server's copy of an account says; None when it is the copy of another account."""
    if copy.uri is not None and copy.uri != who.actor:
        return None
    said = [(copy.suspended, "account suspended"), (copy.limited, "account limited")]
    return tuple(_as_facts((who.native_id, value) for is_so, value in said if is_so))


def _as_facts(values: Iterable[tuple[str, str]]) -> tuple[tuple[str, Flag | ObservedKind, str], ...]:
    return tuple((native_id, ObservedKind.BLOCKED_BY_SERVER, value) for native_id, value in values)


def _digest(entry: object) -> str | None:
    """The published digest; where there is none, that of a name without stars."""
    if not is_object(entry):
        return None
    digest, domain = entry.get("digest"), entry.get("domain")
    if isinstance(digest, str) and digest:
        return digest.lower()
    if isinstance(domain, str) and domain and "*" not in domain:
        return sha256(domain.lower().encode("utf-8", "replace")).hexdigest()
    return None
