"""What a provider says of a person, and what follows from it. Pure."""

from collections.abc import Mapping
from typing import Any, cast

from dashboard.asgi.settings import Provider
from storage.model.core.people import Role


class LoginRefused(Exception):
    """Somebody cannot be logged in. The message is one sentence for whoever tries."""


def role_in(claims: Mapping[str, Any], provider: Provider) -> Role | None:
    """The highest role that the claim of the settings gives; None where roles are given here.

    Raises NotLetIn when the settings name a claim and it gives none.
    """
    if provider.role_claim is None:
        return None
    said = claims.get(provider.role_claim)
    values = cast("list[object]", said) if isinstance(said, list) else [said]
    found = [provider.roles[value] for value in values if isinstance(value, str) and value in provider.roles]
    if not found:
        raise LoginRefused("Your organisation’s account gives you no role here: ask who runs Blockline.")
    return max(found, key=list(Role).index)


def names_in(claims: Mapping[str, Any]) -> tuple[list[str], str]:
    """Names to log in under, the best first, and the name that people read, if there is one.

    A mail address counts only if the provider has not said that it was never checked.
    """
    fields = ["preferred_username", "email", "sub"]
    if claims.get("email_verified") is False:
        fields.remove("email")
    logins = [value for field in fields if isinstance(value := claims.get(field), str)]
    name = claims.get("name")
    return logins, name if isinstance(name, str) else ""
