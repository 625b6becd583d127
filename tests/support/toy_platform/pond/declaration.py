"""What Pond declares about itself."""

import re

from storage.model.core.accounts import Platform
from storage.model.core.availability import Status
from storage.model.core.signals import NotObservable, SignalKind
from storage.model.evidence.decisive import Decisive
from storage.model.platforms.declaration import PlatformDeclaration, Terms

POND = Platform("pond")


class PondDeclaration(PlatformDeclaration):
    name = "Pond"
    id_example = "pond:00000000000000000042"
    handle_example = "frog"
    handle_form = re.compile(r"[a-z0-9_]{1,30}")
    handles_name_the_platform = False
    statuses = frozenset({Status.AVAILABLE, Status.WITHHELD, Status.SUSPENDED, Status.NOT_FOUND})
    decisive = Decisive(frozenset({"state", "in"}), {})
    not_observable = tuple(
        NotObservable(kind, "not observable", "Pond shows nobody's engagements.") for kind in SignalKind
    )
    terms = Terms(batch=50, cpu_s_per_request=0.001, memory_per_account=1_000, own_pace_s=5)
    address_settings = ("pond_base_url",)

    def is_native_id(self, text: str) -> bool:
        return re.fullmatch(r"pond:[0-9]{20}", text) is not None


DECLARATION = PondDeclaration()
