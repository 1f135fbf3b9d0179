"""Business time comes from `ctx.now`; app/core/clock.py is the only reader of the machine's clock."""

from collections.abc import Iterator

from tools.ast_rules.engine import Finding, Rule, Source

_READERS = frozenset({"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"})


def _find_clock_reads(source: Source) -> Iterator[Finding]:
    if source.is_under("app/core/clock.py", "tools"):
        return
    for call, name in source.calls():
        if ".".join(name.split(".")[-2:]) in _READERS:
            yield call.lineno, f"{name}() reads the clock: use ctx.now, or clock.now() where there is no context"


RULES = (Rule("clock", _find_clock_reads),)
