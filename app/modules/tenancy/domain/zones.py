"""Time zones of merchants and stores: names of the IANA list, as `Europe/Luxembourg`."""

import functools
import zoneinfo

from app.modules.tenancy.errors import ZoneInvalidException

DEFAULT_ZONE = "Europe/Luxembourg"
_REGIONS = ("Africa/", "America/", "Antarctica/", "Arctic/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")


@functools.cache
def zone_names() -> frozenset[str]:
    """Return the names a merchant can choose: places, and UTC. Not the list's old aliases (EST, GB, Etc/GMT+5)."""
    names = {name for name in zoneinfo.available_timezones() if name.startswith(_REGIONS)}
    return frozenset(names | {"UTC"})


def is_valid_zone(name: str) -> bool:
    """Return whether `name` can be chosen."""
    return name in zone_names()


def require_zone(name: str, *, field: str = "timezone") -> zoneinfo.ZoneInfo:
    """Return the zone called `name`; ZoneInvalidException for `field` when it is not on the list."""
    if not is_valid_zone(name):
        raise ZoneInvalidException(field)
    return zoneinfo.ZoneInfo(name)
