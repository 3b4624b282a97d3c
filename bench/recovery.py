"""What it costs to go on with a run whose foreach is done and whose last step failed."""

from __future__ import annotations

from functools import partial

from cases import Row, Scale, against, ms
from timing import FLOWS, Measured, interleaved, run_flow


def recovery(scale: Scale) -> list[Row]:
    """`resume` and `continue` beside Metaflow's `resume`, and of a wide run alone; whole commands."""
    narrow, wide = scale.metaflow_fan, scale.resumed_fan
    resumed, continued = interleaved(
        scale.repeats,
        partial(_again, "stepwell", narrow, "resume"),
        partial(_again, "stepwell", narrow, "continue"),
    )
    (theirs,) = interleaved(scale.metaflow_repeats, partial(_again, "metaflow", narrow, "resume"))
    wide_resumed, wide_continued = interleaved(
        scale.metaflow_repeats,
        partial(_again, "stepwell", wide, "resume"),
        partial(_again, "stepwell", wide, "continue"),
    )
    return [
        against(f"`resume` of a run of {narrow} tasks, of which the last failed", resumed, theirs),
        against("`continue` of the same, against Metaflow's `resume`", continued, theirs),
        Row(f"`resume` of a run of {wide:,} tasks", ms(wide_resumed.seconds)),
        Row(f"`continue` of a run of {wide:,} tasks", ms(wide_continued.seconds)),
    ]


def _again(framework: str, width: int, command: str) -> Measured:
    splits = ("--max-num-splits", str(width))
    first = ("run", "--width", str(width), *splits)
    # Metaflow reads the limit from each command line that it is given, `continue` from the run.
    options = (command, *(splits if command == "resume" else ()))
    return run_flow(framework, FLOWS / "fan.py", *options, after=first)
