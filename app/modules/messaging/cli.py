"""Commands of messaging: an operator's word on addresses that get no mail."""

import uuid
from typing import Annotated

import typer

from app.core import audit
from app.core.commands import run_on_platform
from app.core.context import PlatformCtx
from app.modules.messaging.services import suppression_service
from app.modules.tenancy import public as tenancy

cli = typer.Typer(add_completion=False)
EmailOption = Annotated[str, typer.Option(help="The address.")]
MerchantOption = Annotated[str, typer.Option(help="Whose mails: a merchant's id, or the code of one of its stores.")]
PlatformOption = Annotated[bool, typer.Option("--platform", help="The platform's own mails, about passwords, instead of a merchant's.")]


@cli.command("mail-suppress")
def mail_suppress(email: EmailOption, merchant: MerchantOption = "", of_platform: PlatformOption = False) -> None:
    """Send no more mail to an address, of any kind, until it is released."""

    async def suppress(ctx: PlatformCtx) -> None:
        owner = await _find_owner(ctx, merchant, of_platform)
        await suppression_service.suppress_address(ctx, email, merchant_id=owner)
        await audit.record(ctx, "messaging.address.suppressed", "merchant", owner, merchant_id=owner)

    run_on_platform(suppress)
    typer.echo("Nothing more is sent to this address.")


@cli.command("mail-release")
def mail_release(email: EmailOption, merchant: MerchantOption = "", of_platform: PlatformOption = False) -> None:
    """Send mail to an address again that had bounced, complained or been suppressed. Consent and choices stay as they are."""

    async def release(ctx: PlatformCtx) -> bool:
        owner = await _find_owner(ctx, merchant, of_platform)
        was_suppressed = await suppression_service.release_address(ctx, email, merchant_id=owner)
        if was_suppressed:
            await audit.record(ctx, "messaging.address.released", "merchant", owner, merchant_id=owner)
        return was_suppressed

    typer.echo("Mail is sent to this address again." if run_on_platform(release) else "Nothing kept mail from this address.")


async def _find_owner(ctx: PlatformCtx, merchant: str, of_platform: bool) -> uuid.UUID | None:
    """Return the merchant that the options name, None for the platform; BadParameter when they name neither or both."""
    if bool(merchant) is of_platform:
        raise typer.BadParameter("name either --merchant or --platform")
    if of_platform:
        return None
    found = await tenancy.find_merchant_id(ctx, merchant)
    if found is None:
        raise typer.BadParameter("there is no such merchant", param_hint="--merchant")
    return found
