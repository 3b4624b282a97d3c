"""DECORATORS that need no back end: each writes policy, some wrap the step."""
