"""Command line of the catalogs."""

import argparse
import json
import sys
from pathlib import Path

from tools.i18n import commands

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Run one command; 0 when all is well, 1 when something must be done."""
    parser = argparse.ArgumentParser(prog="python -m tools.i18n", description="Keep the catalogs of translations complete.")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("extract", help="bring the catalogs in line with the code")
    fill = actions.add_parser("fill", help='fill missing translations from {"msgid": {"fr": "...", "de": "...", "lb": "..."}}')
    fill.add_argument("fragment", type=Path, nargs="+")
    actions.add_parser("missing", help="print what is untranslated, as JSON by module and language")
    actions.add_parser("check", help="fail on stale, missing or faulty translations")
    options = parser.parse_args(arguments)
    if options.action == "extract":
        return _extract(root)
    if options.action == "fill":
        return max(_fill(root, path) for path in options.fragment)
    if options.action == "missing":
        print(json.dumps(commands.list_missing(root), ensure_ascii=False, indent=2))
        return 0
    return _check(root)


def _extract(root: Path) -> int:
    for path in commands.extract_messages(root):
        print(f"updated {path.relative_to(root)}")
    return 0


def _fill(root: Path, path: Path) -> int:
    result = commands.fill_messages(root, commands.read_fragment(path))
    print(f"{path.name}: {result.filled} texts filled.")
    for label in result.unknown:
        print(f"  no catalog has {label!r}: is it spelled as in the code, and was extract run?", file=sys.stderr)
    for sentence in result.refused:
        print(f"  refused {sentence}", file=sys.stderr)
    return 1 if result.unknown or result.refused else 0


def _check(root: Path) -> int:
    problems = commands.find_problems(root)
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems." if problems else "Catalogs are complete and current.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
