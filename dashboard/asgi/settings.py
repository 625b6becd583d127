"""The settings of the dashboard: it reads no environment and no clock by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from storage.model.core.accounts import Platform
from storage.model.core.late import gap_after, late_after
from storage.model.core.people import Role


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenID Connect provider that vouches for people."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    role_claim: str | None = None
    """What of its word decides the role. None: roles are given here, and everybody begins as a viewer."""
    roles: Mapping[str, Role] = field(default_factory=dict[str, Role])
    """Value of that claim = role. Who has none of them is not let in."""


@dataclass(frozen=True, slots=True)
class HashCost:
    """What one hash of a password takes, by argon2id: those of the library argon2-cffi, but in tests."""

    passes: int = 3
    memory_kib: int = 65536
    lanes: int = 4


@dataclass(frozen=True, slots=True)
class Login:
    """People have to log in."""

    url: str
    """The address that browsers know the dashboard by."""
    provider: Provider | None = None
    second_factor_role: Role | None = None
    """Users with this role or a higher one need a second factor to log in by password. None means no role."""
    hash_cost: HashCost = HashCost()

    def requires_second_factor(self, role: Role) -> bool:
        return self.second_factor_role is not None and role.includes(self.second_factor_role)

    @property
    def is_secure(self) -> bool:
        """Browsers come by TLS, so that they keep our cookies from everything else."""
        return self.url.startswith("https://")


@dataclass(frozen=True, slots=True)
class DashboardSettings:
    title: str
    """Name of the monitor, in the browser's title."""
    subtitle: str
    """One line beside the headline: what is watched."""
    synthetic: bool
    """The data is an invented scenario: every view says so."""
    sweep_every: timedelta
    """How often every account is read: decides what is late."""
    allowed_origins: tuple[str, ...] = ()
    """Origins besides the dashboard's own that may open its websocket, e.g. of a proxy that rewrites Host."""
    platforms: tuple[Platform, ...] | None = None
    """The platforms that are read; None: all. Accounts of others are not taken in."""
    keys: Mapping[Platform, str] = field(default_factory=dict[Platform, str])
    """The setting with the key of each platform that cannot be read without one."""
    missing_keys: frozenset[Platform] = frozenset()
    """Those of them whose key is not set for this process. A process that reads may have other settings."""
    role: Role = Role.ADMIN
    """What whoever reaches the dashboard may do where there is no login."""
    login: Login | None = None
    """None: no login, so that the dashboard must not be reached by anybody else's machine."""
    most_accounts: int = 50_000
    """With more watched accounts than this, the Live page gets those without a change as groups."""

    @property
    def gap_after(self) -> timedelta:
        return gap_after(self.sweep_every)

    @property
    def late_after(self) -> timedelta:
        return late_after(self.sweep_every)
