"""Gives a Jinja environment `_`, `ngettext`, `{% trans %}` and the CLDR filters, all following the current locale."""

from collections.abc import Callable, Mapping

from jinja2 import Environment, pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape

from app.core.i18n import catalogs, formatting
from app.core.i18n.locale import current_locale


def install(environment: Environment) -> None:
    """Install the text functions (newstyle: values are keywords and get escaped) and the formatting filters."""
    environment.add_extension("jinja2.ext.i18n")
    environment.newstyle_gettext = True  # type: ignore[attr-defined]  # set by the extension
    environment.globals.update(
        {
            "_": _gettext,
            "gettext": _gettext,
            "ngettext": _ngettext,
            "pgettext": _pgettext,
            "npgettext": _npgettext,
            "current_locale": current_locale,
            "script_messages": catalogs.script_messages,
        }
    )
    filters: dict[str, Callable[..., str]] = {
        "money": formatting.money,
        "number": formatting.number,
        "percent": formatting.percent,
        "date": formatting.date,
        "local_date": formatting.local_date,
        "time": formatting.time,
        "datetime": formatting.datetime,
        "relative": formatting.relative,
        "duration": formatting.duration,
        "seconds": formatting.seconds,
        "join_list": formatting.join,
        "language_name": formatting.language_name,
    }
    environment.filters.update(filters)


def _escape_value(value: object) -> str:
    return str(escape(value))


def _fill(context: EvalContext, text: str, params: Mapping[str, object], is_ours: bool) -> str:
    """Our own texts may carry markup; values never do, and neither does a text that no catalog knows."""
    if not context.autoescape:
        return catalogs.interpolate(text, params)
    template = text if is_ours else _escape_value(text)
    return Markup(catalogs.interpolate(template, params, _escape_value))  # noqa: S704  # escaped above, value by value


@pass_eval_context
def _gettext(context: EvalContext, message: str, /, **params: object) -> str:
    return _fill(context, catalogs.lookup(current_locale(), message), params, catalogs.is_known(message))


@pass_eval_context
def _pgettext(context: EvalContext, message_context: str, message: str, /, **params: object) -> str:
    text = catalogs.lookup(current_locale(), message, message_context)
    return _fill(context, text, params, catalogs.is_known(message, message_context))


@pass_eval_context
def _ngettext(context: EvalContext, singular: str, plural: str, num: int | float, /, **params: object) -> str:
    text = catalogs.lookup_plural(current_locale(), singular, plural, num)
    return _fill(context, text, {"num": num, **params}, catalogs.is_known(singular))


@pass_eval_context
def _npgettext(context: EvalContext, message_context: str, singular: str, plural: str, num: int | float, /, **params: object) -> str:
    text = catalogs.lookup_plural(current_locale(), singular, plural, num, message_context)
    return _fill(context, text, {"num": num, **params}, catalogs.is_known(singular, message_context))
