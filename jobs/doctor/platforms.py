"""Check whether the platforms can be read: one request to each, from here and from each vantage point."""

from collections.abc import Iterable, Sequence

from collectors.core.collector import Collector, CollectorAnswer, by_place
from collectors.core.findings import Finding, FindingLevel
from collectors.core.settings import Control
from collectors.transport.connection import PlatformConnection, why_words
from jobs.base.clock import Clock
from jobs.base.wording import handle_name, number
from jobs.collect.collector_factory import collector_of, connection_of, platforms_of, reach_of
from jobs.config.settings import Settings, SettingsError
from storage.model.core.accounts import Platform
from storage.model.core.availability import MissedReason, Reading, State
from storage.model.platforms.registry import DECLARED
from storage.model.text.states import PLATFORM_NAME, clean, short_words


def controls_part(platform: Platform) -> str:
    return f"{PLATFORM_NAME[platform]} control accounts"


async def platform_findings(settings: Settings, clock: Clock) -> list[Finding]:
    """Send one request to each platform that is read, for its control accounts in the settings, if any."""
    out: list[Finding] = []
    for platform in Platform if settings.platforms is None else ():
        if (key := settings.missing_key(platform)) is not None:
            name = PLATFORM_NAME[platform]
            said = f"{name} is not read, because setting {key} is missing."
            out.append(Finding(name, FindingLevel.ADVICE, said))
    for platform in platforms_of(settings):
        out += await _of_platform(settings, platform, clock)
    for vantage in settings.vantages:
        out.append(await _vantage(settings, vantage, clock))
    return out


async def _of_platform(settings: Settings, platform: Platform, clock: Clock) -> list[Finding]:
    connection, name = connection_of(platform), PLATFORM_NAME[platform]
    try:
        async with collector_of(settings, platform) as collector:
            if DECLARED[platform].is_federated:
                out = await _servers(settings, collector, clock)
            else:
                out = await _central(settings, connection, collector, clock)
    except SettingsError as error:
        out = [Finding(name, FindingLevel.MEND, str(error))]
    out += await connection.further_findings(settings, reach_of(settings), clock())
    nothing = f"Not checked: setting {platform.value}_canaries is empty, and no other server is named."
    return out or [Finding(name, FindingLevel.NOT_SET_UP, nothing)]


async def _central(
    settings: Settings, connection: PlatformConnection, collector: Collector, clock: Clock
) -> list[Finding]:
    """Check a platform with one central server, at each place of its control accounts."""
    platform = collector.platform
    part, controls = PLATFORM_NAME[platform], settings.canaries(platform)
    ids = [native_id for native_id, _, _ in controls]
    ids = ids or [one.native_id for one in await collector.candidates("", clock())]
    if not ids:
        return []
    places = by_place(collector, ids).values()
    answers = [await collector.read(there[: collector.batch_size], clock()) for there in places]
    for answer in answers:
        if not answer.readings:
            return [Finding(part, FindingLevel.MEND, _refusal(settings, connection, answer))]
    return [
        Finding(part, FindingLevel.OK, connection.answers(settings, collector)),
        *(finding for answer in answers for finding in connection.answer_findings(settings, answer)),
        *_controls(platform, controls, [reading for answer in answers for reading in answer.readings]),
    ]


async def _servers(settings: Settings, collector: Collector, clock: Clock) -> list[Finding]:
    """Check the servers of the control accounts in the settings, each for itself."""
    platform = collector.platform
    places: dict[str, list[Control]] = {}
    for control in settings.canaries(platform):
        places.setdefault(collector.place(control[0]), []).append(control)
    out: list[Finding] = []
    for place, there in places.items():
        ids = [native_id for native_id, _, _ in there]
        answer = await collector.read(ids[: collector.batch_size], clock())
        if answer.readings:
            out += _controls(platform, there, answer.readings)
        else:
            why = why_words(answer.missed[0].reason, answer.missed[0].detail)
            todo = (
                "check the network and setting trusted_hosts, or replace its accounts in "
                f"{platform.value}_canaries"
            )
            said = f"{clean(place)} gave no reading ({why}): {todo}."
            out.append(Finding(controls_part(platform), FindingLevel.MEND, said))
    return out


def _controls(platform: Platform, controls: Sequence[Control], readings: Iterable[Reading]) -> list[Finding]:
    """Check that the control accounts in the settings have their expected status. Empty if there are none."""
    if not controls:
        return []
    states = {reading.native_id: reading.state for reading in readings}
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


def _refusal(settings: Settings, connection: PlatformConnection, answer: CollectorAnswer) -> str:
    """Explain why nothing was read, with the fix."""
    reason, detail = answer.missed[0].reason, answer.missed[0].detail
    setting = connection.address_setting
    usual = {
        MissedReason.RATE_LIMITED: "wait for the next window; another program may share the limit",
        MissedReason.NETWORK: f"check the network, the firewall and setting {setting}",
    }
    last = f"try again; if it fails again, check setting {setting}"
    todo = connection.refused_to_do.get(reason, usual.get(reason, last))
    return f"{connection.address(settings)} gave no reading ({why_words(reason, detail)}): {todo}."


async def _vantage(settings: Settings, vantage: str, clock: Clock) -> Finding:
    """Check whether a platform can be read through the proxy of a vantage point."""
    part = f"vantage {vantage}"
    # One with a central server can be asked without an account of the user's.
    platforms = sorted(platforms_of(settings), key=lambda platform: DECLARED[platform].is_federated)
    if not platforms:
        return Finding(part, FindingLevel.NOT_SET_UP, "Not checked: no platform is read.")
    platform, name = platforms[0], PLATFORM_NAME[platforms[0]]
    try:
        said = await connection_of(platform).probe(settings, reach_of(settings, vantage), clock())
    except (SettingsError, ValueError) as error:
        return Finding(part, FindingLevel.MEND, str(error))
    if said is None:
        return Finding(part, FindingLevel.OK, f"{name} answered through the proxy.")
    if isinstance(said, str):
        return Finding(part, FindingLevel.NOT_SET_UP, said)
    todo = "check its address, user and password in setting vantages, and that it forwards requests"
    why = why_words(said.reason, said.detail)
    return Finding(part, FindingLevel.MEND, f"{name} gives no answer through the proxy ({why}): {todo}.")
