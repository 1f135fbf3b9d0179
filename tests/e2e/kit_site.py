"""The style guide served with the real gate and headers, without a database: for tests of the kit and for looking at it."""

import contextlib
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from app.core.config import Settings
from app.core.i18n import current_locale
from app.core.testing.application import write_key
from app.core.web import pages
from app.core.web.app import build_api
from app.core.web.fields import Body, Line
from app.core.web.middleware import Gate

CARD = """{% from "ui/card.html" import loyalty_card, qr_panel with context %}{{ loyalty_card("Bread & Coffee Club", "#7b3f00",
 merchant_name, number="7F3K 92MD 4QXA", holder="Léa Muller", qr_url=qr, stamps=7, stamps_target=10, new_stamps=1) }}"""

SAMPLES = {
    "storefront": """{% extends "layouts/storefront.html" %}{% from "ui/button.html" import button with context %}
{% block title %}Card{% endblock %}
{% block content %}<h1>Léa Muller</h1>"""
    + CARD
    + """<ul class="list surface surface-pad">
<li><span class="avatar" aria-hidden="true">G</span><div class="grow">Gare<small>12, place de la Gare</small></div></li>
<li><span class="avatar" aria-hidden="true">K</span><div class="grow">Kirchberg<small>3, rue Erasme</small></div></li></ul>
{{ super() }}{% endblock %}
{% block action %}{{ button("Show the code", "primary", icon_name="qr-code") }}{% endblock %}
{% block footer %}<nav aria-label="Legal"><a href="#x">Conditions</a><a href="#y">Privacy</a></nav>{% endblock %}""",
    "terminal": """{% extends "layouts/terminal.html" %}{% from "ui/button.html" import button, icon_button with context %}
{% from "ui/form.html" import search_field with context %}{% from "ui/terminal.html" import scanner, result_line with context %}
{% block title %}Terminal{% endblock %}
{% block head_actions %}{{ icon_button("lock", "Lock", "secondary") }}{% endblock %}
{% block find %}<h1>Find a card</h1>{{ search_field(placeholder="Number, e-mail, phone or name") }}{{ scanner("camera") }}{% endblock %}
{% block card %}{{ result_line("1 stamp: 7 of 10") }}"""
    + CARD
    + """<h2>Léa Muller</h2>
{{ button("Give a stamp", "primary", icon_name="stamp", size="hero", block=True) }}
{{ button("Redeem a reward", icon_name="gift", block=True, disabled=True) }}{% endblock %}""",
    "print": """{% extends "layouts/print.html" %}{% block title %}Poster{% endblock %}
{% block sheets %}<section class="sheet sheet-a4 accent-7b3f00"><div class="poster"><div class="poster-head">
<strong>Boulangerie du Nord</strong><span>Gare</span></div>
<img class="poster-qr" src="{{ qr }}" alt="QR code" width="300" height="300">
<div class="poster-promise">
<p lang="fr">Dix cafés, le onzième est offert</p><p lang="de">Zehn Kaffees, der elfte ist geschenkt</p>
</div></div></section>{% endblock %}""",
}


class Entry(Body):
    """What the style guide's form sends."""

    first_name: Line
    last_name: Line
    email: Line
    phone: Line | None = None
    code: Line
    minimum_purchase_cents: int | None = Field(default=None, ge=0, le=100_000)
    language: Line
    birth_date: str | None = None
    stamps: int = 1
    closed_on: str | None = None
    note: Line | None = None
    kind: Line
    terms: bool
    marketing: bool
    everywhere: bool


def build_site(settings: Settings) -> Gate:
    """Return core's site plus one route for the style guide's form and pages of the other layouts; `seen` keeps what arrived."""
    api = build_api(settings, [])
    seen: list[dict[str, Any]] = []
    api.state.seen = seen

    @api.post("/api/v1/styleguide")
    async def take(request: Request, entry: Entry) -> dict[str, str]:
        seen.append({"key": request.headers.get("idempotency-key"), **entry.model_dump()})
        return {"id": str(len(seen))}

    @api.get("/store/terminal/kit")
    async def kit_with_camera(request: Request) -> Response:
        return pages.render(request, "styleguide.html")  # at an address where the camera is allowed

    @api.get("/sample/{name}")
    async def sample(request: Request, name: str) -> Response:
        html = pages.environment().from_string(SAMPLES[name]).render(
            request=request, locale=current_locale(), request_id="r", demo=True, nav=[], accent="#7b3f00",
            merchant_name="Boulangerie du Nord", store_name="Gare", staff_name="Jos Weber", qr=pages.asset("sample-qr.svg"),
        )  # fmt: skip
        return Response(html, media_type="text/html")

    return Gate(api, settings)


class AnnouncedServer(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then say so."""
        await super().startup(sockets)
        self.ready.set()


@contextlib.contextmanager
def serve(port: int = 0) -> Iterator[tuple[str, Gate]]:
    """Serve the site on loopback for the block; gives its address and the application."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        key = write_key(Path(folder) / "key")
        site = build_site(Settings(env="test", base_url=base_url, secret_key_file=key, pin_pepper_file=key, _env_file=None))
        server = AnnouncedServer(uvicorn.Config(site, lifespan="off", log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        assert server.ready.wait(timeout=10)
        try:
            yield base_url, site
        finally:
            server.should_exit = True
            thread.join(timeout=5)
