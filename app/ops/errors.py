"""The one error that the command line shows as a sentence instead of a traceback."""

import errno
from pathlib import Path


class OpsException(Exception):
    """Something on the machine is not as needed; the text is one clear sentence for the operator."""


def explain_os_error(error: OSError, what: str) -> OpsException:
    """Turn an operating system error that happened while doing `what` into a sentence with a way out."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OpsException(f"The disk is full: {what} failed{where}. Free some space and try again.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OpsException(f"No permission: {what} failed{where}. Start from a folder that this user may write to.")
    return OpsException(f"{what[:1].upper()}{what[1:]} failed{where}: {error.strerror or error}.")


def explain_log(log_file: Path, name: str, start: int = 0) -> OpsException:
    """Explain why the server `name` did not start, from what its log says after the byte `start`."""
    text = log_file.read_bytes()[start:].decode(errors="replace") if log_file.exists() else ""
    if "No space left on device" in text:
        return OpsException(f"The disk is full: {name} cannot start. Free some space and try again.")
    lines = [line for line in text.splitlines() if line.strip()]
    reasons = [line for line in lines if "FATAL" in line or "error:" in line.lower() or "# Fatal" in line]
    reason = (reasons or lines or ["it left no message"])[-1].strip()
    return OpsException(f"{name} did not start: {reason} (log: {log_file})")
