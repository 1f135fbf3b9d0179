"""What tenancy refuses: merchants, stores, users, sign-in. Codes are part of the API; sentences are msgids."""

import uuid
from collections.abc import Sequence

from app.core.errors import N_, Conflict, Forbidden, Gone, Invalid, LockedUntil, NotFound, Unauthenticated


class MerchantNotFoundException(NotFound):
    """No merchant that the caller may see matches."""

    code = "merchant_not_found"
    message = N_("We could not find that merchant.")


class StoreNotFoundException(NotFound):
    """No store that the caller may see matches."""

    code = "store_not_found"
    message = N_("We could not find that store.")


class UserNotFoundException(NotFound):
    """No user that the caller may see matches."""

    code = "user_not_found"
    message = N_("We could not find that person.")


class MerchantInactiveException(Forbidden):
    """The platform has deactivated the merchant."""

    code = "merchant_inactive"
    message = N_("This account is deactivated. Please contact support.")


class StoreInactiveException(Conflict):
    """The store is closed in Orion Loyalty; its history stays readable."""

    code = "store_inactive"
    message = N_("This store is deactivated. Please activate it first.")


class StoreCodeTakenException(Conflict):
    """Store codes are addresses and unique on the platform."""

    code = "store_code_taken"
    message = N_("This store code is already in use. Please choose another one.")


class StoreCodeInvalidException(Invalid):
    """The store code breaks a rule of `domain.store_code`."""

    code = "store_code_invalid"

    def __init__(self, sentence: str) -> None:
        super().__init__(fields={"code": sentence})


class ZoneInvalidException(Invalid):
    """The time zone is not one of the IANA list."""

    code = "zone_invalid"

    def __init__(self, field: str = "timezone") -> None:
        super().__init__(fields={field: N_("Please choose a time zone from the list.")})


class PasswordWeakException(Invalid):
    """The password breaks one or more rules; `sentences` has one msgid for each, `fields` the first."""

    code = "password_weak"

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(fields={"password": sentences[0]})
        self.sentences = tuple(sentences)


class UserEmailTakenException(Conflict):
    """Somebody already signs in with this e-mail address."""

    code = "user_email_taken"
    message = N_("Somebody already uses this e-mail address to sign in.")


class UserDisabledException(Conflict):
    """The platform has shut the person out: no link is of use to them."""

    code = "user_disabled"
    message = N_("This person is shut out. Please let them in again first.")


class OwnAccountException(Conflict):
    """Nobody shuts themselves out: the platform would lose its last admin."""

    code = "own_account"
    message = N_("You cannot do this to your own account. Please ask another admin.")


class TooManyLinksException(LockedUntil):
    """As many links as may be mailed to one address within the time were asked for."""

    code = "too_many_links"
    message = N_("Enough links were sent to this person. Please try again in %(wait_minutes)s min.")


class SignInFailedException(Unauthenticated):
    """Unknown e-mail, wrong password or wrong code: the answer never says which. The counted try outlives the refusal."""

    code = "sign_in_failed"
    message = N_("E-mail address, password or code is not right.")
    keeps_work = True


class SignInLockedException(LockedUntil):
    """Too many wrong tries; the right password is refused as well until `retry_at`."""

    code = "sign_in_locked"
    message = N_("Too many wrong tries. Please try again in %(wait_minutes)s min.")


class TotpRequiredException(Unauthenticated):
    """The password was right; a code of the authenticator app is needed as well."""

    code = "totp_required"
    message = N_("Please enter the code from your authenticator app.")


class LastOwnerException(Conflict):
    """A merchant always has an owner."""

    code = "last_owner"
    message = N_("This is the last owner. Please make somebody else an owner first.")


class RoleNotAssignableException(Forbidden):
    """Nobody hands out, or takes away, a role above their own."""

    code = "role_not_assignable"
    message = N_("You cannot change this role. Please ask an owner.")


class StoreNotChosenException(Forbidden):
    """The user may work at several stores and has not said at which one they are."""

    code = "store_not_chosen"
    message = N_("Please choose your store first.")


class PasswordLinkInvalidException(Gone):
    """The link to set a password is used, too old, or not ours."""

    code = "password_link_invalid"
    message = N_("This link is no longer valid. Please ask for a new one.")


class EmailInvalidException(Invalid):
    """The text cannot be an e-mail address."""

    code = "email_invalid"

    def __init__(self, field: str = "email") -> None:
        super().__init__(fields={field: N_("Please enter a valid e-mail address.")})


class MemberNotFoundException(NotFound):
    """Nobody of the merchant's team matches."""

    code = "member_not_found"
    message = N_("We could not find that person.")


class AlreadyMemberException(Conflict):
    """The person already belongs to the team."""

    code = "already_member"
    message = N_("This person already belongs to your team.")


class InvitationAcceptedException(Conflict):
    """Somebody who has been here needs no invitation any more."""

    code = "invitation_accepted"
    message = N_("This person has signed in already. A new password comes from the sign-in page.")


class StoreForRoleException(Invalid):
    """An owner works for all stores."""

    code = "owner_has_all_stores"

    def __init__(self) -> None:
        super().__init__(fields={"store_id": N_("An owner works for all stores. Please leave the store empty.")})


class PasswordWrongException(Invalid):
    """The present password, asked for before a change, is not right. The counted try outlives the refusal."""

    code = "password_wrong"
    keeps_work = True

    def __init__(self) -> None:
        super().__init__(fields={"current_password": N_("This is not your present password.")})


class ApiKeyNotFoundException(NotFound):
    """No API key of the merchant matches."""

    code = "api_key_not_found"
    message = N_("We could not find that key.")


class LastStoreException(Conflict):
    """A merchant always has a store."""

    code = "last_store"
    message = N_("This is the only store. Open another one first, or close this one instead.")


class StoreRestoreConflictException(Conflict):
    """The code of a trashed store was given to another one meanwhile; `params` name that one."""

    code = "store_restore_conflict"
    message = N_(
        "The code %(code)s now belongs to the store %(live_store_name)s. Move that store to the trash before you restore this one."
    )

    def __init__(self, *, code: str, live_store_id: uuid.UUID, live_store_name: str) -> None:
        super().__init__(params={"code": code, "live_store_id": str(live_store_id), "live_store_name": live_store_name})


class StoreInUseException(Conflict):
    """Something that stays refers to the store."""

    code = "store_in_use"
    message = N_("This store cannot be deleted for good: people, cards or customers still belong to it. It can stay in the trash.")


class MerchantInUseException(Conflict):
    """Records that must be kept, such as what its customers agreed to, refer to the merchant."""

    code = "merchant_in_use"
    message = N_(
        "This merchant has customers, and what they agreed to must be kept, so it cannot be deleted for good. It can stay in the trash."
    )
