"""From what the services know of templates to the answers of the API, and back."""

from app.core.i18n import LOCALES
from app.modules.messaging.domain.copy import MailCopy
from app.modules.messaging.domain.sentences import join_paragraphs, split_paragraphs
from app.modules.messaging.queries import templates
from app.modules.messaging.queries.templates import StoredTemplate
from app.modules.messaging.schemas.templates import Copy, CopyBody, PreviewAnswer, TemplateAnswer, TemplateList, TemplateRow
from app.modules.messaging.services.template_editor import Preview


def copy_of(body: CopyBody) -> MailCopy:
    """Return the sentences that somebody sent."""
    values = body.model_dump()
    return MailCopy(**values | {"before": split_paragraphs(body.before), "after": split_paragraphs(body.after)})


def copy_answer(copy: MailCopy) -> Copy:
    """Return sentences as they are typed."""
    return Copy(
        subject=copy.subject,
        preheader=copy.preheader,
        heading=copy.heading,
        before=join_paragraphs(copy.before),
        button=copy.button,
        after=join_paragraphs(copy.after),
        reason=copy.reason,
    )


def list_answer(rows: list[templates.TemplateRow]) -> TemplateList:
    """Return all mails."""
    return TemplateList(
        items=[
            TemplateRow(
                code=row.code,
                title=row.title,
                occasion=row.occasion,
                category=row.category.value,
                sender=row.sender,
                locales=list(LOCALES),
                own_locales=list(row.own_locales),
            )
            for row in rows
        ]
    )


def template_answer(stored: StoredTemplate) -> TemplateAnswer:
    """Return one mail in one language."""
    return TemplateAnswer(
        code=stored.code,
        locale=stored.locale,
        title=stored.title,
        occasion=stored.occasion,
        category=stored.frame.category.value,
        sender=stored.frame.sender,
        is_own=stored.is_own,
        sentences=copy_answer(stored.copy),
        standard=copy_answer(stored.standard),
        variables=sorted(stored.frame.offered),
        required=sorted(stored.frame.required - stored.frame.shown_by_layout),
        updated_at=stored.updated_at,
    )


def preview_answer(preview: Preview) -> PreviewAnswer:
    """Return a mail with sample values."""
    mail = preview.mail
    return PreviewAnswer(subject=mail.subject, preheader=preview.preheader, html=mail.html, text=mail.text)
