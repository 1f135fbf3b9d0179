"""Finding customers at a counter, at a million rows: an address or a name by its start, a phone number by its end.

Row-level security lets an index serve only leakproof operators. `>=` and `<` on plain columns are, LIKE and lower() are not:
so the folded texts are stored, and a prefix is the range from itself to itself followed by the highest character.
"""

import uuid
from collections.abc import Sequence

from app.core.context import Ctx, PlatformCtx
from app.modules.customers.domain.customer import CustomerRecord
from app.modules.customers.domain.email import normalize_email
from app.modules.customers.domain.names import search_words
from app.modules.customers.domain.phone import search_digits
from app.modules.customers.queries.customers import COLUMNS, to_record, with_merchant

HIGHEST = "\U0010ffff"

BY_EMAIL = f"""
SELECT {COLUMNS} FROM customers
WHERE merchant_id = $1 AND email_normalized >= $2 AND email_normalized < $3 AND anonymized_at IS NULL
ORDER BY email_normalized LIMIT $4
"""
BY_PHONE = f"""
SELECT {COLUMNS} FROM customers
WHERE merchant_id = $1 AND phone_reversed >= $2 AND phone_reversed < $3 AND anonymized_at IS NULL
ORDER BY phone_reversed LIMIT $4
"""
BY_LAST_NAME = f"""
SELECT {COLUMNS} FROM customers
WHERE merchant_id = $1 AND last_name_search >= $2 AND last_name_search < $3 AND anonymized_at IS NULL
ORDER BY last_name_search, first_name_search LIMIT $4
"""
BY_FIRST_NAME = f"""
SELECT {COLUMNS} FROM customers
WHERE merchant_id = $1 AND first_name_search >= $2 AND first_name_search < $3 AND anonymized_at IS NULL
ORDER BY first_name_search, last_name_search LIMIT $4
"""
BY_BOTH_NAMES = f"""
SELECT {COLUMNS} FROM customers
WHERE merchant_id = $1 AND first_name_search >= $2 AND first_name_search < $3 AND last_name_search >= $4 AND last_name_search < $5
  AND anonymized_at IS NULL
ORDER BY first_name_search, last_name_search LIMIT $6
"""

OF_FOUND = ", ".join(f"p.{name}" for name in COLUMNS.split(", "))
BY_EMAIL_EVERYWHERE = f"""
SELECT {OF_FOUND}, p.merchant_id FROM unnest($1::uuid[]) AS m (id) CROSS JOIN LATERAL (
  SELECT {COLUMNS}, merchant_id, email_normalized FROM customers
  WHERE merchant_id = m.id AND email_normalized >= $2 AND email_normalized < $3 AND anonymized_at IS NULL
  ORDER BY email_normalized LIMIT $4) p
ORDER BY p.email_normalized, p.merchant_id LIMIT $4
"""

Statement = tuple[str, tuple[str, ...]]


def statements_for(text: str) -> list[Statement]:
    """Return the statements that answer the search `text`, each with its bounds; none for a text that names nobody.

    With @ it is an address, with digits and no letter a phone number (at least four digits), else one or more names.
    """
    if "@" in text:
        return [(BY_EMAIL, prefix_bounds(normalize_email(text)))]
    if any(character.isdigit() for character in text) and not any(character.isalpha() for character in text):
        digits = search_digits(text)
        return [(BY_PHONE, prefix_bounds(digits[::-1]))] if digits else []
    return _statements_for_names(search_words(text))


def _statements_for_names(words: Sequence[str]) -> list[Statement]:
    """One name may be the first or the last; of several, any cut may divide first from last, in either order."""
    if not words:
        return []
    whole = prefix_bounds(" ".join(words))
    statements: list[Statement] = [(BY_LAST_NAME, whole), (BY_FIRST_NAME, whole)]
    for cut in range(1, len(words)):
        head, tail = " ".join(words[:cut]), " ".join(words[cut:])
        statements.append((BY_BOTH_NAMES, (*prefix_bounds(head), *prefix_bounds(tail))))
        statements.append((BY_BOTH_NAMES, (*prefix_bounds(tail), *prefix_bounds(head))))
    return statements


def prefix_bounds(prefix: str) -> tuple[str, str]:
    """Return the lowest text that starts with `prefix` and a text above all that do, in byte order."""
    return prefix, prefix + HIGHEST


async def search_customers(ctx: Ctx, text: str, *, limit: int) -> list[CustomerRecord]:
    """Return up to `limit` live customers that `text` may mean: see `statements_for`."""
    found: dict[str, CustomerRecord] = {}
    for statement, bounds in statements_for(text):
        for row in await ctx.conn.fetch(statement, ctx.merchant_id, *bounds, limit):
            found.setdefault(str(row["id"]), to_record(row))
        if len(found) >= limit:
            break
    return list(found.values())[:limit]


async def find_by_email_everywhere(
    ctx: PlatformCtx, text: str, *, merchant_ids: Sequence[uuid.UUID], limit: int
) -> list[tuple[uuid.UUID, CustomerRecord]]:
    """Return up to `limit` live customers of `merchant_ids` whose e-mail address begins with `text`, each with its merchant, by address.

    Every merchant's own index is looked into. For the platform's admin.
    """
    bounds = prefix_bounds(normalize_email(text))
    return [with_merchant(row) for row in await ctx.conn.fetch(BY_EMAIL_EVERYWHERE, list(merchant_ids), *bounds, limit)]
