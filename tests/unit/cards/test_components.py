"""What each component keeps."""

import base64
import functools
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

from stepwell import cards
from stepwell.cards.best_component import component_for
from stepwell.cards.texts import Html
from stepwell.datastore.cards import encode_part
from stepwell.model.card_parts import (
    ArtifactPart,
    CodePart,
    ErrorPart,
    MarkdownPart,
    MediaPart,
    ProgressPart,
    TablePart,
    TextPart,
    ValuePart,
)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)


# SPEC 13.1-3
@pytest.mark.parametrize("name", sorted(set(cards.__all__) - {"Card", "CardContainer", "get_cards"}))
def test_every_component_is_documented_and_found_where_users_look(name):
    assert getattr(cards, name).__doc__
    assert issubclass(getattr(cards, name), cards.Markdown.__mro__[1])


def test_what_is_no_component_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Markdwn"):
        cards.Markdwn


# SPEC 13.1-3
def test_text_that_is_set_in_is_shown_as_if_it_were_not():
    text = cards.Markdown("""
        # Title

            code
        """)

    assert text.part() == MarkdownPart("# Title\n\n    code")


# SPEC 13.1-3
def test_a_value_is_shown_shortly_or_in_full():
    value = {str(number): list(range(9)) for number in range(40)}

    assert len(cards.Artifact(value, "v").part().text) < len(
        cards.Artifact(value, compressed=False).part().text
    )
    assert cards.Artifact(value, "v").part().name == "v"
    assert cards.Artifact(Odd(), compressed=False).part().type.endswith("Odd")


class Odd:
    def __repr__(self):
        raise ValueError("no words")


# SPEC 13.1-3
def test_an_exception_is_shown_with_its_traceback_and_a_title():
    try:
        raise KeyError("who")
    except KeyError as error:
        part = cards.Error(error, "Not found").part()

    assert (part.title, part.type, part.message) == ("Not found", "KeyError", "'who'")
    assert 'raise KeyError("who")' in part.trace
    assert cards.Error("a text").part() == ErrorPart("Error", "", "a text")
    assert "Wordless" in cards.Error(Wordless()).part().message


class Wordless(Exception):
    def __str__(self):
        raise ValueError("no words")


# SPEC 13.1-3
def test_code_is_that_of_a_function_or_a_text():
    def doubled(x):
        return 2 * x

    assert cards.PythonCode(doubled).part() == CodePart("def doubled(x):\n    return 2 * x\n", "python")
    assert cards.PythonCode(code_string="x = 1").part().text == "x = 1"
    assert "cannot be found" in cards.PythonCode(functools.partial(doubled)).part().text


# SPEC 13.1-3
@pytest.mark.parametrize(
    ("viewer", "data", "text"),
    [
        (cards.JSONViewer, {"a": [1]}, '{\n  "a": [\n    1\n  ]\n}'),
        (cards.JSONViewer, '{"a":1}', '{\n  "a": 1\n}'),
        (cards.JSONViewer, "no json", "no json"),
        (cards.JSONViewer, {"a": {1}}, '{\n  "a": "{1}"\n}'),
        (cards.JSONViewer, {(1, 2): 3}, "{(1, 2): 3}"),
        (cards.YAMLViewer, {"b": 1, "a": [1]}, "b: 1\na:\n- 1\n"),
        (cards.YAMLViewer, "a: 1", "a: 1"),
    ],
)
def test_data_is_set_out(viewer, data, text):
    assert viewer(data).part().text == text


# SPEC 13.1-3
# SPEC 13.1-4
def test_cells_of_a_table_may_be_components():
    bar = cards.ProgressBar(max=4)
    table = cards.Table([["a", 1, 0.123456789], [None, bar, "x"]], headers=["n", 2, "v"])

    before = table.revision
    bar.update(3)

    assert table.revision > before
    assert table.part() == TablePart(
        ("n", "2", "v"),
        (
            (TextPart("a"), TextPart("1"), TextPart("0.123457")),
            (TextPart("None"), ProgressPart(3, 4), TextPart("x")),
        ),
    )
    assert cards.Table([[bar]], disable_updates=True).revision == 0


# SPEC 13.1-8
def test_a_cell_that_cannot_be_written_leaves_the_others_as_they_are():
    row = cards.Table([["a", Wordless(), 10**5000, [[1]]]]).part().rows[0]

    assert [type(cell) for cell in row] == [TextPart, TextPart, TextPart, ArtifactPart]
    assert row[0].text == "a" and "Wordless" in row[1].text and row[2].text


# SPEC 13.1-8
def test_data_that_is_nested_deeply_is_no_page_that_is():
    nested = functools.reduce(lambda inner, _: [inner], range(300), 1)

    assert "[[[" in component_for(nested).part().rows[0][0].text


# SPEC 13.1-3
def test_a_data_frame_is_cut_to_what_can_be_read_and_says_so():
    frame = pd.DataFrame({f"c{number}": range(150) for number in range(40)})

    cut, whole = (
        cards.Table.from_dataframe(frame).part(),
        cards.Table.from_dataframe(frame, truncate=False).part(),
    )

    assert (len(cut.rows), len(cut.headers), cut.note) == (100, 30, "100 of 150 rows and 30 of 40 columns")
    assert (len(whole.rows), len(whole.headers), whole.note) == (150, 40, "")


# SPEC 13.1-3
def test_the_names_of_rows_are_shown_if_there_are_any():
    named = pd.DataFrame({"v": [1.5, 2]}, index=pd.Index(["a", "b"], name="who"))

    assert cards.Table.from_dataframe(named).part() == TablePart(
        ("who", "v"), ((TextPart("a"), TextPart("1.5")), (TextPart("b"), TextPart("2")))
    )
    assert component_for(pl.DataFrame({"v": [1]})).part() == TablePart(("v",), ((TextPart("1"),),))


# SPEC 13.1-3
def test_an_image_is_its_bytes_or_a_path_and_what_is_none_is_told(tmp_path):
    file = tmp_path / "x.png"
    file.write_bytes(PNG)

    assert cards.Image(PNG, "dot").part() == MediaPart("image", "image/png", PNG, "dot")
    assert cards.Image(str(file)).part().data == PNG
    assert cards.Image(b"<svg xmlns='x'/>").part().mime == "image/svg+xml"
    assert "no image of a known format" in cards.Image(b"abc").part().message
    assert "cannot be read" in cards.Image("nowhere.png").part().title


# SPEC 13.1-3
def test_plots_and_pictures_become_images():
    class Figure:
        def savefig(self, file, **options):
            file.write(PNG)

    class Axes:
        def get_figure(self):
            return Figure()

    class Picture:
        mode = "CMYK"

        def convert(self, mode):
            return self

        def save(self, file, format):
            file.write(PNG)

    for plot in (Figure(), Axes(), np.array([[Axes(), Axes()]], dtype=object)):
        assert cards.Image.from_matplotlib(plot, "p").part() == MediaPart("image", "image/png", PNG, "p")
    assert cards.Image.from_pil_image(Picture()).part().data == PNG


# SPEC 13.2-4
def test_a_large_image_gets_a_warning():
    with pytest.warns(UserWarning, match=r"has 10\.5 MB"):
        cards.Image(PNG + bytes(10_500_000))


# SPEC 13.1-4
@pytest.mark.parametrize(
    ("made", "mime"),
    [
        (cards.Audio(b"RIFF....WAVE"), "audio/wav"),
        (cards.Audio(b"OggS"), "audio/ogg"),
        (cards.Video(b"OggS"), "video/ogg"),
        (cards.Video(b"....ftypisom"), "video/mp4"),
        (cards.Download("a,b", "t.csv"), "text/csv"),
        (cards.Download(b"\0", "model"), "application/octet-stream"),
    ],
)
def test_sounds_films_and_files_are_known_by_their_format(made, mime):
    assert made.part().mime == mime


# SPEC 13.1-3
def test_a_box_shows_numbers_as_people_read_them_and_changes_what_is_given():
    box = cards.ValueBox("Rows", 1234567, "in all", "success", "+3 %")
    assert box.part() == ValuePart("Rows", "1,234,567", "in all", "+3 %", "success")

    before = box.revision
    box.update(value=0.5)

    assert box.revision > before
    assert box.part() == ValuePart("Rows", "0.5", "in all", "+3 %", "success")


# SPEC 13.1-3
def test_a_timeline_keeps_the_latest_events():
    line = cards.EventsTimeline("What happened", max_events=2)
    for number in range(3):
        line.update({"n": number}, payloads={"more": {"a": 1}}, at=datetime.fromtimestamp(number, UTC))
    line.update({"n": 1234}, style_theme="error", finished=True, at=datetime.fromtimestamp(9, UTC))

    part = line.part()
    assert [(event.at, event.fields) for event in part.events] == [(9, {"n": "1,234"}), (2, {"n": "2"})]
    assert (part.total, part.finished, part.events[0].theme) == (4, True, "error")
    assert part.events[1].parts["more"].language == "json"


# SPEC 13.1-4
def test_columns_and_tabs_hold_others_and_change_with_them():
    bar = cards.ProgressBar()
    columns = cards.Columns("a", ["b", bar])
    tabs = cards.Tabs({"One": columns, "Two": [3]})

    assert [len(column) for column in columns.part().columns] == [1, 2]
    assert [title for title, _ in tabs.part().tabs] == ["One", "Two"]
    bar.update(1)
    assert columns.revision == tabs.revision == 1
    assert encode_part(tabs.part())


# SPEC 13.1-4
@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("**a**", MarkdownPart("**a**")),
        (3, ArtifactPart("", "int", "3")),
        ({"a": 1}, CodePart('{\n  "a": 1\n}', "json")),
        ([["a"], ["b"]], TablePart((), ((TextPart("a"),), (TextPart("b"),)))),
        ([[1], [2, 3]], ArtifactPart("", "list", "[[1], [2, 3]]")),
        ([], ArtifactPart("", "list", "[]")),
        (pd.Series([1], name="s"), TablePart(("s",), ((TextPart("1"),),))),
        (ValueError("x"), ErrorPart("ValueError", "ValueError", "x")),
        (Html("<p>"), Html("<p>").part()),
    ],
)
def test_a_value_is_shown_by_the_best_component(value, part):
    shown = component_for(value).part()

    assert shown == part or (isinstance(part, ErrorPart) and shown.message == part.message)


# SPEC 13.1-8
def test_a_value_that_its_library_cannot_show_is_an_error_on_the_card():
    frame = type("DataFrame", (), {"__module__": "pandas.core"})()

    assert "AttributeError" in component_for(frame).part().type
