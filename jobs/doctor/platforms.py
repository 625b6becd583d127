"""Check whether the platforms can be read: one request to each, from here and from each vantage point."""

import asyncio
from collections.abc import Sequence

import aiohttp

from collectors.bluesky.wire.regional_labelers import SHIPPED_REGIONS
from collectors.core.collector import Collector, CollectorAnswer, RequestFailure
from collectors.mastodon.collector import MastodonCollector
from collectors.x.collector import XCollector
from jobs.base.clock import Clock
from jobs.base.findings import Finding, FindingLevel
from jobs.base.wording import handle_name, number
from jobs.collect.collector_factory import collector_of, mastodon_collector, platforms_of
from jobs.config.settings import Settings, SettingsError
from jobs.config.values import Control
from storage.model.core.accounts import Platform
from storage.model.core.availability import MissedReason, State
from storage.model.text.states import PLATFORM_NAME, clean, short_words

_STREAM_WAIT_S = 10
_ADDRESS_SETTING = {
    Platform.X: "x_base_url",
    Platform.BLUESKY: "bluesky_app_view",
    Platform.MASTODON: "trusted_hosts",
}


def controls_part(platform: Platform) -> str:
    return f"{PLATFORM_NAME[platform]} control accounts"


async def platform_findings(settings: Settings, clock: Clock) -> list[Finding]:
    """Send one request to each platform that is read, for its control accounts in the settings, if any."""
    out: list[Finding] = []
    if settings.platforms is None and settings.x_bearer_token is None:
        said = "X is not read, because setting x_bearer_token is missing."
        out.append(Finding("X", FindingLevel.ADVICE, said))
    for platform in platforms_of(settings):
        try:
            collector = collector_of(settings, platform)
        except SettingsError as error:
            out.append(Finding(PLATFORM_NAME[platform], FindingLevel.MEND, str(error)))
            continue
        async with collector:
            if platform is Platform.MASTODON:
                out += await _mastodon(settings, collector, clock)
            else:
                out += await _central(settings, collector, clock)
    if Platform.BLUESKY in platforms_of(settings):
        out.append(await stream_finding(settings.bluesky_jetstream))
    for vantage in settings.vantages:
        out.append(await _vantage(settings, vantage, clock))
    return out


async def _central(settings: Settings, collector: Collector, clock: Clock) -> list[Finding]:
    """Check a platform with one central server."""
    platform = collector.platform
    part, controls = PLATFORM_NAME[platform], settings.canaries(platform)
    answer = await _asked(collector, controls, clock)
    if not answer.readings:
        return [Finding(part, FindingLevel.MEND, _refusal(settings, platform, answer))]
    out = [Finding(part, FindingLevel.OK, _answers(settings, collector))]
    if platform is Platform.BLUESKY:
        out.append(_labelers(settings, answer))
    return [*out, *_controls(platform, controls, answer)]


async def _asked(collector: Collector, controls: Sequence[Control], clock: Clock) -> CollectorAnswer:
    """Send one request for the control accounts, or else for accounts that are known to be stable."""
    stable = [one.native_id for one in await collector.candidates("", clock())] if not controls else []
    ids = [native_id for native_id, _, _ in controls] or stable
    return await collector.read(ids[: collector.batch_size], clock())


def _answers(settings: Settings, collector: Collector) -> str:
    if not isinstance(collector, XCollector):
        return f"{settings.bluesky_app_view} answers."
    left = next((w for w in collector.windows.values() if w.remaining is not None), None)
    limit = f"; {number(left.remaining or 0, 'lookup')} left in this window" if left is not None else ""
    return f"{settings.x_base_url} accepts the token{limit}."


def _labelers(settings: Settings, answer: CollectorAnswer) -> Finding:
    """Report for which countries the answer contained labels."""
    part = "Bluesky labelers"
    regions = SHIPPED_REGIONS if settings.bluesky_labelers is None else settings.bluesky_labelers
    if not regions:
        said = "Setting bluesky_labelers is empty, so restrictions by country are not observed."
        return Finding(part, FindingLevel.ADVICE, said)
    silent = sorted(frozenset[str]().union(*(reading.silent_on for reading in answer.readings)))
    heard = ", ".join(country for country in sorted(regions) if country not in silent) or "none"
    if silent:
        todo = "correct or remove their labelers in setting bluesky_labelers"
        said = f"Labels received for: {heard}. No labels for {', '.join(silent)}: {todo}."
        return Finding(part, FindingLevel.ADVICE, said)
    return Finding(part, FindingLevel.OK, f"Labels received for: {heard}.")


def _controls(platform: Platform, controls: Sequence[Control], answer: CollectorAnswer) -> list[Finding]:
    """Check that the control accounts in the settings have their expected status. Empty if there are none."""
    if not controls:
        return []
    states = {reading.native_id: reading.state for reading in answer.readings}
    wrong = [
        f"{handle_name(handle)} is {_found(platform, states.get(native_id))}, "
        f"not {expected.value.replace('_', ' ')}"
        for native_id, handle, expected in controls
        if (state := states.get(native_id)) is None or state.status is not expected
    ]
    part = controls_part(platform)
    if wrong:
        setting = f"{platform.value}_canaries"
        return [Finding(part, FindingLevel.MEND, f"{'; '.join(wrong)}: replace them in setting {setting}.")]
    return [Finding(part, FindingLevel.OK, f"{number(len(controls), 'account')}, all as expected.")]


def _found(platform: Platform, state: State | None) -> str:
    return "without an answer" if state is None else short_words(state, platform, None)


def _refusal(settings: Settings, platform: Platform, answer: CollectorAnswer) -> str:
    """Explain why nothing was read, with the fix."""
    reason, detail = answer.missed[0].reason, answer.missed[0].detail
    setting = _ADDRESS_SETTING[platform]
    match reason:
        case MissedReason.AUTH if platform is Platform.X:
            todo = "set x_bearer_token to a valid bearer token"
        case MissedReason.CREDITS | MissedReason.USAGE_CAPPED:
            todo = "buy credits or raise the cap in X's developer console"
        case MissedReason.ACCESS if platform is Platform.X:
            todo = "the app must belong to a project with access to API v2"
        case MissedReason.RATE_LIMITED:
            todo = "wait for the next window; another program may share the limit"
        case MissedReason.NETWORK:
            todo = f"check the network, the firewall and setting {setting}"
        case _:
            todo = f"try again; if it fails again, check setting {setting}"
    where = {Platform.X: settings.x_base_url, Platform.BLUESKY: settings.bluesky_app_view}
    name = where.get(platform, PLATFORM_NAME[platform])
    return f"{name} gave no reading ({_why(reason, detail)}): {todo}."


def _why(reason: MissedReason, detail: str) -> str:
    return reason.value + (f": {clean(detail, 160)}" if detail else "")


async def _mastodon(settings: Settings, collector: Collector, clock: Clock) -> list[Finding]:
    """Check the servers in the settings: those of control accounts, and the observers."""
    controls = settings.canaries(Platform.MASTODON)
    places: dict[str, list[Control]] = {}
    for control in controls:
        places.setdefault(collector.place(control[0]), []).append(control)
    out: list[Finding] = []
    for place, there in places.items():
        answer = await _asked(collector, there, clock)
        if answer.readings:
            out += _controls(Platform.MASTODON, there, answer)
        else:
            why = _why(answer.missed[0].reason, answer.missed[0].detail)
            todo = "check the network and setting trusted_hosts, or replace its accounts in mastodon_canaries"
            said = f"{clean(place)} gave no reading ({why}): {todo}."
            out.append(Finding(controls_part(Platform.MASTODON), FindingLevel.MEND, said))
    for observer in settings.mastodon_observers:
        out.append(await observer_finding(settings, observer, clock))
    if not out:
        said = "Not checked: no control accounts and no observers are set."
        out.append(Finding("Mastodon", FindingLevel.OK, said))
    return out


async def observer_finding(settings: Settings, observer: str, clock: Clock) -> Finding:
    """Check whether a server publishes which others it blocks."""
    part = f"observer {observer}"
    async with mastodon_collector(settings) as collector:
        said = await _blocks(collector, observer, clock)
    if said is None:
        return Finding(
            part, FindingLevel.OK, "The server answers and publishes the list of servers that it blocks."
        )
    if said.reason is MissedReason.ACCESS:
        words = (
            "The server answers, but does not publish which servers it blocks. Only its view of accounts is "
            "used."
        )
        return Finding(part, FindingLevel.ADVICE, words)
    todo = "if this continues, remove it from setting mastodon_observers"
    return Finding(
        part, FindingLevel.MEND, f"The server does not answer ({_why(said.reason, said.detail)}): {todo}."
    )


async def _blocks(collector: MastodonCollector, observer: str, clock: Clock) -> RequestFailure | None:
    """Return why the server did not publish its blocks; None if it did."""
    said = await collector.domain_blocks(observer, clock())
    return said if isinstance(said, RequestFailure) else None


async def stream_finding(url: str) -> Finding:
    """Check whether the stream of events can be reached, without reading from it."""
    part = "Bluesky events"
    if not url:
        return Finding(
            part, FindingLevel.OK, "Disabled by setting bluesky_jetstream. Changes are found by reading."
        )
    try:
        # With requireHello the server sends nothing before the client requests it.
        async with (
            asyncio.timeout(_STREAM_WAIT_S),
            aiohttp.ClientSession() as session,
            session.ws_connect(url, params={"requireHello": "true"}),
        ):
            return Finding(part, FindingLevel.OK, f"{url} answers.")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        why = clean(str(error) or type(error).__name__, 120)
    todo = "set bluesky_jetstream to another address; until then changes are found only by reading"
    return Finding(part, FindingLevel.ADVICE, f"{url} does not answer ({why}): {todo}.")


async def _vantage(settings: Settings, vantage: str, clock: Clock) -> Finding:
    """Check whether a platform can be read through the proxy of a vantage point."""
    part = f"vantage {vantage}"
    platforms = platforms_of(settings)
    platform = next((p for p in (Platform.BLUESKY, Platform.X) if p in platforms), None)
    try:
        if platform is None:
            return await _observed_from(settings, vantage, part, clock)
        async with collector_of(settings, platform, vantage) as collector:
            answer = await _asked(collector, (), clock)
    except SettingsError as error:
        return Finding(part, FindingLevel.MEND, str(error))
    if answer.readings:
        return Finding(part, FindingLevel.OK, f"{PLATFORM_NAME[platform]} was read through the proxy.")
    return _closed(part, PLATFORM_NAME[platform], answer.missed[0].reason, answer.missed[0].detail)


async def _observed_from(settings: Settings, vantage: str, part: str, clock: Clock) -> Finding:
    """Ask an observer through the proxy, where only Mastodon is read."""
    if not settings.mastodon_observers:
        return Finding(part, FindingLevel.OK, "Not checked: setting mastodon_observers names no server.")
    observer = settings.mastodon_observers[0]
    async with mastodon_collector(settings, vantage) as collector:
        said = await _blocks(collector, observer, clock)
    if said is None or said.reason is MissedReason.ACCESS:
        return Finding(part, FindingLevel.OK, f"{observer} answered through the proxy.")
    return _closed(part, observer, said.reason, said.detail)


def _closed(part: str, asked: str, reason: MissedReason, detail: str) -> Finding:
    todo = "check its address, user and password in setting vantages, and that it forwards requests"
    return Finding(
        part,
        FindingLevel.MEND,
        f"{asked} gives no reading through the proxy ({_why(reason, detail)}): {todo}.",
    )
