"""QR codes as images."""

import io

import segno
from starlette.responses import Response


def qr_image(content: str, *, border: int = 2) -> Response:
    """Return `content` as an SVG image that nobody keeps; `border` is the quiet zone in modules, inside a white panel."""
    image = io.BytesIO()
    segno.make(content, micro=False, error="m").save(image, kind="svg", border=border, light="#ffffff", xmldecl=False)
    return Response(image.getvalue(), media_type="image/svg+xml", headers={"cache-control": "no-store"})
