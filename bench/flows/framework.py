"""Which framework runs the measured flows; their source is the same for both."""

import os

if os.environ.get("BENCH_FRAMEWORK") == "metaflow":
    from metaflow import FlowSpec, Parameter, step
else:
    from stepwell import FlowSpec, Parameter, step

__all__ = ["FlowSpec", "Parameter", "note", "step"]


def note(name: str, value: float) -> None:
    """Tell the benchmark a number measured inside a task."""
    with open(os.environ["BENCH_NOTES"], "a") as notes:
        notes.write(f"{name} {value!r}\n")
