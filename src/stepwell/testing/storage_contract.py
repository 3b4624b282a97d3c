"""What every storage must do. Subclass, give it a ``storage`` fixture, and run it with pytest."""

from __future__ import annotations

import threading

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

    def test_syncing_is_always_possible(self, storage: Storage) -> None:
        storage.sync()
        storage.write("k", [b"x"])
        storage.sync()
