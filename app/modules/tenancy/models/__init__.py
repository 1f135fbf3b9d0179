"""Tables of tenancy."""

from app.modules.tenancy.models.merchants import Merchant, Store
from app.modules.tenancy.models.sessions import ApiKey, LoginCounter, PasswordLink, Session
from app.modules.tenancy.models.users import Membership, User

__all__ = ["ApiKey", "LoginCounter", "Membership", "Merchant", "PasswordLink", "Session", "Store", "User"]
