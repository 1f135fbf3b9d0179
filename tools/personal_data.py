"""Write the table of personal data in docs/modules/customers/personal-data.md from the registry: `python -m tools.personal_data`."""

from collections.abc import Sequence
from pathlib import Path

from app.core.modules import load_modules
from app.core.personal import CORE_PERSONAL, RULES, PersonalColumn

PAGE = Path(__file__).resolve().parents[1] / "docs" / "modules" / "customers" / "personal-data.md"
BEGIN, END = "<!-- registry: begin -->\n", "<!-- registry: end -->\n"


def all_personal() -> list[PersonalColumn]:
    """Return the entries of core and of every module, by table."""
    entries: Sequence[PersonalColumn] = [*CORE_PERSONAL, *(entry for module in load_modules() for entry in module.personal)]
    return sorted(entries, key=lambda entry: (entry.table, entry.rule, entry.note, entry.column))


def build_table() -> str:
    """Return the registry as Markdown: the rules, then a line for each table, rule and note."""
    lines = ["| Rule | What it means |", "| --- | --- |", *(f"| {rule} | {meaning} |" for rule, meaning in RULES.items()), ""]
    lines += ["| Table | Columns | Rule | Why |", "| --- | --- | --- | --- |"]
    groups: dict[tuple[str, str, str], list[str]] = {}
    for entry in all_personal():
        groups.setdefault((entry.table, entry.rule, entry.note), []).append(entry.column)
    lines += [f"| `{table}` | {', '.join(names)} | {rule} | {note} |" for (table, rule, note), names in groups.items()]
    return "\n".join(lines) + "\n"


def fill(page: str) -> str:
    """Return the page's text with the table as the registry has it now."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}{build_table()}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
