"""Pages to begin with: their placeholders, and what a merchant's details become in them."""

import dataclasses
import re
from collections.abc import Mapping

from app.core.errors import N_
from app.modules.cms.domain.markdown import escape_markdown
from app.modules.cms.domain.pages import PageText

SLUGS = ("terms", "privacy", "accessibility")
PLACEHOLDERS = frozenset({"merchant_name", "merchant_address", "merchant_contact", "data_authority", "accessibility_authority", "date"})
NO_CONTACT = N_("[Please add your e-mail address here]")
IN_COUNTRY: Mapping[str, str] = {"LU": N_("In Luxembourg: %(authority)s.")}
AUTHORITIES: Mapping[str, Mapping[str, str]] = {
    "LU": {
        "data_authority": (
            "Commission nationale pour la protection des données (CNPD), 15, boulevard du Jazz, L-4370 Belvaux, "
            "[cnpd.public.lu](https://cnpd.public.lu)"
        ),
        "accessibility_authority": (
            "Office de la surveillance de l’accessibilité des produits et services (OSAPS), "
            "[accessibilite-produits-services.public.lu](https://accessibilite-produits-services.public.lu)"
        ),
    }
}
"""Whom people turn to, in Markdown, by the two letters of the country: their official names, the same in every language."""
OTHER_AUTHORITIES: Mapping[str, str] = {
    "data_authority": N_("It is the data protection authority of your country."),
    "accessibility_authority": N_("It is the authority of your country that is responsible for the European Accessibility Act."),
}

_PLACEHOLDER = re.compile(r"\{\{([a-z_]+)\}\}")


@dataclasses.dataclass(frozen=True, slots=True)
class Business:
    """Whose pages they are: name, address on one line, e-mail address if there is one, country by its two letters."""

    name: str
    address: str
    email: str | None
    country: str


def fill_details(business: Business) -> dict[str, str]:
    """Return the placeholders that are the same in every language, escaped for Markdown; no contact where there is no address."""
    details = {"merchant_name": escape_markdown(business.name), "merchant_address": escape_markdown(business.address)}
    return details | ({"merchant_contact": f"<{business.email}>"} if business.email else {})


def fill_template(template: str, values: Mapping[str, str]) -> PageText:
    """Return the page that a template makes with `values`: its first line is the title. KeyError for an unknown placeholder."""
    head, _, body = template.partition("\n")
    filled = _PLACEHOLDER.sub(lambda match: values[match[1]], body)
    return PageText(head.removeprefix("# ").strip(), filled.strip())
