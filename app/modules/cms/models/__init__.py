"""Tables of cms."""

from app.modules.cms.models.page import Page, PageDraft, PageVersion

__all__ = ["Page", "PageDraft", "PageVersion"]
