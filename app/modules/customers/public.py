"""The door of the customers module: what other modules may call, and the errors they may meet."""

from app.modules.customers.domain.birth_date import Birthday, birth_date_problem, birthdays_kept_on, parse_birth_date
from app.modules.customers.domain.consent import ConsentPurpose, ConsentRecord, ConsentSource
from app.modules.customers.domain.customer import CustomerRecord, LoginLinkRecord
from app.modules.customers.domain.duplicates import Likeness
from app.modules.customers.domain.email import clean_email, is_valid_email, normalize_email
from app.modules.customers.errors import (
    CustomerAnonymizedException,
    CustomerEmailTakenException,
    CustomerInvalidException,
    CustomerNotFoundException,
    SamePersonException,
    SignInLinkException,
    TermsNotAcceptedException,
)
from app.modules.customers.queries.browse import CustomerOrder, Sift, list_customers
from app.modules.customers.queries.customers import find_locale, list_customers_everywhere
from app.modules.customers.queries.duplicates import find_merged_into, list_merged
from app.modules.customers.queries.erasures import (
    Erasure,
    QuietCustomer,
    add_erasure,
    forget_retention_warnings,
    list_erasures,
    list_quiet,
    note_retention_warnings,
    note_return,
)
from app.modules.customers.queries.exports import CUSTOMER_COLUMNS, PERSON_COLUMNS
from app.modules.customers.queries.exports import find_lines as find_export_lines
from app.modules.customers.queries.exports import list_lines as list_export_lines
from app.modules.customers.queries.search import find_by_email_everywhere
from app.modules.customers.services.consent_service import current_consents, filter_marketing_consent, list_consents, record_consents
from app.modules.customers.services.customer_service import (
    count_customers,
    create_customer,
    find_customer_by_email,
    find_customer_id_by_email,
    get_customer,
    get_many,
    list_birthdays,
    lock_customer,
    search_customers,
    update_customer,
)
from app.modules.customers.services.erasure_service import (
    ErasedCustomer,
    erase_customer,
    find_merchant,
    forget_sign_ins,
    hold_present,
    lock_for_erasure,
    scrub_audit,
)
from app.modules.customers.services.import_service import (
    ImportedPerson,
    PersonToImport,
    check_person,
    find_ids_by_addresses,
    import_people,
)
from app.modules.customers.services.login_link_service import (
    find_usable_link,
    issue_login_link,
    may_send_login_link,
    use_login_link,
)
from app.modules.customers.services.returning_service import filter_erased, may_get_welcome_bonus, remember_erased
from app.modules.customers.services.twin_service import Twins, list_twins, lock_both, merge_people

__all__ = [
    "CUSTOMER_COLUMNS",
    "PERSON_COLUMNS",
    "Birthday",
    "ConsentPurpose",
    "ConsentRecord",
    "ConsentSource",
    "CustomerAnonymizedException",
    "CustomerEmailTakenException",
    "CustomerInvalidException",
    "CustomerNotFoundException",
    "CustomerOrder",
    "CustomerRecord",
    "ErasedCustomer",
    "Erasure",
    "ImportedPerson",
    "Likeness",
    "LoginLinkRecord",
    "PersonToImport",
    "QuietCustomer",
    "SamePersonException",
    "Sift",
    "SignInLinkException",
    "TermsNotAcceptedException",
    "Twins",
    "add_erasure",
    "birth_date_problem",
    "birthdays_kept_on",
    "check_person",
    "clean_email",
    "count_customers",
    "create_customer",
    "current_consents",
    "erase_customer",
    "filter_erased",
    "filter_marketing_consent",
    "find_by_email_everywhere",
    "find_customer_by_email",
    "find_customer_id_by_email",
    "find_export_lines",
    "find_ids_by_addresses",
    "find_locale",
    "find_merchant",
    "find_merged_into",
    "find_usable_link",
    "forget_retention_warnings",
    "forget_sign_ins",
    "get_customer",
    "get_many",
    "hold_present",
    "import_people",
    "is_valid_email",
    "issue_login_link",
    "list_birthdays",
    "list_consents",
    "list_customers",
    "list_customers_everywhere",
    "list_erasures",
    "list_export_lines",
    "list_merged",
    "list_quiet",
    "list_twins",
    "lock_both",
    "lock_customer",
    "lock_for_erasure",
    "may_get_welcome_bonus",
    "may_send_login_link",
    "merge_people",
    "normalize_email",
    "note_retention_warnings",
    "note_return",
    "parse_birth_date",
    "record_consents",
    "remember_erased",
    "scrub_audit",
    "search_customers",
    "update_customer",
    "use_login_link",
]
