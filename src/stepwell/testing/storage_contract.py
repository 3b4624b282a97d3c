"""What every storage must do. Subclass, give it a ``storage`` fixture, and run it with pytest."""

from __future__ import annotations

import math
import threading
import time

from stepwell.datastore.storage import Storage


class StorageContract:
    """The promises of the storage port, each as a test."""

    def test_what_was_written_is_read(self, storage: Storage) -> None:
        assert storage.write("a/b", [b"one ", bytearray(b"two "), memoryview(b"three")])
        assert storage.read("a/b") == b"one two three"
        assert storage.read("a/b", 4, 3) == b"two"
        assert storage.read("a/b", 100, 3) == b""
        assert storage.size("a/b") == 13

    def test_what_is_not_there_is_none(self, storage: Storage) -> None:
        assert storage.read("no/such") is None
        assert storage.map("no/such") is None
        assert storage.size("no/such") is None
        assert not storage.untouched("no/such")

    def test_the_second_writer_changes_nothing(self, storage: Storage) -> None:
        assert storage.write("k", [b"first"])
        assert not storage.write("k", [b"second"])
        assert storage.read("k") == b"first"

    def test_of_many_writers_one_wins(self, storage: Storage) -> None:
        won: list[bool] = []

        def write(number: int) -> None:
            won.append(storage.write("k", [b"%d" % number]))

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(won) == [False] * 7 + [True]

    def test_a_late_key_is_asked_for_once(self, storage: Storage) -> None:
        asked: list[str] = []

        def key() -> str:
            asked.append("late")
            return "late/key"

        assert storage.write(key, [b"x"])
        assert asked == ["late"]
        assert storage.read("late/key") == b"x"

    def test_replacing_makes_and_changes(self, storage: Storage) -> None:
        storage.replace("k", b"old")
        storage.replace("k", b"new")
        assert storage.read("k") == b"new"

    def test_a_mapped_object_is_private_and_writable(self, storage: Storage) -> None:
        content = b"x" * 1_000_000
        storage.write("big", [content])
        view = storage.map("big")
        assert view is not None
        view[0] = 0
        assert storage.read("big") == content
        storage.delete(["big"])
        assert view[1:] == memoryview(content)[1:]

    def test_an_empty_object_is_an_object(self, storage: Storage) -> None:
        storage.write("empty", [])
        view = storage.map("empty")
        assert storage.read("empty") == b""
        assert view is not None and len(view) == 0

    def test_listing_is_sorted_and_bound_to_the_folder(self, storage: Storage) -> None:
        for key in ("f/b", "f/a/z", "f/a-b", "f/a.b", "fg", "e"):
            storage.write(key, [b""])
        assert list(storage.list("f")) == ["f/a-b", "f/a.b", "f/a/z", "f/b"]
        assert list(storage.list("")) == ["e", "f/a-b", "f/a.b", "f/a/z", "f/b", "fg"]
        assert list(storage.list("none")) == []

    def test_deleting_twice_is_no_error(self, storage: Storage) -> None:
        storage.write("k", [b"x"])
        storage.delete(["k", "never"])
        storage.delete(["k"])
        assert storage.read("k") is None

    def test_what_is_older_than_something_is_discarded_and_nothing_else(self, storage: Storage) -> None:
        for key in ("a/old", "a/older"):
            storage.write(key, [b"x"])
        before = _a_later_time(storage)
        storage.write("a/young", [b"x"])

        gone = storage.discard(["a/old", "a/older", "a/young", "never"], before)

        assert sorted(gone) == ["a/old", "a/older"]
        assert list(storage.list("")) == ["a/young", "clock"]
        assert storage.discard(["a/old"], before) == []

    def test_what_is_renewed_is_as_young_as_one_written_now(self, storage: Storage) -> None:
        storage.write("k", [b"x" * 300_000])
        was = storage.written_at("k")
        before = _a_later_time(storage)

        assert storage.renew("k")

        now = storage.written_at("k")
        assert was is not None and now is not None and was < before <= now
        assert storage.discard(["k"], before) == []
        assert storage.read("k") == b"x" * 300_000

    def test_what_is_not_there_cannot_be_renewed_and_has_no_age(self, storage: Storage) -> None:
        storage.write("k", [b"x"])
        assert storage.discard(["k"], math.inf) == ["k"]

        assert not storage.renew("k")
        assert storage.written_at("k") is None
        assert storage.write("k", [b"y"])
        assert storage.read("k") == b"y"

    def test_replacing_makes_an_object_young(self, storage: Storage) -> None:
        storage.replace("k", b"x")
        before = _a_later_time(storage)

        storage.replace("k", b"y")

        assert storage.discard(["k"], before) == []

    def test_an_object_is_either_renewed_or_discarded(self, storage: Storage) -> None:
        for _ in range(40):
            storage.write("k", [b"x"])
            before = _a_later_time(storage)
            both = threading.Barrier(2)
            renewed: list[bool] = []

            def rely(both: threading.Barrier = both, renewed: list[bool] = renewed) -> None:
                both.wait()
                renewed.append(storage.renew("k"))

            thread = threading.Thread(target=rely)
            thread.start()
            both.wait()
            gone = storage.discard(["k"], before)
            thread.join()

            if renewed == [True]:
                assert gone == []
            assert storage.read("k") == (None if gone else b"x")

    def test_many_can_write_where_folders_vanish(self, storage: Storage) -> None:
        over = threading.Event()

        def delete() -> None:
            # With a pause: a thread that spins gives the other no turn between two calls of the system.
            while not over.wait(0.0005):
                storage.delete(["deep/er/one"])

        thread = threading.Thread(target=delete)
        thread.start()
        try:
            for number in range(300):
                assert storage.write(f"deep/er/{number}", [b"x"])
                storage.delete([f"deep/er/{number}"])
        finally:
            over.set()
            thread.join()

    def test_without_leftovers_there_is_nothing_to_clear(self, storage: Storage) -> None:
        storage.write("k", [b"x"])
        storage.replace("k", b"y")

        assert storage.clear_leftovers(math.inf, dry_run=True) == 0
        assert storage.clear_leftovers(math.inf) == 0
        assert storage.read("k") == b"y"

    def test_syncing_is_always_possible(self, storage: Storage) -> None:
        storage.sync()
        storage.write("k", [b"x"])
        storage.sync()


def _a_later_time(storage: Storage) -> float:
    """Return a time by the storage's clock that is later than that of all that was written so far."""
    storage.replace("clock", b"")
    first = now = storage.written_at("clock")
    assert first is not None
    while now is None or now <= first:
        time.sleep(0.001)
        storage.replace("clock", b"")
        now = storage.written_at("clock")
    return now
