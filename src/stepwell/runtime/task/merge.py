"""``merge_artifacts``: a join takes over what its inputs agree on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from stepwell.exceptions import (
    MissingInMergeArtifactsException,
    StepArgumentError,
    UnhandledInMergeArtifactsException,
)
from stepwell.model.artifact import ArtifactEntry

Manifest = Mapping[str, ArtifactEntry]


def merged(
    manifests: Iterable[Manifest],
    already_set: Collection[str],
    exclude: Sequence[str] | None,
    include: Sequence[str] | None,
) -> dict[str, ArtifactEntry]:
    """Return the entries to take over: those on which every input that has them agrees.

    Parameters
    ----------
    manifests
        What each input can see, one at a time.
    already_set
        Names that are not touched: set on ``self``, or fixed for the run.

    Raises
    ------
    StepArgumentError
        Both ``exclude`` and ``include`` are given.
    UnhandledInMergeArtifactsException, MissingInMergeArtifactsException
    """
    if exclude and include:
        raise StepArgumentError("`merge_artifacts` takes `exclude` or `include`, not both.")
    for option, names in (("exclude", exclude), ("include", include)):
        if isinstance(names, str):
            raise StepArgumentError(
                f"`{option}` of `merge_artifacts` takes a list of names: write `{option}=[{names!r}]`."
            )
    wanted = None if include is None else frozenset(include)
    skipped = frozenset(exclude or ()).union(already_set)
    found: dict[str, ArtifactEntry] = {}
    conflicts: set[str] = set()
    for manifest in manifests:
        for name, entry in manifest.items():
            if name in skipped or (wanted is not None and name not in wanted):
                continue
            first = found.setdefault(name, entry)
            if (first.digest, first.serializer) != (entry.digest, entry.serializer):
                conflicts.add(name)
    _check(conflicts, () if wanted is None else sorted(wanted - found.keys() - set(already_set)))
    return found


def _check(conflicts: Collection[str], missing: Sequence[str]) -> None:
    if conflicts:
        names = sorted(conflicts)
        raise UnhandledInMergeArtifactsException(
            f"The inputs disagree about {', '.join(names)}. Set each of them on `self` before "
            f"`merge_artifacts`, as in `self.{names[0]} = inputs[0].{names[0]}`, or exclude them: "
            f"`self.merge_artifacts(inputs, exclude={names})`.",
            names,
        )
    if missing:
        raise MissingInMergeArtifactsException(
            f"No input has {', '.join(missing)}, which `include` of `merge_artifacts` names. "
            "Check the spelling, or leave it out.",
            missing,
        )
