"""The tables of loyalty (docs/modules/loyalty/data-model.md)."""

from app.modules.loyalty.models.card import Card
from app.modules.loyalty.models.greeting import BirthdayGreeting
from app.modules.loyalty.models.import_job import Import, ImportProblem
from app.modules.loyalty.models.logo import Logo
from app.modules.loyalty.models.merge_run import MergeRun
from app.modules.loyalty.models.program import MerchantSettings, Program, Reward, TermsText
from app.modules.loyalty.models.terminal import PairingCode, StaffPin, Terminal
from app.modules.loyalty.models.transaction import Transaction

__all__ = [
    "BirthdayGreeting",
    "Card",
    "Import",
    "ImportProblem",
    "Logo",
    "MerchantSettings",
    "MergeRun",
    "PairingCode",
    "Program",
    "Reward",
    "StaffPin",
    "Terminal",
    "TermsText",
    "Transaction",
]
