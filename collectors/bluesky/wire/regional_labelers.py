"""Pure: which labelers of Bluesky speak for which region: the list that is shipped, and its date.

Bluesky's own app forces the labeler of the viewer's country and hides there what it labels. The app
hard-codes the list and changes it without notice, so an installation can replace it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

MAIN_LABELER: Final = "did:plc:ar7c4by46qjdydhdevvrndac"
"""Bluesky's own moderation service, which speaks everywhere (documented)."""

SHIPPED_REGIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AU": "did:plc:dsynw7isrf2eqlhcjx3ffnmt",
        "BR": "did:plc:ekitcvx7uwnauoqy5oest3hm",
        "DE": "did:plc:r55ow3tocux5kafs5dq445fy",
        "ES": "did:plc:zlbbuj5nov4ixhvgl3bj47em",
        "EU": "did:plc:z57lz5dhgz2dkjogoysm3vut",
        "GB": "did:plc:gvkp7euswjjrctjmqwhhfzif",
        "IN": "did:plc:srr4rdvgzkbx6t7fxqtt6j5t",
        "JP": "did:plc:vhgppeyjwgrr37vm4v6ggd5a",
        "PK": "did:plc:zrp6a3tvprrsgawsbswbxu7m",
        "RU": "did:plc:crm2agcxvvlj6hilnjdc4hox",
        "TR": "did:plc:cquoj7aozvmkud2gifeinkda",
        "US": "did:plc:oz5zavafp7szpd2yyko57ccz",
    }
)
"""The DID of each region's labeler, put together on 2026-11-24. BR and DE were seen labelling in a public
archive (documented), US is in the app's source (documented), the others rest on one source (recalled).
"""

DEFAULT_LABEL_VALUES: Final = frozenset({"!hide", "!takedown", "!warn"})
"""Labels by which a regional labeler keeps an account from its region. Which of them the production
labelers use was not seen (recalled).
"""
