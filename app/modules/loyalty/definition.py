"""What loyalty plugs into the platform."""

from app.core.i18n import N_
from app.core.modules import MenuItem, ModuleDefinition, Schedule
from app.modules.cms import public as cms
from app.modules.loyalty.audit_texts import AUDIT_TEXTS
from app.modules.loyalty.domain.outreach import BIRTHDAY_HOUR, REENGAGEMENT_HOUR, REENGAGEMENT_WEEKDAY
from app.modules.loyalty.domain.retention import RETENTION_HOUR
from app.modules.loyalty.events import BonusGranted, CardEnrolled, PointsExpired, RewardReady
from app.modules.loyalty.permissions import PERMISSIONS
from app.modules.loyalty.personal import IMPERSONAL, PERSONAL
from app.modules.loyalty.services.bulk_service import BONUS, DEACTIVATE, KINDS
from app.modules.loyalty.services.mail_content import TEMPLATES
from app.modules.loyalty.services.watch_service import ALERTS
from app.modules.messaging import public as messaging

for _template in TEMPLATES:
    messaging.register_template(_template)
messaging.register_brand("app.modules.loyalty.services.mail_brand:give_brand")
cms.register_hooks(
    is_used="app.modules.loyalty.services.terms_service:is_page_used", brand="app.modules.loyalty.services.terms_service:give_page_brand"
)

_MAILS = "app.modules.loyalty.tasks.notification_tasks"
_HOOKS = "app.modules.loyalty.services.hooks"
_API = "app.modules.loyalty.routes.api"

MENU = (
    MenuItem("merchant", N_("Home"), "house", "/merchants", "loyalty.overview.read", 10),
    MenuItem("merchant", N_("Customers"), "users", "/merchants/customers", "loyalty.customer.read", 15),
    MenuItem("merchant", N_("Cards"), "credit-card", "/merchants/cards", "loyalty.card.read", 20),
    MenuItem("merchant", N_("Program"), "stamp", "/merchants/program", "loyalty.program.manage", 30, N_("Your offer")),
    MenuItem("merchant", N_("Stores"), "store", "/merchants/stores", "tenancy.store.edit", 40, N_("Counter")),
    MenuItem("merchant", N_("Staff and PINs"), "key-round", "/merchants/staff", "loyalty.pin.manage", 50, N_("Counter")),
    MenuItem("merchant", N_("Terminals"), "tablet", "/merchants/terminals", "loyalty.terminal.manage", 60, N_("Counter")),
    MenuItem("admin", N_("Programs"), "stamp", "/admin/programs", "loyalty.platform.read", 50),
    MenuItem("admin", N_("Cards"), "credit-card", "/admin/cards", "loyalty.platform.read", 60),
    MenuItem("admin", N_("Customers"), "users", "/admin/customers", "loyalty.platform.read", 65),
    MenuItem(
        "merchant",
        N_("Import and export"),
        "download",
        "/merchants/import",
        "loyalty.import.run",
        78,
        N_("Administration"),
        "/merchants/export",
    ),
    MenuItem("merchant", N_("Audit log"), "history", "/merchants/audit", "loyalty.audit.read", 74, N_("Administration")),
    MenuItem("merchant", N_("Settings"), "settings", "/merchants/settings", "loyalty.settings.manage", 80, N_("Administration")),
)

MODULE = ModuleDefinition(
    name="loyalty",
    routers=(
        f"{_API}.store:router",
        f"{_API}.storefront:router",
        f"{_API}._storefront.my_data:router",
        f"{_API}.merchant:router",
        f"{_API}.admin:router",
    ),
    pages=(
        "app.modules.loyalty.routes.pages.storefront:router",
        "app.modules.loyalty.routes.pages.store:router",
        "app.modules.loyalty.routes.pages.merchant:router",
        "app.modules.loyalty.routes.pages.admin:router",
        "app.modules.loyalty.routes.pages.logo:router",
    ),
    menu=MENU,
    tasks={
        "loyalty.send_notification_email": f"{_MAILS}:send_notification_email",
        "loyalty.confirm_enrollment": f"{_MAILS}:confirm_enrollment",
        "loyalty.announce_reward": f"{_MAILS}:announce_reward",
        "loyalty.announce_bonus": f"{_MAILS}:announce_bonus",
        "loyalty.announce_expiry": f"{_MAILS}:announce_expiry",
        "loyalty.apply_retention": "app.modules.loyalty.tasks.privacy_tasks:apply_retention",
        "loyalty.export_my_data": "app.modules.loyalty.tasks.privacy_tasks:export_my_data",
        "loyalty.forget_greetings": "app.modules.loyalty.tasks.housekeeping:forget_greetings",
        "loyalty.finish_erasure": "app.modules.loyalty.tasks.privacy_tasks:finish_erasure",
        "loyalty.check_import": "app.modules.loyalty.tasks.import_tasks:check_import",
        "loyalty.run_import": "app.modules.loyalty.tasks.import_tasks:run_import",
        "loyalty.follow_program": "app.modules.loyalty.tasks.trash_tasks:follow_program",
        "loyalty.merge_cards": "app.modules.loyalty.tasks.merging:merge_cards",
        "loyalty.expire_points": "app.modules.loyalty.tasks.expiry_tasks:expire_points",
        "loyalty.send_birthday_emails": "app.modules.loyalty.tasks.outreach_tasks:send_birthday_emails",
        "loyalty.send_reengagement": "app.modules.loyalty.tasks.outreach_tasks:send_reengagement",
        "loyalty.verify_ledger": "app.modules.loyalty.tasks.verification_tasks:verify_ledger",
        "loyalty.verify_changes": "app.modules.loyalty.tasks.verification_tasks:verify_changes",
        "loyalty.verify_changed_cards": "app.modules.loyalty.tasks.verification_tasks:verify_changed_cards",
        BONUS: "app.modules.loyalty.tasks.bulk_tasks:give_bonus",
        DEACTIVATE: "app.modules.loyalty.tasks.bulk_tasks:deactivate_cards",
    },
    bulk=KINDS,
    long_work="app.modules.loyalty.services.long_work:list_before",
    handlers={
        CardEnrolled.name: ("loyalty.confirm_enrollment",),
        RewardReady.name: ("loyalty.announce_reward",),
        BonusGranted.name: ("loyalty.announce_bonus",),
        PointsExpired.name: ("loyalty.announce_expiry",),
    },
    beat=(
        Schedule("loyalty.expire_points", hour=0, title=N_("Let points expire, and warn before")),
        Schedule("loyalty.send_birthday_emails", hour=BIRTHDAY_HOUR, title=N_("Wish a happy birthday")),
        Schedule(
            "loyalty.send_reengagement", hour=REENGAGEMENT_HOUR, weekday=REENGAGEMENT_WEEKDAY, title=N_("Invite those who stayed away")
        ),
        Schedule("loyalty.verify_ledger", hour=3, title=N_("Check all cards’ histories"), is_repeatable=True),
        Schedule("loyalty.apply_retention", hour=RETENTION_HOUR, title=N_("Erase who stayed away for years")),
        Schedule("loyalty.forget_greetings", seconds=86_400, title=N_("Forget old birthday greetings")),
        Schedule("loyalty.verify_changes", seconds=3600, title=N_("Check the histories of cards that changed")),
    ),
    permissions=PERMISSIONS,
    hooks={
        "merchant_trashed": f"{_HOOKS}:merchant_trashed",
        "merchant_restored": f"{_HOOKS}:merchant_restored",
        "store_purging": f"{_HOOKS}:store_purging",
        "merchant_purging": f"{_HOOKS}:merchant_purging",
    },
    personal=PERSONAL,
    impersonal=IMPERSONAL,
    audit=AUDIT_TEXTS,
    alerts=ALERTS,
    cli="app.modules.loyalty.cli:cli",
)
