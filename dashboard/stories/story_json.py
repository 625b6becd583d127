"""A story with its figures as data, and the hash that it is cited by."""

import hashlib
import json
from datetime import UTC, datetime

from dashboard.stories.reader import StoryRead
from dashboard.wire.compact_json import Json
from storage.model.stories.causes import causes_between
from storage.model.stories.figures import FreshnessCount, MomentFigures, Noticed, changes_between
from storage.model.stories.stories import Caption, WrittenStory
from storage.model.text.target_counts import Noun


def head_json(story: WrittenStory) -> Json:
    """What somebody wrote, without any figure."""
    return {
        "story_id": story.story_id,
        "title": story.head.title,
        "list_id": story.head.list_id,
        "list": story.list_name,
        "accounts": story.count.accounts,
        "posts": story.count.posts,
        "from": _time(story.head.since),
        "to": _time(story.head.until),
        "view": story.head.view.value,
        "as_known_at": _time(story.head.known_at),
        "late_after_s": round(story.late_after.total_seconds()),
        "version": story.version,
        "written_at": _time(story.written_at),
        "written_by": story.written_by,
        "changed_at": _time(story.changed_at),
        "changed_by": story.changed_by,
        "captions": [_caption(c) for c in story.captions],
    }


def _caption(caption: Caption) -> Json:
    return {"caption_id": caption.caption_id, "at": _time(caption.at), "text": caption.text}


def story_json(read: StoryRead) -> Json:
    """Everything that the file of a story tells, and `sha256` of the rest as `canonical` writes it."""
    data = _data(read)
    return {**data, "sha256": hashlib.sha256(canonical(data)).hexdigest()}


def canonical(data: Json) -> bytes:
    """Keys in order, no spaces, ASCII."""
    return json.dumps(data, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()


def _data(read: StoryRead) -> Json:
    story = read.story
    after = [story.head.since, *(c.at for c in story.captions)]
    return {
        **head_json(story),
        "told_as_known_at": None if story.is_settled else _time(read.now),
        "synthetic": read.synthetic,
        "captions": [
            {
                **_caption(c),
                **_both(read, c.at),
                "changes": [_change(n) for n in changes_between(read.facts, since, c.at, read.known(c.at))],
                "causes": _causes(read, since, c.at),
            }
            for c, since in zip(story.captions, after, strict=False)
        ],
        "causes": _causes(read, story.head.since, story.head.until),
        "at_the_end": _both(read, story.head.until),
        "members": [
            {
                "account_id": s.account_id,
                "platform": s.platform.value,
                "native_id": s.native_id,
                "handle": s.handle,
                "post": s.is_post,
                "on_file_since": _time(s.added_at),
            }
            for s in read.facts.subjects
        ],
    }


def _both(read: StoryRead, at: datetime) -> Json:
    """The figures of a moment. Numbers under `posts` count posts, all others accounts."""
    posts = _figures(read.figures(at, "post")) if read.story.posts else None
    return {"as_known_at": _time(read.figures(at).known_at), **_figures(read.figures(at)), "posts": posts}


def _figures(found: MomentFigures) -> Json:
    noun = found.noun
    return {
        f"{noun}s": found.accounts,
        "not_on_file_yet": found.to_come,
        "not_checked": found.late,
        "nothing_confirmed": found.unconfirmed,
        "provisional": found.provisional,
        "blocked": _count(found.blocked, noun),
        "withheld": _count(found.withheld, noun),
        "suspended": _count(found.suspended, noun),
        "restored": _count(found.restored, noun),
        "withheld_in": {country: _count(n, noun) for country, n in found.countries},
    }


def _count(found: FreshnessCount, noun: Noun) -> Json:
    return {f"{noun}s": found.accounts, "last_known_only": found.late}


def _change(found: Noticed) -> Json:
    return {
        "account_id": found.account_id,
        "post": found.is_post,
        "kind": found.kind.value,
        "status": found.state.status.value,
        "withheld_in": list(found.state.withheld_in),
        "last_seen_old": _time(found.last_seen_old),
        "first_seen_new": _time(found.first_seen_new),
    }


def _causes(read: StoryRead, after: datetime, until: datetime) -> list[Json]:
    """Those blocked or gone between two moments, by the surest cause that is stated; null: none is."""
    return [
        {
            "accounts": one.count if one.noun == "account" else 0,
            "posts": one.count if one.noun == "post" else 0,
            "cause": None
            if one.text is None
            else {
                "kind": one.text.kind.value,
                "legal_basis": one.text.legal_basis,
                "said_by": one.text.said_by.value,
                "speaker": one.text.speaker,
                "source": one.text.source,
                "stated_on": _time(one.text.stated_on),
                "confidence": one.text.confidence.value,
                "disputed_by": one.text.disputed_by,
            },
        }
        for one in causes_between(read.facts, after, until, read.known(until))
    ]


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
