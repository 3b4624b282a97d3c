"""What is free of a capacity: who fits, what is kept for whom, and which GPUs a task gets."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.model.capacity import Capacity
from stepwell.scheduling.claims import GPU, WHOLE, Claims, GangClaims, amounts_of


class Room:
    """Counts down what tasks claim, and up again when they end.

    Who does not fit waits, and while it does, some is kept for it: of the kinds in its claims, in their
    order, up to and with the first of which too little is free. So of that kind there can only be more, until
    it is enough; then the next one is kept as well, and in the end the task starts. Of later kinds nothing is
    kept before: a task that waits for a licence holds no core.
    """

    __slots__ = ("_devices", "_free", "_kept")

    def __init__(self, capacity: Capacity) -> None:
        self._free = amounts_of(capacity)
        self._devices = Devices(capacity.devices)
        self._kept: dict[str, int] = {}

    def look_again(self) -> None:
        """Keep nothing any more: who waits is asked anew, in the order of turns."""
        self._kept.clear()

    def fits_or_keep(self, claims: Claims, shares: int = 1) -> bool:
        """Whether a task may start beside those that run and before those asked about earlier.

        If not, some is kept for it from those that are asked about later. ``shares`` is how often the GPUs
        are claimed.
        """
        kept = self._kept
        lacking = next((kind for kind, amount in claims if not self._has(kind, amount, shares)), None)
        if lacking is None:
            return True
        for kind, amount in claims:
            kept[kind] = kept.get(kind, 0) + amount
            if kind == lacking:
                break
        return False

    def take(self, claims: Claims) -> tuple[str, ...]:
        """Count down what a task claims that fits; return the ids of its GPUs."""
        devices: tuple[str, ...] = ()
        for kind, amount in claims:
            if kind == GPU:
                devices = self._devices.take(amount)
            else:
                self._free[kind] -= amount
        return devices

    def take_together(self, wanted: GangClaims) -> tuple[tuple[str, ...], ...]:
        """Count down what a gang claims that fits; return the ids of the GPUs of each share."""
        devices: list[tuple[str, ...]] = []
        for kind, amount in wanted.claims:
            if kind == GPU:
                devices = [self._devices.take(amount) for _ in range(wanted.shares)]
            else:
                self._free[kind] -= amount
        return tuple(devices)

    def give_back(self, claims: Claims, devices: Sequence[str]) -> None:
        """Count up what a task had claimed."""
        for kind, amount in claims:
            if kind == GPU:
                self._devices.give_back(amount, devices)
            else:
                self._free[kind] += amount

    def _has(self, kind: str, amount: int, shares: int) -> bool:
        kept = self._kept.get(kind, 0)
        if kind == GPU:  # which of them will be free for those who wait cannot be said
            return not kept and self._devices.have(amount, shares)
        return self._free[kind] - kept >= amount


class Devices:
    """The GPUs: each one task's own, or shared by tasks that ask for fractions."""

    __slots__ = ("_free",)

    def __init__(self, ids: Sequence[str]) -> None:
        self._free = dict.fromkeys(ids, WHOLE)

    def have(self, amount: int, times: int = 1) -> bool:
        """Whether so many thousandths can be given so often: whole devices, or a part of one."""
        if amount < WHOLE:
            return sum(free // amount for free in self._free.values()) >= times
        return sum(free == WHOLE for free in self._free.values()) * WHOLE >= amount * times

    def take(self, amount: int) -> tuple[str, ...]:
        """Give them. Parts are taken of the device that is fullest, so that others stay whole."""
        if amount < WHOLE:
            ids = [min((free, at) for at, free in enumerate(self._free.values()) if free >= amount)[1]]
        else:
            whole = [at for at, free in enumerate(self._free.values()) if free == WHOLE]
            ids = whole[: amount // WHOLE]
        names = tuple(self._free)
        given = tuple(names[at] for at in ids)
        for name in given:
            self._free[name] -= min(amount, WHOLE)
        return given

    def give_back(self, amount: int, ids: Sequence[str]) -> None:
        for name in ids:
            self._free[name] += min(amount, WHOLE)
