"""How a merchant's mails, and the pages behind their links, look: as the program does."""

from app.core.config import get_settings
from app.core.context import Ctx
from app.modules.loyalty.errors import ProgramNotFoundException
from app.modules.loyalty.queries import programs
from app.modules.messaging.public import MailBrand


async def give_brand(ctx: Ctx) -> MailBrand | None:
    """Return the live program's colour and logo, or None while the merchant has no program."""
    try:
        program = await programs.get_program(ctx)
    except ProgramNotFoundException:
        return None
    home = get_settings().base_url.rstrip("/")
    return MailBrand(colour=program.colour, logo_link=home + program.logo_path if program.logo_path else "")
