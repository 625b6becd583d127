"""The installed platforms: what each package declares, and how to get at its other parts.

The entry point of a platform names its package. The package has a module `declaration` with `DECLARATION`;
other folders find their own parts in it by the same rule.
"""

import re
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TypeVar

from storage.model.core.accounts import PLATFORM_ENTRIES, Platform
from storage.model.platforms.declaration import PlatformDeclaration

T = TypeVar("T")
_KEY = re.compile(r"[a-z]{1,20}")
_NEEDED = ("name", "id_example", "handle_example", "handle_form", "terms", "address_settings")


def part(platform: Platform, module: str, kind: type[T]) -> T:
    """The object of a platform's package that stands in `module` under the module's name in capitals.

    Raises TypeError if it is none of `kind`, and ImportError or AttributeError if there is none.
    """
    package = PLATFORM_ENTRIES[platform.value].value
    found = getattr(import_module(f"{package}.{module}"), module.rpartition(".")[2].upper())
    if not isinstance(found, kind):
        raise TypeError(f"{package}.{module}, of the platform {platform.value}, is no {kind.__name__}")
    return found


def _declared() -> Mapping[Platform, PlatformDeclaration]:
    """Load all declarations. Raises ImportError with a sentence if an installed platform cannot be used."""
    if not PLATFORM_ENTRIES:
        raise ImportError("No platform is installed. Install Blockline again; in a checkout: make install")
    # What has no usual value is missed here, and not when it is needed.
    declared = {p: part(p, "declaration", PlatformDeclaration) for p in Platform}  # pyright: ignore[reportAbstractUsage]
    for platform, one in declared.items():
        if not _KEY.fullmatch(platform.value) or platform.value == "all":
            raise ImportError(
                f"{platform.value!r} cannot be the key of a platform: use 1 to 20 small letters."
            )
        missing = [name for name in _NEEDED if not hasattr(one, name)]
        if missing:
            raise ImportError(f"The platform {platform.value} does not declare {', '.join(missing)}.")
    if len([one for one in declared.values() if one.is_usual]) != 1:
        raise ImportError("Exactly one platform must be the usual one (is_usual).")
    return MappingProxyType(declared)


DECLARED = _declared()
"""What each platform declares about itself."""

FEDERATED = tuple(platform for platform, declared in DECLARED.items() if declared.is_federated)
"""The platforms of which anybody can run a server."""

LABEL_SETTINGS = tuple(declared.label_setting for declared in DECLARED.values() if declared.label_setting)
"""The settings that collect labels of countries' labelers, one per platform that has such labelers."""

USUAL_PLATFORM = next(platform for platform, declared in DECLARED.items() if declared.is_usual)
"""The platform of tables and handles that name none."""

MEASURED_DOMAINS = tuple(domain for declared in DECLARED.values() for domain in declared.measured_domains)
"""The domains by which others measure whether networks reach the platforms."""
