"""The one error that the command line shows as a sentence instead of a traceback."""

import errno
from pathlib import Path

from pydantic import ValidationError

from app.core.config import ConfigurationError


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


def explain_for_operator(error: BaseException) -> str | None:
    """Return one sentence about an error that an operator can act on; None for one that is a fault of the program."""
    if isinstance(error, OpsException | ConfigurationError):
        return str(error)
    if isinstance(error, ValidationError) and error.title == "Settings":
        return explain_settings(error)
    if type(error).__name__ == "UndefinedTableError":  # the driver's, which a quick command does not import
        return "The database has no tables for this, or older ones: run `orion migrate` first."
    if isinstance(error, ConnectionError | TimeoutError):
        return f"No answer: {error.strerror or 'it took too long'}."
    if isinstance(error, OSError) and error.errno is not None:
        return str(explain_os_error(error, "reading or writing"))
    return None


def explain(error: BaseException) -> str:
    """Return one sentence about any error."""
    lines = str(error).strip().splitlines()
    return explain_for_operator(error) or f"{type(error).__name__}: {lines[0] if lines else 'no further message'}"


def explain_settings(error: ValidationError) -> str:
    """Return one sentence that names the settings that are wrong, never their values."""
    faults = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        name = "_".join(str(part) for part in fault["loc"]).upper()
        faults.append(f"ORION_{name}: {fault['msg']}" if name else fault["msg"].removeprefix("Value error, "))
    return "Wrong settings in .env or the environment: " + "; ".join(faults) + "."
