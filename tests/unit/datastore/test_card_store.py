"""Where cards live."""

import msgspec
import pytest

from stepwell.datastore.cards import Cards, encode_part
from stepwell.datastore.layout import OF_TASKS, card_head_key, card_part_key, object_of
from stepwell.exceptions import DataException
from stepwell.model.card import CardHead
from stepwell.model.card_parts import Event, MarkdownPart, MediaPart, TablePart, TextPart, TimelinePart
from stepwell.model.ids import TaskKey
from stepwell.storages.memory import MemoryStorage

KEY = TaskKey("F", "1", "work", "12")


@pytest.fixture
def storage():
    return MemoryStorage()


@pytest.fixture
def cards(storage):
    return Cards(storage, lambda key, attempt: None)


def put(cards, *parts, key=KEY, attempt=0, card=0, first=0):
    cards.begin(key, attempt, card, CardHead(type="default"))
    for number, part in enumerate(parts, first):
        cards.put(key, attempt, card, number, encode_part(part))


def test_a_card_is_there_from_its_beginning_and_grows(cards):
    cards.begin(KEY, 0, 0, CardHead(type="blank", id="a", options={"title": "T"}))
    (before,) = cards.of_task(KEY, 0)
    cards.put(KEY, 0, 0, 0, encode_part(TextPart("x")))
    (after,) = cards.of_task(KEY, 0)

    assert (before.head.type, before.head.id, before.head.options, before.parts) == (
        "blank", "a", {"title": "T"}, (),
    )  # fmt: skip
    assert after.parts == (TextPart("x"),)
    assert after.path == before.path and after.hash != before.hash


def test_components_come_in_the_order_of_their_numbers_however_many_there_are(cards):
    put(cards, *(TextPart(str(number)) for number in range(12)), first=995)

    assert [part.text for part in cards.of_task(KEY, 0)[0].parts] == [str(number) for number in range(12)]


def test_half_characters_are_replaced_and_all_else_is_stored(cards):
    table = TablePart(("name\ud800",), ((TextPart("x\udcff"), MediaPart("image", "image/png", b"\xff")),))
    event = TimelinePart("t", (Event(1.0, {"k\ud800": "v"}),), 1)
    put(cards, table, event)

    assert cards.of_task(KEY, 0)[0].parts == (
        TablePart(("name?",), ((TextPart("x?"), MediaPart("image", "image/png", b"\xff")),)),
        TimelinePart("t", (Event(1.0, {"k?": "v"}),), 1),
    )


def test_a_component_can_be_replaced_and_removed(cards):
    put(cards, TextPart("a"), TextPart("b"), TextPart("c"))

    cards.put(KEY, 0, 0, 1, encode_part(TablePart(("h",), ((MarkdownPart("x"),),))))
    cards.remove(KEY, 0, 0, [0])

    assert cards.of_task(KEY, 0)[0].parts == (TablePart(("h",), ((MarkdownPart("x"),),)), TextPart("c"))


def test_the_latest_attempt_that_has_begun_is_shown(cards):
    put(cards, TextPart("first"), attempt=0)
    put(cards, TextPart("second"), attempt=1)

    assert [cards.of_task(KEY, attempt)[0].parts[0].text for attempt in (0, 1, 2)] == [
        "first", "second", "second",
    ]  # fmt: skip
    assert cards.of_task(KEY.sibling("work", "1"), 0) == []


# SPEC 13.2-1
def test_the_cards_of_a_task_that_did_not_run_are_those_of_the_one_that_did(storage):
    origin = TaskKey("F", "7", "work", "3")
    cards = Cards(storage, lambda key, attempt: (origin, 0) if key == KEY else None)
    put(cards, TextPart("there"), key=origin)

    assert cards.of_task(KEY, 2)[0].parts == (TextPart("there"),)
    assert cards.of_task(KEY, 2, follow=False) == []


def test_a_damaged_card_is_told_by_name(cards, storage):
    put(cards, TextPart("a"))
    storage.replace(card_part_key(KEY, 0, 0, 0), msgspec.msgpack.encode({"part": "nonsense"}))

    with pytest.raises(DataException, match=r"Card 0 of F/1/work/12 .* is damaged"):
        cards.of_task(KEY, 0)


@pytest.mark.parametrize("task", ["12", "argo-x1", "50%, ü"])
@pytest.mark.parametrize("number", [None, 3, 12_345])
def test_the_keys_of_a_card_tell_whose_it_is(task, number):
    key = TaskKey("F", "1", "cards", task)

    found = object_of(card_head_key(key, 2, 1) if number is None else card_part_key(key, 2, 1, number))

    assert found is not None and found.kind in OF_TASKS
    assert (found.flow, found.run, found.kind, found.step, found.task) == ("F", "1", "cards", "cards", task)
