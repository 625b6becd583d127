"""The installed platforms: what each package declares, and how to get at its other parts.

The entry point of a platform names its package. The package has a module `declaration` with `DECLARATION`;
other folders find their own parts in it by the same rule.
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TypeVar

from storage.model.core.accounts import PLATFORM_ENTRIES, Platform
from storage.model.platforms.declaration import PlatformDeclaration

T = TypeVar("T")


def part(platform: Platform, module: str, kind: type[T]) -> T:
    """The object of a platform's package that stands in `module` under the module's name in capitals.

    Raises TypeError if it is none of `kind`, and ImportError or AttributeError if there is none.
    """
    package = PLATFORM_ENTRIES[platform.value].value
    found = getattr(import_module(f"{package}.{module}"), module.rpartition(".")[2].upper())
    if not isinstance(found, kind):
        raise TypeError(f"{package}.{module}, of the platform {platform.value}, is no {kind.__name__}")
    return found


DECLARED: Mapping[Platform, PlatformDeclaration] = MappingProxyType(
    # What a declaration leaves out is abstract, so that it fails here and not when it is needed.
    {platform: part(platform, "declaration", PlatformDeclaration) for platform in Platform}  # pyright: ignore[reportAbstractUsage]
)
"""What each platform declares about itself."""

USUAL_PLATFORM = next(platform for platform, declared in DECLARED.items() if declared.is_usual)
"""The platform of tables and handles that name none."""
