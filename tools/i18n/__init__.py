"""Keeps the catalogs of translations complete: `python -m tools.i18n extract | fill | missing | check`."""
