"""`current.card`: what a step puts on its cards is stored as it comes, and nothing of it fails the task."""

import os
import threading

import pytest

from stepwell.cards.component import Component
from stepwell.cards.live import ProgressBar
from stepwell.cards.texts import Markdown
from stepwell.datastore.datastore import Datastore
from stepwell.exceptions import StoreUnavailable
from stepwell.model.card_parts import ArtifactPart, MarkdownPart, ProgressPart
from stepwell.model.ids import TaskKey
from stepwell.model.policy import CardPolicy
from stepwell.runtime.task.task_cards import TaskCards
from stepwell.storages.memory import MemoryStorage

KEY = TaskKey("F", "1", "work", "12")


@pytest.fixture
def storage():
    return Full()


@pytest.fixture
def cards_of(storage):
    datastore = Datastore.open(storage)
    made = []

    def make(*policies):
        made.append(TaskCards(datastore, KEY, 0, policies or (CardPolicy(),)))
        return made[-1]

    yield make
    for cards in made:
        cards.close()


class Full(MemoryStorage):
    """A storage that can be full."""

    is_full = False

    def replace(self, key, data):
        if self.is_full:
            raise StoreUnavailable("the disk is full")
        super().replace(key, data)


def stored(storage, card=0):
    return Datastore(storage).cards().of_task(KEY, 0)[card].parts


def texts(storage, card=0):
    return [part.text for part in stored(storage, card)]


# SPEC 13.1-9
def test_what_is_appended_is_stored_at_once(cards_of, storage):
    cards = cards_of()

    assert stored(storage) == ()
    cards.append(Markdown("a"))
    assert stored(storage) == (MarkdownPart("a"),)
    cards.extend([Markdown("b"), Markdown("c")])
    assert texts(storage) == ["a", "b", "c"]


# SPEC 13.1-2
def test_components_are_found_by_place_and_id_and_cleared(cards_of, storage):
    cards = cards_of()
    bar = ProgressBar()
    cards.append("a", id="note")
    cards.append(bar)

    assert [cards.components[0].part(), cards.components["note"].part()] == [MarkdownPart("a")] * 2
    assert [*cards.components][1] is bar and bar in cards.components and "note" in cards.components
    assert len(cards.components) == 2 and "other" not in cards.components
    cards.clear()
    cards.append("b")
    assert texts(storage) == ["b"] and len(cards.components) == 1


# SPEC 13.1-4
def test_any_other_value_is_shown_by_a_component(cards_of, storage):
    cards_of().append({3})

    assert stored(storage) == (ArtifactPart("", "set", "{3}"),)


# SPEC 13.1-2
@pytest.mark.parametrize(
    ("policies", "meant"),
    [
        ([CardPolicy(id="only")], 0),
        ([CardPolicy(id="a"), CardPolicy()], 1),
        ([CardPolicy(id="a"), CardPolicy(), CardPolicy(id="b", customize=True)], 1),
        ([CardPolicy(id="a"), CardPolicy(id="b", customize=True)], 1),
        ([CardPolicy(type="taskspec_card"), CardPolicy(id="b")], 1),
        ([CardPolicy(), CardPolicy(), CardPolicy(id="b", customize=True)], 2),
    ],
)
def test_without_an_id_one_card_is_meant(cards_of, storage, policies, meant):
    cards_of(*policies).append("x")

    assert [len(stored(storage, card)) for card in range(len(policies))] == [
        int(card == meant) for card in range(len(policies))
    ]


# SPEC 13.1-2
def test_where_several_could_be_meant_nothing_is_done_and_it_is_said_once(cards_of, storage, capsys):
    cards = cards_of(CardPolicy(id="a"), CardPolicy(id="b"))

    cards.append("x")
    cards.append("y")
    cards.clear()

    assert (stored(storage, 0), stored(storage, 1), len(cards.components)) == ((), (), 0)
    said = capsys.readouterr().err
    assert said.count("could mean several cards") == 1 and "('a', 'b')" in said


# SPEC 13.1-2
def test_a_step_without_a_card_that_takes_components_is_told(cards_of, capsys):
    cards_of(CardPolicy(type="taskspec_card")).append("x")

    assert "No card of this step takes components" in capsys.readouterr().err


# SPEC 13.1-2
def test_a_card_is_named_by_its_id_and_can_be_given_a_list(cards_of, storage):
    cards = cards_of(CardPolicy(), CardPolicy(id="b", type="blank"))

    cards["b"].append("old")
    cards["b"] = ["x", Markdown("y")]

    assert texts(storage, 1) == ["x", "y"] and stored(storage, 0) == ()
    assert [editor.id for editor in cards.get(type="blank")] == ["b"]
    assert [editor.id for editor in cards.get()] == [None, "b"]


# SPEC 13.1-8
def test_an_id_that_there_is_not_is_told_once_and_does_nothing(cards_of, storage, capsys):
    cards = cards_of(CardPolicy(id="a"))

    cards["b"].append("x")
    cards["b"] = ["y"]
    cards["b"].refresh()

    assert stored(storage) == ()
    assert capsys.readouterr().err.count("There is no card with the id 'b'") == 1


# SPEC 13.1-3
def test_what_has_changed_is_stored_by_refresh(cards_of, storage):
    cards = cards_of()
    bar = ProgressBar(max=10)
    cards.append(bar)

    bar.update(3, metadata="m")
    assert stored(storage) == (ProgressPart(0, 10),)
    cards.refresh()
    assert stored(storage) == (ProgressPart(3, 10, metadata="m"),)


# SPEC 13.1-7
def test_calls_that_follow_each_other_are_merged_and_the_last_state_is_stored(cards_of, storage):
    cards = cards_of(CardPolicy(refresh_interval_s=1000))
    bar = ProgressBar(max=10)
    cards.append(bar)
    for value in range(1, 8):
        bar.update(value)
        cards.refresh()

    assert stored(storage) == (ProgressPart(1, 10),)
    cards.refresh(force=True)
    assert stored(storage) == (ProgressPart(7, 10),)
    bar.update(9)
    cards.close()
    assert stored(storage) == (ProgressPart(9, 10),)


# SPEC 13.1-7
def test_the_last_state_is_stored_also_while_the_step_goes_on_with_something_else(cards_of, storage):
    cards = cards_of(CardPolicy(refresh_interval_s=0.05))
    bar = Watched()
    cards.append(bar)
    cards.refresh(force=True)
    bar.number = 5
    cards.refresh()

    assert bar.is_stored.wait(60)
    cards.close()
    assert texts(storage) == ["5"]


class Watched(Component):
    """Tells when its fifth revision is asked for what it shows."""

    def __init__(self):
        self.number = 0
        self.is_stored = threading.Event()

    @property
    def revision(self):
        return self.number

    def part(self):
        if self.number == 5:
            self.is_stored.set()
        return MarkdownPart(str(self.number))


# SPEC 13.1-8
def test_a_component_that_cannot_be_shown_is_said_and_leaves_a_word(cards_of, storage, capsys):
    class Wordless(Exception):
        def __str__(self):
            raise ValueError("no words")

    class Broken(Component):
        def __init__(self, error):
            self.error = error

        def part(self):
            raise self.error

    cards = cards_of()
    cards.append(Broken(ValueError("no")))
    cards.append(Broken(Wordless()))
    cards.append("after")

    first, second, third = texts(storage)
    assert (first, third) == ("Broken cannot be shown: no", "after")
    assert second.startswith("Broken cannot be shown: ") and "Wordless" in second
    assert "A Broken on the card cannot be shown: ValueError: no" in capsys.readouterr().err


# SPEC 13.1-8
def test_a_full_datastore_does_not_fail_the_step_and_what_was_lost_is_stored_later(cards_of, storage, capsys):
    storage.is_full = True
    cards = cards_of()
    cards.append("a")
    cards.append("b")
    said = capsys.readouterr().err
    storage.is_full = False
    cards.close()

    assert said.count("the disk is full") == 1
    assert texts(storage) == ["a", "b"]


# SPEC 13.1-8
def test_a_child_process_of_the_task_changes_nothing(cards_of, storage, capfd):
    cards = cards_of()
    pid = os.fork()
    if not pid:
        cards.append("x")
        cards.close()
        os._exit(0)
    os.waitpid(pid, 0)
    cards.append("y")

    assert texts(storage) == ["y"]
    assert "in a child process of the task does nothing" in capfd.readouterr().err
