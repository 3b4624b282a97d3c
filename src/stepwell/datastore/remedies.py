"""What to do about results that are damaged or gone: the words that every error about them ends with."""

RESULT_LOST = (
    "`python flow.py continue RUN` computes it again; if the run has succeeded, `python flow.py resume "
    "--origin-run-id RUN` does so in a new run."
)
