"""Which columns of cms hold personal data: none. What merchants write on their pages is for everybody to read."""

from collections.abc import Mapping, Sequence

from app.core.personal import PersonalColumn

PERSONAL: Sequence[PersonalColumn] = ()

IMPERSONAL: Mapping[str, str] = {
    "cms_pages": "slug",
    "cms_page_drafts": "locale title body",
    "cms_page_versions": "slug texts",
}
