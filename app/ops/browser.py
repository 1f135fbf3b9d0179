"""Which Chromium the browser tests use: CHROMIUM_PATH, the system's, or the one from npm. `python -m app.ops.browser` prints it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
NPM_PACKAGE = Path("node_modules/@sparticuz/chromium")
# Unpacks the compressed browser into the temporary folder at the first call and names it at every call.
NPM_SCRIPT = "import('@sparticuz/chromium').then(async (it) => console.log(await it.default.executablePath()))"


def find_browser() -> Path | None:
    """Return the first browser that starts, or None."""
    candidates = [os.environ.get("CHROMIUM_PATH"), *(shutil.which(name) for name in SYSTEM_NAMES)]
    for candidate in candidates:
        if candidate and starts(Path(candidate)):
            return Path(candidate)
    unpacked = unpack_npm_browser()
    return unpacked if unpacked is not None and starts(unpacked) else None


def unpack_npm_browser() -> Path | None:
    """Return the browser of the npm package, or None when the package or Node is not installed."""
    node = shutil.which("node")
    if node is None or not NPM_PACKAGE.is_dir():
        return None
    answer = subprocess.run([node, "--eval", NPM_SCRIPT], capture_output=True, text=True, timeout=120, check=False)
    return Path(answer.stdout.strip()) if answer.returncode == 0 and answer.stdout.strip() else None


def starts(browser: Path) -> bool:
    """Whether `browser` runs at all on this machine: a missing system library shows here, not in the middle of a test."""
    try:
        answer = subprocess.run([str(browser), "--version", "--no-sandbox"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


def main() -> None:
    """Print the browser's path; exit 1 when there is none."""
    browser = find_browser()
    if browser is None:
        sys.exit(1)
    sys.stdout.write(f"{browser}\n")


if __name__ == "__main__":
    main()
