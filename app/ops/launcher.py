"""Start a server so that it dies with the process that started it.

Run by path in an isolated interpreter (`python -I -S launcher.py IDENTITY PARENT_PID SIGNAL COMMAND...`); standard library only.
It takes on the identity, asks the kernel for SIGNAL when its parent ends, and becomes COMMAND. The order matters: Linux
forgets the death signal at every change of user, so it is set last. No thread but the main one may start it, because the
kernel watches the thread that forked.

IDENTITY: `plain` keeps the user, `userns` maps root to user 1000 of a new user namespace (PostgreSQL refuses to run as
root), `UID:GID` becomes that user.
"""

import ctypes
import os
import sys

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
MAPPED_ID = 1000
EXIT_CANNOT_LAUNCH = 126


def enter_user_namespace() -> None:
    """Make this process appear as an ordinary user to itself while files stay owned by the real one; OSError when refused."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWUSER) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{MAPPED_ID} {uid} 1"), ("gid_map", f"{MAPPED_ID} {gid} 1")):
        file = os.open(f"/proc/self/{name}", os.O_WRONLY)
        os.write(file, text.encode())
        os.close(file)


def become(identity: str) -> None:
    """Take on `identity` (see the module's text)."""
    if identity == "userns":
        enter_user_namespace()
    elif identity != "plain":
        uid, gid = (int(part) for part in identity.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def die_with_parent(parent_pid: int, signal_number: int) -> None:
    """Ask for `signal_number` when the parent ends; exit at once if it already did. Does nothing where Linux is not."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(EXIT_CANNOT_LAUNCH)


def main(arguments: list[str]) -> None:
    """Become the command in `arguments`, or exit with 126 and a message on standard error."""
    identity, parent_pid, signal_number, *command = arguments
    try:
        become(identity)
        die_with_parent(int(parent_pid), int(signal_number))
        os.execv(command[0], command)  # noqa: S606 - becoming it is the purpose
    except OSError as error:
        sys.stderr.write(f"FATAL: cannot start {command[0]} as {identity}: {error}\n")
        sys.exit(EXIT_CANNOT_LAUNCH)


if __name__ == "__main__":
    main(sys.argv[1:])
