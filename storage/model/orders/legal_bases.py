"""Pure: the legal bases that orders often have, each with a sentence about it and its country.

An order may have any other basis. The sentences are of November 2026 and come from:

- India, Section 69A and Section 79(3)(b): indianexpress.com, article 9957698 (130 notices through Sahyog);
  sflc.in/content-takedown-through-the-sahyog-portal.
- Turkey, Article 8/A: ELIG, "National security as legal basis for broad access bans",
  internationallawoffice.com (the law of 2015). Article 9: mondaq.com/turkey/x/787678; bianet.org, 8 February
  2024, article 291575.
- DSA: Regulation (EU) 2022/2065, Article 9 and recital 31, which says that the legal basis is elsewhere.
- Russia: 398-fz.rkn.gov.ru/en (the register of Articles 15.3 to 15.3-2); a4lawfirm.ru, "How to avoid site
  blocking?".
- Pakistan: brecorder.com, article 40027714; dawn.com, article 1506656.
- Brazil: Law 12.965 of 2014, Article 19, in cyberlaw.stanford.edu/wilmap-brazil.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LegalBasis:
    """A legal basis that a form offers."""

    name: str
    """What is stored as the legal basis of the order."""
    country: str | None
    """The country of every order with this basis; None where it depends on who issued the order."""
    about: str
    """One sentence for a reader who does not know it."""


LEGAL_BASES = (
    LegalBasis(
        "Section 69A IT Act",
        "IN",
        "Orders of India's central government to block access, for a limited set of reasons such as national "
        "security and public order.",
    ),
    LegalBasis(
        "Section 79(3)(b) IT Act (Sahyog)",
        "IN",
        "Notices of India's central or state governments: an intermediary that does not act on one can lose "
        "its protection from liability for what its users post.",
    ),
    LegalBasis(
        "Law 5651, Article 8/A",
        "TR",
        "Removals and access bans for reasons such as national security and public order, to be carried out "
        "within four hours of the notification.",
    ),
    LegalBasis(
        "Law 5651, Article 9",
        "TR",
        "Access bans for violations of personal rights; Turkey's Constitutional Court called the violations "
        "that arise from it a structural problem.",
    ),
    LegalBasis(
        "DSA Article 9",
        None,
        "Orders of a national court or authority in the EU against specific illegal content; Article 9 sets "
        "what they must contain, and another law is their basis.",
    ),
    LegalBasis(
        "Federal Law 149-FZ",
        "RU",
        "Russia's law on information, with a register of what is blocked; Roskomnadzor enters sites in it.",
    ),
    LegalBasis(
        "PECA Section 37",
        "PK",
        "The power of the Pakistan Telecommunication Authority to block or remove unlawful online content.",
    ),
    LegalBasis(
        "Court order (Brazil)",
        "BR",
        "A specific court order to make content unavailable; Article 19 of the Marco Civil da Internet (Law "
        "12.965 of 2014) says when a provider is liable.",
    ),
)


def basis_called(name: str) -> LegalBasis | None:
    """Return the listed basis of a name; None for any other."""
    return next((basis for basis in LEGAL_BASES if basis.name == name), None)
