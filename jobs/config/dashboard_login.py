"""The login of the dashboard: what the settings say about it, and what they lack."""

from urllib.parse import urlsplit

from dashboard.asgi.security_headers import is_loopback
from dashboard.asgi.settings import Login, Provider
from jobs.config.settings import Settings, SettingsError
from storage.model.core.people import Role


def require_login(settings: Settings) -> None:
    """Raise SettingsError if `auth` is missing, or if other machines would need no login."""
    if settings.auth is None:
        raise SettingsError(
            'Setting auth is missing. Set auth = "password" for a login, or auth = "none" to serve the '
            f"dashboard without a login on {settings.host if settings.is_loopback else '127.0.0.1'}."
        )
    if settings.auth == "none" and not settings.is_loopback:
        raise SettingsError(
            f"Setting host: other machines can reach {settings.host}, but a dashboard without a login is "
            'served on 127.0.0.1 only. Set auth = "password", and add an admin with: '
            "blockline users add NAME --role admin"
        )
    if settings.auth == "oidc":
        _provider(settings)
    if settings.auth == "none" and settings.second_factor_role is not None:
        raise SettingsError(
            f"Setting second_factor_role (in {settings.where('second_factor_role')}) needs a login. Set "
            'auth = "password" or "oidc", or remove second_factor_role.'
        )


def login_of(settings: Settings) -> Login | None:
    """How people log in; None means without a login. Raises SettingsError."""
    if settings.auth in {None, "none"}:
        return None
    return Login(
        settings.dashboard_url,
        _provider(settings) if settings.auth == "oidc" else None,
        None if settings.second_factor_role is None else Role(settings.second_factor_role),
    )


def doubts_about_login(settings: Settings, admins: int) -> list[str]:
    """Return warnings about the login of the dashboard, a sentence each; empty if there are none."""
    login, said = login_of(settings), list[str]()
    if login is None:
        if not is_loopback(urlsplit(settings.dashboard_url).hostname or ""):
            said.append(
                f"Anyone who can reach {settings.dashboard_url} has the role {settings.role} without login. "
                'Set auth = "password", or have the proxy require a login.'
            )
        return said
    made_by_provider = login.provider is not None and Role.ADMIN in login.provider.roles.values()
    if not admins and not made_by_provider:
        said.append("No admin can manage people yet. Add one with: blockline users add NAME --role admin")
    host = urlsplit(login.url).hostname or ""
    if not login.is_secure and not is_loopback(host):
        said.append(
            f"Passwords go to {login.url} unencrypted. Put a proxy with TLS in front of the dashboard, and "
            "set dashboard_url to its https address."
        )
    if settings.is_loopback and not is_loopback(host) and not settings.trusted_proxies:
        said.append(
            "All users share the address of the proxy, so 30 wrong passwords of a stranger lock everyone "
            'out. Name the proxy, as in trusted_proxies = ["127.0.0.1"].'
        )
    if not settings.is_loopback and is_loopback(host):
        said.append(
            "Other machines get no answer. Set dashboard_url to the address under which they reach the "
            "dashboard."
        )
    return said


def _provider(settings: Settings) -> Provider:
    issuer, client_id, secret = (
        settings.oidc_issuer,
        settings.oidc_client_id,
        settings.oidc_client_secret,
    )
    if issuer is None or client_id is None or secret is None:
        raise SettingsError(
            f'Setting auth (in {settings.where("auth")}): "oidc" needs oidc_issuer, oidc_client_id and '
            "oidc_client_secret."
        )
    if not issuer.startswith("https://") and not is_loopback(urlsplit(issuer).hostname or ""):
        raise SettingsError(
            f"Setting oidc_issuer (in {settings.where('oidc_issuer')}): the address must start with https://."
        )
    if bool(settings.oidc_role_claim) != bool(settings.oidc_roles):
        raise SettingsError("Set both oidc_role_claim and oidc_roles, or neither.")
    roles = {value: Role(role) for value, role in settings.oidc_roles.items()}
    return Provider(issuer, client_id, secret.get_secret_value(), settings.oidc_role_claim, roles)
