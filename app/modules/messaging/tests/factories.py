"""For the tests of modules that send mails: a real mail server on the loopback."""

from app.modules.messaging.tests.smtp_server import MailServer, chosen_mail_server, mail_server

__all__ = ["MailServer", "chosen_mail_server", "mail_server"]
