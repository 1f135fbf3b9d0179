"""What the cms module refuses. Codes are part of the API; sentences are msgids."""

from app.core.errors import N_, Conflict, Invalid, NotFound


class PageNotFoundException(NotFound):
    """The merchant has no such page, or none that the reader may see."""

    code = "page_not_found"
    message = N_("We could not find that page.")


class VersionNotFoundException(NotFound):
    """The page has no version with this number."""

    code = "page_version_not_found"
    message = N_("We could not find that version.")


class SlugInvalidException(Invalid):
    """The address of a page has the wrong form."""

    code = "page_slug_invalid"

    def __init__(self, sentence: str) -> None:
        super().__init__(fields={"slug": sentence})


class SlugTakenException(Conflict):
    """Another page of the same store, or of all stores, has this address."""

    code = "page_slug_taken"
    message = N_("Another page already has this address. Please choose another one.")


class SlugFixedException(Conflict):
    """A page that was published keeps its address: links lead there, and customers agreed to it by this name."""

    code = "page_slug_fixed"
    message = N_("This page was published before, so its address and its stores stay as they are.")


class PageChangedException(Conflict):
    """Somebody saved the same text after the caller had loaded it."""

    code = "page_changed"
    message = N_("Somebody else changed this text in the meantime. Please load the page again before you save.")


class PageEmptyException(Conflict):
    """No language has both a title and a text."""

    code = "page_empty"
    message = N_("Nothing to publish yet: please write a title and a text in at least one language.")


class PageUnchangedException(Conflict):
    """The draft says what the published version says."""

    code = "page_unchanged"
    message = N_("Nothing has changed since version %(number)s was published.")

    def __init__(self, number: int) -> None:
        super().__init__(params={"number": number})


class PageInUseException(Conflict):
    """A page that others rest upon cannot go."""

    code = "page_in_use"
    message = N_("Your program uses this page as its terms. Choose another page there first.")


class NoStoreException(Conflict):
    """Pages are shown at a store, and there is none yet."""

    code = "no_store"
    message = N_("Please open a store first: pages are shown there.")


class TooManyPagesException(Conflict):
    """A merchant has as many pages as there may be."""

    code = "too_many_pages"
    message = N_("You have %(count)s pages, which is the most there can be. Please delete one first.")

    def __init__(self, count: int) -> None:
        super().__init__(params={"count": count})
