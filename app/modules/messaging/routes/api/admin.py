"""The platform's face: the standard of every mail, for merchants without sentences of their own."""

from app.modules.messaging.routes.api._templates import make_router

router = make_router("admin", "/api/v1/admin/messaging", "Messaging - Admin", "messaging.template.manage")
