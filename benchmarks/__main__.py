"""`make bench`: every benchmark, each against the bare thing in the same run.

python -m benchmarks [NAME] [options of the benchmark; without a name, options that all of them take]
"""

import importlib
import sys

NAMES = ("stamp", "expiry", "fanout", "lists", "imports", "exports")


def main() -> None:
    """Run the benchmark that is named, or all of them."""
    name, options = (sys.argv[1], sys.argv[2:]) if sys.argv[1:2] and sys.argv[1] in NAMES else (None, sys.argv[1:])
    for each in NAMES if name is None else (name,):
        sys.argv = [f"benchmarks {each}", *options]
        importlib.import_module(f"benchmarks.{each}").main()


if __name__ == "__main__":
    main()
