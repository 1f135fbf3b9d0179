"""Money is an integer number of cents; nothing here is ever a float."""

MAX_AMOUNT_CENTS = 100_000_000
MAX_POINTS = 1_000_000
