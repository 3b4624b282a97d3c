"""Which view of a run fits where it is shown."""

from __future__ import annotations

from stepwell.cli.context import CliContext
from stepwell.cli.views import View, ViewOptions
from stepwell.settings.terminal import wants_plain_lines

NARROW = 60


def choose_view(context: CliContext, options: ViewOptions) -> View:
    """Return JSON lines if asked for, a live view on a terminal that can show one, else plain lines."""
    console = context.console
    if options.as_json:
        from stepwell.cli.json_lines import JsonLines

        return JsonLines(console, options)
    plain = options.plain or context.quiet or wants_plain_lines()
    if console.out.isatty() and not plain and _wide_enough():
        from stepwell.cli.live_view import LiveView  # rich costs 50 ms

        return LiveView(console, options)
    from stepwell.cli.progress_lines import ProgressLines

    quiet = ViewOptions(
        verbose=options.verbose,
        quiet=context.quiet,
        full_traceback=options.full_traceback,
        show_logs=options.show_logs,
    )
    return ProgressLines(console, quiet)


def _wide_enough() -> bool:
    from shutil import get_terminal_size  # 6 ms that a pipe need not pay

    return get_terminal_size().columns >= NARROW
