"""What the pages of mail templates have in common on both faces: names, the frame around a mail, and its policy."""

from typing import Any

from starlette.responses import Response

from app.core.i18n import LOCALES, N_, _, formatting
from app.core.web.security import CONTENT_SECURITY_POLICY
from app.modules.messaging.domain.enums import MailCategory
from app.modules.messaging.domain.sentences import MAX_LENGTHS
from app.modules.messaging.queries.templates import StoredTemplate
from app.modules.messaging.routes.api._shapes import copy_answer
from app.modules.messaging.services.template_editor import Preview

PAGE_POLICY = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
# A mail's HTML in a frame of our own page: inline styles as mails have them, the logo, nothing else; no scripts, no forms. The page
# around it puts what is being typed into the frame, which is why the frame keeps its origin; without scripts it can do nothing with it.
HTML_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-same-origin"
)
CATEGORY_NAMES = {
    MailCategory.SERVICE: N_("Always sent"),
    MailCategory.REMINDER: N_("Can be switched off"),
    MailCategory.MARKETING: N_("Only with consent"),
}


def category_names() -> dict[str, str]:
    """Return what a category means for who gets its mails, in the current language."""
    return {category.value: _(name) for category, name in CATEGORY_NAMES.items()}


def editor_values(stored: StoredTemplate, preview: Preview) -> dict[str, Any]:
    """Return what the editor of one mail shows."""
    return {
        "mail": stored,
        "sentences": copy_answer(stored.copy),
        "variables": {name: f"{{{{{name}}}}}" for name in sorted(stored.frame.offered)},
        "preview": preview,
        "max_lengths": MAX_LENGTHS,
        "languages": [(locale, formatting.language_name(locale)) for locale in LOCALES],
        "category_names": category_names(),
    }


def with_frame(response: Response) -> Response:
    """Return the page `response`, allowed to show a frame from here."""
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return response


def mail_html(preview: Preview) -> Response:
    """Return a mail's own HTML under a policy of its own, for the frame of our page alone."""
    return Response(preview.mail.html, media_type="text/html", headers={"Content-Security-Policy": HTML_POLICY})
