"""Who is let in to the dashboard: what the settings say of it, and what they lack."""

from urllib.parse import urlsplit

from dashboard.asgi.security_headers import is_loopback
from dashboard.asgi.settings import Login, Provider
from jobs.config.settings import Settings, SettingsError
from storage.model.core.people import Role


def require_login(settings: Settings) -> None:
    """Raise SettingsError where nobody said how people log in, and where other machines need no login."""
    if settings.auth is None:
        raise SettingsError(
            'Setting auth is missing: say auth = "password" for a login, or auth = "none" to serve the '
            f"dashboard without one on {settings.host if settings.is_loopback else '127.0.0.1'}."
        )
    if settings.auth == "none" and not settings.is_loopback:
        raise SettingsError(
            f"Setting host: {settings.host} can be reached by other machines, and without a login the "
            'dashboard is served on 127.0.0.1 only; say auth = "password" and make an admin with: '
            "blockline users add NAME --role admin"
        )
    if settings.auth == "oidc":
        _provider(settings)


def login_of(settings: Settings) -> Login | None:
    """How people log in; None: not at all. Raises SettingsError."""
    if settings.auth in {None, "none"}:
        return None
    return Login(settings.dashboard_url, _provider(settings) if settings.auth == "oidc" else None)


def doubts_about_login(settings: Settings, admins: int) -> list[str]:
    """What whoever starts the dashboard should know of its login, a sentence each."""
    login, said = login_of(settings), list[str]()
    if login is None:
        if not is_loopback(urlsplit(settings.dashboard_url).hostname or ""):
            said.append(
                f"Whoever gets an answer under {settings.dashboard_url} may do what {settings.role} may, "
                'without a login: say auth = "password", or let the proxy ask who it is.'
            )
        return said
    made_by_provider = login.provider is not None and Role.ADMIN in login.provider.roles.values()
    if not admins and not made_by_provider:
        said.append(
            "Nobody may say who may do what yet. Make an admin: blockline users add NAME --role admin"
        )
    host = urlsplit(login.url).hostname or ""
    if not login.is_secure and not is_loopback(host):
        said.append(
            f"Passwords go to {login.url} unencrypted: put a proxy with TLS before the dashboard and set "
            "dashboard_url to its https address."
        )
    if settings.is_loopback and not is_loopback(host) and not settings.trusted_proxies:
        said.append(
            "Everybody shares the address of the proxy, so that 30 wrong passwords of a stranger keep all "
            'from logging in: name it in trusted_proxies, as in trusted_proxies = ["127.0.0.1"].'
        )
    if not settings.is_loopback and is_loopback(host):
        said.append(
            "Other machines get no answer: set dashboard_url to the address that they know the dashboard by."
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
            f"Setting oidc_issuer (in {settings.where('oidc_issuer')}): only an https address is believed."
        )
    if bool(settings.oidc_role_claim) != bool(settings.oidc_roles):
        raise SettingsError("Settings oidc_role_claim and oidc_roles: the one is nothing without the other.")
    roles = {value: Role(role) for value, role in settings.oidc_roles.items()}
    return Provider(issuer, client_id, secret.get_secret_value(), settings.oidc_role_claim, roles)
