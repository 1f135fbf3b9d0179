"""The logo on a merchant's cards: uploaded, shown, taken away."""

import base64
import binascii
import uuid

from app.core import audit
from app.core.context import Ctx, PlatformCtx
from app.core.ids import new_id
from app.modules.loyalty.domain import logo
from app.modules.loyalty.domain.logo import LogoType
from app.modules.loyalty.errors import ProgramNotFoundException
from app.modules.loyalty.events import ProgramChanged
from app.modules.loyalty.queries import logos

# The program's row comes first, so that of two who upload at once the second waits for the first.
POINT_TO = """
UPDATE loyalty_programs SET logo_path = $2, updated_at = $3 WHERE merchant_id = $1 AND deleted_at IS NULL RETURNING id
"""
REMOVE = "DELETE FROM loyalty_logos WHERE merchant_id = $1 RETURNING id"
INSERT = """
INSERT INTO loyalty_logos (merchant_id, id, content, media_type, sha256, created_at) VALUES ($1, $2, $3, $4, $5, $6)
"""


async def set_logo(ctx: Ctx, encoded: str) -> str:
    """Make the picture in `encoded` (base64) the logo on all of the merchant's cards and return its address.

    ProgramInvalidException says at the field `content` why a picture is refused (`domain.logo`); ProgramNotFoundException
    before there is a program.
    """
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise logo.unreadable() from None
    picture = logo.read_picture(content)
    address = logo.address_of(ctx.merchant_id, picture)
    program_id = await _point_to(ctx, address)
    await ctx.conn.execute(REMOVE, ctx.merchant_id)
    await ctx.conn.execute(INSERT, ctx.merchant_id, new_id(), content, picture.media_type.value, picture.sha256, ctx.now)
    pixels = [picture.width, picture.height]
    await audit.record(ctx, "loyalty.logo.changed", "program", program_id, logo_path=address, pixels=pixels, bytes=len(content))
    return address


async def remove_logo(ctx: Ctx) -> None:
    """Show the merchant's initial on the cards again; ProgramNotFoundException before there is a program."""
    program_id = await _point_to(ctx, None)
    if await ctx.conn.fetchval(REMOVE, ctx.merchant_id) is not None:
        await audit.record(ctx, "loyalty.logo.removed", "program", program_id)


async def find_logo(ctx: PlatformCtx, merchant_id: uuid.UUID, name: str) -> tuple[bytes, LogoType] | None:
    """Return the picture at the last part `name` of an address and its media type; None where no active merchant has this one."""
    parsed = logo.parse_name(name)
    found = await logos.find_logo(ctx, merchant_id, parsed[0]) if parsed else None
    return found if found and parsed and found[1].suffix == parsed[1] else None


async def _point_to(ctx: Ctx, address: str | None) -> uuid.UUID:
    """Make the live program say where its logo is and return the program's id."""
    program_id: uuid.UUID | None = await ctx.conn.fetchval(POINT_TO, ctx.merchant_id, address, ctx.now)
    if program_id is None:
        raise ProgramNotFoundException
    ctx.emit(ProgramChanged(program_id=program_id))
    return program_id
