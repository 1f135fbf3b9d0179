"""Who gives the values of a mail, and who knows how a merchant's mails look: modules announce it once, in their definitions."""

from app.core.context import Ctx
from app.core.modules import load_attribute
from app.modules.messaging.domain.content import MailBrand, Provider, TemplateSpec
from app.modules.messaging.errors import UnknownTemplateException

_specs: dict[str, TemplateSpec] = {}
_brands: set[str] = set()


def register_template(spec: TemplateSpec) -> None:
    """Announce who gives the values of a mail. ValueError when another module already does.

    The variables are compared with those of the seeded template by a test, and at every sending.
    """
    known = _specs.get(spec.code)
    if known is not None and known != spec:
        raise ValueError(f"the mail template {spec.code} is registered twice")
    _specs[spec.code] = spec


def find_spec(code: str) -> TemplateSpec:
    """Return what is registered for the mail `code`; UnknownTemplateException when nothing is."""
    spec = _specs.get(code)
    if spec is None:
        raise UnknownTemplateException
    return spec


def find_provider(code: str) -> Provider:
    """Return the function that gives the values of the mail `code`; UnknownTemplateException when nobody registered it."""
    provider: Provider = load_attribute(find_spec(code).provider)
    return provider


def register_brand(provider: str) -> None:
    """Announce who knows how a merchant's mails look, for previews: the import path of `async def (ctx) -> MailBrand | None`.

    ValueError when another module already does.
    """
    if _brands - {provider}:
        raise ValueError("the look of mails is registered twice")
    _brands.add(provider)


def brand_provider() -> str | None:
    """Return the import path given to `register_brand`, or None."""
    return next(iter(_brands), None)


async def find_brand(ctx: Ctx) -> MailBrand | None:
    """Return how this merchant's mails look; None before there is something to know."""
    path = brand_provider()
    brand: MailBrand | None = await load_attribute(path)(ctx) if path else None
    return brand
