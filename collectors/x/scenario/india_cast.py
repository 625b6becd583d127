"""Pure: the invented accounts of the India 2021 scenario, and the lists they are on."""

from dataclasses import dataclass
from random import Random

from storage.model.core.availability import Status

ORDER_1 = "Order 1: 257 accounts"
ORDER_2 = "Order 2: 1,178 accounts"
LATE_REQUEST = "Request of 2 Feb: 62 accounts"
REPORTERS = "Reporters"
UNIONS = "Unions"
LOCAL_NEWS = "Local news"

NAMED_1 = 257
NAMED_2 = 1178
NAMED_LATE = 62

# X hands out numeric ids by the clock and will not reach this range before 2078: no id here is anybody's.
_FIRST_ID = 9_000_000_000_000_000_000
# X allows 15 characters in a handle, so no real account can ever have one of at least 16.
_SHORTEST_HANDLE = 16

_PRESS = (
    "field_reporter", "north_gate_live", "lane_nine_radio", "river_bank_daily", "tent_city_news",
    "student_gazette", "night_shift_press", "district_bulletin", "two_rupee_paper", "canal_road_video",
    "border_dispatch", "village_wire_desk", "evening_sheet_in", "slow_photo_work",
)  # fmt: skip
_UNION = (
    "union_desk_north", "mandi_notes_hq", "well_and_plough", "tractor_column", "harvest_log_book",
    "kisan_kitchen_co", "seed_and_soil_in", "grain_yard_talks", "ploughline_union", "canal_farmers_hq",
    "dairy_van_drivers", "sugar_belt_voice",
)  # fmt: skip
_PEOPLE = (
    "border_kitchen", "legal_camp_notes", "winter_march_log", "pamphlet_club_in", "road_diary_page",
    "milk_van_diaries", "rooftop_witness", "night_vigil_page", "cold_tea_stories", "brass_band_march",
    "blue_scooter_log", "third_tent_left", "blanket_drive_in", "langar_photo_page", "old_bus_stand",
    "library_on_wheels", "small_town_songs", "mustard_field_art",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CastMember:
    """One invented account, as it stands when the scenario begins."""

    native_id: str
    handle: str
    status: Status = Status.AVAILABLE


@dataclass(frozen=True, slots=True)
class Cast:
    """Who takes part. Orders 1 and 2 share nobody; the other lists overlap with them."""

    order_1: tuple[CastMember, ...]
    order_2: tuple[CastMember, ...]
    quiet: tuple[CastMember, ...]
    stable_canary: CastMember
    suspended_canary: CastMember
    chief: CastMember
    policy_head: CastMember
    members: tuple[tuple[str, tuple[CastMember, ...]], ...]
    """Each list with its people, in the order in which its list is made."""


class _Registry:
    """Hands out ids and handles, none of them twice."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._ids: set[int] = set()
        self._handles: set[str] = set()

    def person(self, stems: tuple[str, ...]) -> CastMember:
        while True:
            handle = f"{self._rng.choice(stems)}_{self._rng.randrange(2, 990)}"
            if len(handle) >= _SHORTEST_HANDLE and handle not in self._handles:
                return self.named(handle)

    def named(self, handle: str, status: Status = Status.AVAILABLE) -> CastMember:
        self._handles.add(handle)
        while (number := _FIRST_ID + self._rng.randrange(10**15)) in self._ids:
            pass
        self._ids.add(number)
        return CastMember(str(number), handle, status)


def cast(rng: Random) -> Cast:
    """The whole cast: 257 + 1,178 accounts under order, 300 quiet ones, two controls, two executives."""
    registry = _Registry(rng)
    order_1, press_1, union_1 = _mixed(rng, registry, NAMED_1, press=70, union=95)
    order_2, press_2, union_2 = _mixed(rng, registry, NAMED_2, press=190, union=330)
    quiet_press = tuple(registry.person(_PRESS) for _ in range(120))
    quiet_union = tuple(registry.person(_UNION) for _ in range(110))
    quiet_local = tuple(registry.person(_PRESS + _PEOPLE) for _ in range(70))
    return Cast(
        order_1=order_1,
        order_2=order_2,
        quiet=quiet_press + quiet_union + quiet_local,
        stable_canary=registry.named("control_account_stable"),
        suspended_canary=registry.named("control_account_suspended", Status.SUSPENDED),
        chief=registry.named("invented_chief_executive"),
        policy_head=registry.named("invented_policy_head"),
        members=(
            (REPORTERS, quiet_press + press_1[:40] + press_2[:100]),
            (UNIONS, quiet_union + union_1[:60] + union_2[:105]),
            (LOCAL_NEWS, quiet_local),
            (ORDER_1, order_1),
            (ORDER_2, order_2),
            (LATE_REQUEST, tuple(rng.sample(order_1, NAMED_LATE))),
        ),
    )


def _mixed(
    rng: Random, registry: _Registry, total: int, *, press: int, union: int
) -> tuple[tuple[CastMember, ...], tuple[CastMember, ...], tuple[CastMember, ...]]:
    """The accounts of one order in no particular order, with its reporters and its unionists apart."""
    reporters = tuple(registry.person(_PRESS) for _ in range(press))
    unionists = tuple(registry.person(_UNION) for _ in range(union))
    others = tuple(registry.person(_PEOPLE) for _ in range(total - press - union))
    everyone = list(reporters + unionists + others)
    rng.shuffle(everyone)
    return tuple(everyone), reporters, unionists
