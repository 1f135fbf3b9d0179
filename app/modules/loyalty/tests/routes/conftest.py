"""A browser of the platform's panel."""

import httpx
import pytest

from app.core.db.engine import Database
from app.modules.tenancy.tests.factories import make_admin, sign_in_cookie


@pytest.fixture
async def admin_client(database: Database, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A browser in which an admin has passed both steps, who reads English."""
    client.cookies.update(sign_in_cookie(await make_admin(database)) | {"orion_lang": "en"})
    return client
