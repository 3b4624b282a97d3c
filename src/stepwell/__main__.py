"""``python -m stepwell``, and the command ``stepwell``."""

from typing import NoReturn

from stepwell.runtime.signals import interrupts_deferred


def main() -> NoReturn:
    """Carry out the command line; also while it is still imported, Ctrl-C ends it without a traceback."""
    try:
        with interrupts_deferred():
            from stepwell.cli.main import main as carry_out  # inside, for that takes a moment

        carry_out()
    except KeyboardInterrupt:
        from stepwell.definition.mistakes import tell_interrupt  # as above

        tell_interrupt()


if __name__ == "__main__":
    main()
