"""Pure: what Bluesky's app view answers, with the faults of a plan that concern single accounts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from collectors.bluesky.simulator import payloads
from collectors.bluesky.simulator.faults import LASTING, odd_labels, twisted
from collectors.bluesky.simulator.payloads import COLLECTIONS, JSON, answer
from collectors.bluesky.simulator.world import BlueskyWorld, HeardLabelers, HostingStatus
from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.reply import SimulatedReply
from storage.model.core.signals import SignalKind

GET_PROFILES: Final = "app.bsky.actor.getProfiles"
GET_PROFILE: Final = "app.bsky.actor.getProfile"
GET_POSTS: Final = "app.bsky.feed.getPosts"
GET_RELATIONSHIPS: Final = "app.bsky.graph.getRelationships"
_MOST_ACTORS: Final = 25
_MOST_OTHERS: Final = 30

is_did = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]*[A-Za-z0-9._-]").fullmatch
is_record_uri = re.compile(r"at://did:[a-z]+:[A-Za-z0-9._:%-]+/[A-Za-z0-9.-]+/[A-Za-z0-9._:~-]+").fullmatch
is_handle = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*").fullmatch


@dataclass(frozen=True, slots=True)
class AppViewRequest:
    """One request: its path and query as sent, its parameters, and the fault that it meets."""

    request: str
    params: Mapping[str, Sequence[str]]
    accept_labelers: str | None
    kind: FaultKind | None

    def every(self, parameter: str) -> Sequence[str]:
        """All values of a parameter that may be repeated."""
        return self.params.get(parameter, ())

    def first(self, parameter: str) -> str:
        """The value of a parameter, empty when it is missing."""
        return next(iter(self.every(parameter)), "")


class AppView:
    """Answers about profiles and posts at the time of its world."""

    def __init__(self, world: BlueskyWorld, faults: FaultPlan) -> None:
        self._world = world
        self._faults = faults
        self._heard: dict[str | None, HeardLabelers] = {}
        self._lasting: dict[str, FaultKind] = {}
        self._nobody = False
        self.moved(world.now)

    def moved(self, now: datetime) -> None:
        """The world has moved to `now`."""
        self._lasting.clear()
        # All of one minute, so that the questions that follow a batch meet the same app view.
        minute = now.replace(second=0, microsecond=0)
        self._nobody = self._faults.of(minute, "the app view") is FaultKind.ALL_NOT_FOUND

    def profiles(self, asked: AppViewRequest) -> SimulatedReply:
        """Accounts that are not visible are left out without a word; order and duplicates are kept."""
        actors = asked.every("actors")
        refused = self._refused(GET_PROFILES, "actors", actors, _MOST_ACTORS)
        if refused is not None:
            return refused
        return self._shown(asked, [self._world.did_of(actor) or "" for actor in actors], b"profiles")

    def posts(self, asked: AppViewRequest) -> SimulatedReply:
        """Posts that are not visible are left out without a word, and each is there once (documented)."""
        uris = asked.every("uris")
        if not uris:
            return bad_request(GET_POSTS, 'Missing required key "uris"')
        if len(uris) > _MOST_ACTORS:
            return bad_request(GET_POSTS, f"array too big (maximum {_MOST_ACTORS}, got {len(uris)})")
        odd = next((uri for uri in uris if not is_record_uri(uri)), None)
        if odd is not None:
            return bad_request(GET_POSTS, f'Invalid at-uri (got "{odd}")')
        return self._shown(asked, list(dict.fromkeys(uris)), b"posts")

    def _shown(self, asked: AppViewRequest, native_ids: Sequence[str], name: bytes) -> SimulatedReply:
        now, heard = self._world.now, self._all_heard(asked)
        said: list[bytes | None] = []
        if not self._nobody:
            looked_up = self._world.look_up(native_ids, self._serving(heard, asked.kind))
            found = zip(native_ids, looked_up, strict=True)
            said = [None if self._is_lied_about(native_id) else shown for native_id, shown in found]
        if said and asked.kind is not None:
            hit = self._faults.victim(now, asked.request, len(native_ids))
            said[hit : hit + 1] = twisted(asked.kind, said[hit])
            if asked.kind in LASTING:
                self._lasting[native_ids[hit]] = asked.kind
        body = b'{"%s":[%s]}' % (name, b",".join([shown for shown in said if shown is not None]))
        return SimulatedReply(200, body, {"atproto-content-labelers": heard.header}, JSON)

    def profile(self, asked: AppViewRequest) -> SimulatedReply:
        """One account, or the reason why it is not shown."""
        refused = self._refused(GET_PROFILE, "actor", asked.every("actor")[:1], 1)
        if refused is not None:
            return refused
        did = self._world.did_of(asked.first("actor"))
        if did is None:
            return answer(400, payloads.PROFILE_NOT_FOUND)
        kind = self._lasting.get(did, asked.kind)
        if kind is FaultKind.ODD_ERROR:
            return answer(400, payloads.UNDER_REVIEW)
        if kind is FaultKind.CONTRADICTORY or self._nobody or self._is_lied_about(did):
            return answer(400, payloads.PROFILE_NOT_FOUND)
        heard = self._all_heard(asked)
        (profile,) = self._world.look_up([did], self._serving(heard, kind))
        if profile is None:
            return answer(400, _why_hidden(self._world.standing(did)))
        body = odd_labels(profile) if kind is FaultKind.ODD_WITHHELD else profile
        return SimulatedReply(200, body, {"atproto-content-labelers": heard.header}, JSON)

    def relationships(self, asked: AppViewRequest) -> SimulatedReply:
        """Who follows whom between an actor and others; a follow of a vanished account is still there."""
        others = asked.every("others")
        refused = self._refused(GET_RELATIONSHIPS, "actor", asked.every("actor")[:1], 1)
        if refused is None and others:
            refused = self._refused(GET_RELATIONSHIPS, "others", others, _MOST_OTHERS)
        if refused is not None:
            return refused
        did = self._world.did_of(asked.first("actor"))
        if did is None:
            return answer(400, payloads.ACTOR_NOT_FOUND)
        follows = self._follows(did)
        found: list[dict[str, object]] = []
        for other in others:
            other_did = self._world.did_of(other)
            if other_did is None:
                found.append(payloads.unknown_actor(other))
            else:
                back = self._follows(other_did).get(did)
                found.append(payloads.relationship(other_did, follows.get(other_did), back))
        return answer(200, {"actor": did, "relationships": found})

    def _refused(
        self, method: str, parameter: str, actors: Sequence[str], most: int
    ) -> SimulatedReply | None:
        """The answer to a request that names no account, too many, or one that cannot be."""
        if not actors:
            return bad_request(method, f'Missing required key "{parameter}"')
        if len(actors) > most:
            return bad_request(method, f"array too big (maximum {most}, got {len(actors)})")
        for actor in actors:
            if actor not in self._world and not is_did(actor) and not is_handle(actor):
                return bad_request(method, f'Invalid AT identifier (got "{actor}")')
        return None

    def _hearing(self, header: str | None) -> HeardLabelers:
        """Who is heard. The header replaces the default, and labelers that nobody knows are ignored."""
        heard = self._heard.get(header)
        if heard is None:
            known = {self._world.main_labeler, *self._world.regional}
            wanted = f"{self._world.main_labeler};redact" if header is None else header
            items = (item.strip().partition(";") for item in wanted.split(","))
            found = {did: option.strip() == "redact" for did, _, option in items if did in known}
            heard = self._heard[header] = HeardLabelers(tuple(found.items()))
        return heard

    def _all_heard(self, asked: AppViewRequest) -> HeardLabelers:
        """Who is heard in this answer: LABELER_SILENT leaves out one regional labeler."""
        heard = self._hearing(asked.accept_labelers)
        regional = [did for did, _ in heard.labelers if did in self._world.regional]
        if asked.kind is not FaultKind.LABELER_SILENT or not regional:
            return heard
        silent = regional[self._faults.victim(self._world.now, asked.request, len(regional))]
        return HeardLabelers(tuple(one for one in heard.labelers if one[0] != silent))

    def _serving(self, heard: HeardLabelers, kind: FaultKind | None) -> HeardLabelers:
        """Whose labels are in the answer: LABELS_DROPPED leaves out those of all regional labelers."""
        if kind is not FaultKind.LABELS_DROPPED:
            return heard
        return HeardLabelers(tuple(one for one in heard.labelers if one[0] not in self._world.regional))

    def _is_lied_about(self, native_id: str) -> bool:
        return self._faults.lies and self._faults.lied_about(self._world.now, native_id)

    def _follows(self, did: str) -> dict[str | None, str]:
        acts = self._world.records(did, COLLECTIONS[SignalKind.FOLLOW])
        return {act.target_id: payloads.record_uri(act) for act in acts}


def bad_request(method: str, what: str) -> SimulatedReply:
    """The answer to a request that is wrong in itself."""
    return answer(400, payloads.invalid(method, what))


def _why_hidden(standing: HostingStatus) -> Mapping[str, str]:
    """Active accounts are hidden by a labeler, which reads like a takedown at the server."""
    match standing:
        case HostingStatus.DELETED | HostingStatus.UNREGISTERED:
            return payloads.PROFILE_NOT_FOUND
        case HostingStatus.DEACTIVATED:
            return payloads.ACCOUNT_DEACTIVATED
        case _:
            return payloads.ACCOUNT_TAKEDOWN
