"""The ASGI entry point: granian and uvicorn serve `app.main:app`."""

from app.core.web.app import create_app

app = create_app()
