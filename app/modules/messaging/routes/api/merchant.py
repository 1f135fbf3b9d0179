"""The merchant's face: its own sentences in the mails to its customers and its team."""

from app.modules.messaging.routes.api._templates import make_router

router = make_router("merchant", "/api/v1/merchants/messaging", "Messaging - Merchant", "messaging.template.edit")
