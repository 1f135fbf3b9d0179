"""The terms of a program: a page of the merchant where one is chosen, else the program's own text (requirements E1)."""

import uuid
from collections.abc import Iterable, Mapping

from app.core.context import Ctx
from app.modules.cms import public as cms
from app.modules.customers import public as customers
from app.modules.loyalty.domain.terms import TermsText, parse_own_version, parse_seen
from app.modules.loyalty.queries import programs
from app.modules.loyalty.queries.programs import Program
from app.modules.tenancy import public as tenancy


async def find_owning_store(ctx: Ctx, owning_store_id: uuid.UUID | None) -> tenancy.StoreView | None:
    """Return the store whose pages a program uses: the one it names, else the merchant's first; None before there is a store."""
    stores = await tenancy.list_stores(ctx, include_closed=True)
    named = next((store for store in stores if store.id == owning_store_id), None)
    return named or min(stores, key=lambda store: (store.created_at, store.id), default=None)


async def find_terms_page(ctx: Ctx, program: Program, locale: str, *, first_heading: int = 2) -> cms.PublishedPage | None:
    """Return the page of the program's terms in `locale`, or in another language that it has; None where the own text counts."""
    if program.terms_cms_page_slug is None:
        return None
    store = await find_owning_store(ctx, program.owning_store_id)
    if store is None:
        return None
    return await cms.find_published(ctx, store.id, program.terms_cms_page_slug, locale, first_heading=first_heading)


def seen_of(program: Program, page: cms.PublishedPage | None) -> str:
    """Return how a form says which text it shows: `page`, else the program's own."""
    return str(program.terms_version) if page is None else text_of(page).seen


def text_of(page: cms.PublishedPage) -> TermsText:
    """Return which text a page shows."""
    return TermsText(page.slug, page.version, page.locale)


async def find_accepted_text(ctx: Ctx, program: Program, *, seen: str | None, locale: str) -> tuple[str, str]:
    """Return how the consent names the text that somebody accepts, and its language.

    `seen` is what their form showed: it counts when the merchant did publish it, so that a text which is published anew
    meanwhile is not taken as accepted. Otherwise the text that counts now, in `locale` as far as there is one.
    """
    if program.terms_cms_page_slug is None:
        return str(parse_own_version(seen, latest=program.terms_version) or program.terms_version), locale
    shown = parse_seen(seen)
    if (
        shown is not None
        and shown.slug == program.terms_cms_page_slug
        and await cms.has_version(ctx, shown.slug, shown.version, shown.locale)
    ):
        return shown.text_version, shown.locale
    page = await find_terms_page(ctx, program, locale)
    return (str(program.terms_version), locale) if page is None else (text_of(page).text_version, page.locale)


async def find_accepted_pages(
    ctx: Ctx, consents: Iterable[customers.ConsentRecord], *, first_heading: int = 3
) -> Mapping[customers.ConsentRecord, cms.PublishedPage]:
    """Return for each of `consents` to a page of the merchant that page, in the version and language that was agreed to.

    Links within the text lead to pages of the caller's store, else of the merchant's first.
    """
    named = {consent: parse_seen(f"{consent.text_version}:{consent.locale}") for consent in consents}
    texts = {text for text in named.values() if text is not None}
    store = await find_owning_store(ctx, ctx.actor.store_id) if texts else None
    pages = {text: await cms.find_version(ctx, text.slug, text.version, text.locale, store, first_heading=first_heading) for text in texts}
    found = {consent: pages[text] for consent, text in named.items() if text is not None}
    return {consent: page for consent, page in found.items() if page is not None}


async def find_accepted_texts(ctx: Ctx, consents: Iterable[customers.ConsentRecord]) -> Mapping[customers.ConsentRecord, str]:
    """Return for each of `consents` to the program's own text of the terms what it said; "" where the standard sentence was shown."""
    named = {
        consent: (int(consent.text_version), consent.at)
        for consent in consents
        if consent.purpose is customers.ConsentPurpose.TERMS and consent.text_version.isascii() and consent.text_version.isdigit()
    }
    texts = await programs.find_terms_texts(ctx, set(named.values()))
    return {consent: texts[name] for consent, name in named.items() if name in texts}


async def is_page_used(ctx: Ctx, page_id: uuid.UUID) -> bool:
    """Return whether the live program shows this page as its terms."""
    program = await programs.find_program(ctx)
    if program is None or program.terms_cms_page_slug is None:
        return False
    store = await find_owning_store(ctx, program.owning_store_id)
    return store is not None and await cms.find_published_id(ctx, store.id, program.terms_cms_page_slug) == page_id


async def give_page_brand(ctx: Ctx) -> cms.PageBrand | None:
    """Return the live program's colour and logo, or None while the merchant has no program."""
    program = await programs.find_program(ctx)
    return None if program is None else cms.PageBrand(program.colour, program.logo_path)
