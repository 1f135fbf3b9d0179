"""From what services return to what the API answers."""

import uuid
from collections.abc import Mapping

from app.core.web.trash import deletion_answer
from app.modules.tenancy.queries.merchants import MerchantSummary, MerchantView
from app.modules.tenancy.queries.stores import StoreSummary, StoreView
from app.modules.tenancy.queries.trash import TrashedMerchant, TrashedStore
from app.modules.tenancy.queries.users import MemberView, Place
from app.modules.tenancy.schemas.account import AccountAnswer, PlaceAnswer, SignInAnswer
from app.modules.tenancy.schemas.merchant import (
    ApiKeyAnswer,
    MemberAnswer,
    MerchantAnswer,
    MerchantRow,
    NewMerchantAnswer,
    StoreAnswer,
    StoreRow,
)
from app.modules.tenancy.services.api_key_service import ApiKeyView
from app.modules.tenancy.services.auth_service import Account, SignIn
from app.modules.tenancy.services.merchant_service import NewMerchant


def places_answer(places: list[Place]) -> list[PlaceAnswer]:
    """Return the merchants to choose from."""
    return [PlaceAnswer.model_validate(place, from_attributes=True) for place in places]


def sign_in_answer(result: SignIn) -> SignInAnswer:
    """Return how far signing in has come, without the token."""
    return SignInAnswer(state=result.state, next=result.next, merchants=places_answer(result.places))


def account_answer(account: Account) -> AccountAnswer:
    """Return the signed-in person."""
    return AccountAnswer.model_validate(
        {
            "id": account.user_id,
            "email": account.email,
            "display_name": account.display_name,
            "locale": account.locale,
            "is_platform_admin": account.is_platform_admin,
            "role": account.role,
            "merchant_id": account.merchant_id,
            "merchant_name": account.merchant_name,
            "store_id": account.store_id,
            "merchants": places_answer(account.places),
        }
    )


def merchant_answer(merchant: MerchantView) -> MerchantAnswer:
    """Return a merchant."""
    return MerchantAnswer.model_validate(merchant, from_attributes=True)


def merchant_row(row: MerchantSummary) -> MerchantRow:
    """Return a row of the platform's list."""
    counts = {"store_count": row.store_count, "member_count": row.member_count}
    return MerchantRow.model_validate(merchant_answer(row.merchant).model_dump() | counts)


def store_answer(store: StoreView) -> StoreAnswer:
    """Return a store."""
    return StoreAnswer.model_validate(store, from_attributes=True)


def trashed_store(item: TrashedStore, names: Mapping[uuid.UUID, str]) -> StoreAnswer:
    """Return a store in the trash."""
    return store_answer(item.store).model_copy(update={"deletion": deletion_answer(item.deletion, names)})


def trashed_store_row(item: TrashedStore, names: Mapping[uuid.UUID, str]) -> StoreRow:
    """Return a store in the trash as the platform's list shows it."""
    owner = {"merchant_id": item.store.merchant_id, "merchant_name": item.merchant_name, "merchant_status": item.merchant_status}
    return StoreRow.model_validate(trashed_store(item, names).model_dump() | owner)


def trashed_merchant_row(item: TrashedMerchant, names: Mapping[uuid.UUID, str]) -> MerchantRow:
    """Return a merchant in the trash as the platform's list shows it: its stores are there as well, its team waits."""
    answer = merchant_answer(item.merchant).model_dump() | {"deletion": deletion_answer(item.deletion, names)}
    return MerchantRow.model_validate(answer | {"store_count": 0, "member_count": 0})


def store_row(row: StoreSummary) -> StoreRow:
    """Return a row of the platform's list of stores."""
    owner = {"merchant_id": row.store.merchant_id, "merchant_name": row.merchant_name, "merchant_status": row.merchant_status}
    return StoreRow.model_validate(store_answer(row.store).model_dump() | owner)


def member_answer(member: MemberView) -> MemberAnswer:
    """Return somebody of the team."""
    return MemberAnswer.model_validate(member, from_attributes=True)


def api_key_answer(key: ApiKeyView) -> ApiKeyAnswer:
    """Return a key, without its secret."""
    return ApiKeyAnswer.model_validate(key, from_attributes=True)


def new_merchant_answer(new: NewMerchant) -> NewMerchantAnswer:
    """Return a merchant just made."""
    return NewMerchantAnswer(merchant=merchant_answer(new.merchant), store=store_answer(new.store), owner=member_answer(new.owner))
