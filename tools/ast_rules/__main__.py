"""Command line: prints every violation as `path:line: rule: message` and exits 1 if there is one."""

import sys
from pathlib import Path

from tools.ast_rules import RULES
from tools.ast_rules.engine import check_paths


def main(arguments: list[str]) -> int:
    """Check the given paths (default: app, tests, frontend, tools) below the working directory."""
    violations = check_paths(Path.cwd(), arguments or ["app", "tests", "frontend", "tools"], RULES)
    for violation in violations:
        print(violation)
    print(f"{len(violations)} violations of {len(RULES)} rules." if violations else f"{len(RULES)} rules hold.")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
