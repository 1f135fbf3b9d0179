"""House rules that no off-the-shelf linter knows. Run as `python -m tools.ast_rules app tests frontend`.

One file per theme. Printing, `random`, hidden TODOs and unsafe calls are ruff's; who may import whom is import-linter's.
"""

from tools.ast_rules import clock, database, ledger, size, templates, tests, texts, web
from tools.ast_rules.engine import Rule

RULES: tuple[Rule, ...] = (
    *database.RULES,
    *ledger.RULES,
    *clock.RULES,
    *size.RULES,
    *web.RULES,
    *templates.RULES,
    *texts.RULES,
    *tests.RULES,
)
