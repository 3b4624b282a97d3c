"""From values to a page: one file, safe, readable offline."""

import re
from html.parser import HTMLParser

import msgspec
import pytest

from stepwell import cards
from stepwell.cards.graph_picture import inside_foreach
from stepwell.cards.page import CardPage, Fact, StepNode, ValueRow
from stepwell.cards.rendering import rendered
from stepwell.cards.rich_text import markdown
from stepwell.model.card_parts import ErrorPart

EVIL = "<script>alert(1)</script>\"'&"
GRAPH = (
    StepNode("start", ("fit",), "split-foreach", "join"),
    StepNode("fit", ("again",), "linear"),
    StepNode("again", ("fit", "join"), "split-switch"),
    StepNode("join", ("end",), "join"),
    StepNode("end", (), "end"),
)


class Reader(HTMLParser):
    """Reads a page: its elements, and whether all are closed in order."""

    VOID = {"meta", "img", "input", "br", "hr", "path", "rect"}

    def __init__(self, text):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert tag in self.VOID or self.open.pop() == tag

    def tags(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def page(*components, type="default", **more):
    facts = {"title": "fit", "pathspec": "F/1/fit/7", "state": "succeeded", **more}
    return CardPage(type=type, parts=tuple(component.part() for component in components), **facts)


def every_component():
    try:
        raise ValueError(EVIL)
    except ValueError as error:
        failure = cards.Error(error)
    line = cards.EventsTimeline(EVIL)
    line.update({EVIL: EVIL}, style_theme=EVIL, payloads={EVIL: EVIL})
    texts = [
        cards.Markdown(EVIL), cards.Artifact(EVIL, EVIL), cards.PythonCode(code_string=EVIL),
        cards.JSONViewer({EVIL: EVIL}, EVIL), cards.YAMLViewer({EVIL: EVIL}), cards.Html(EVIL), failure,
    ]  # fmt: skip
    media = [
        cards.Image(b"<svg>" + EVIL.encode(), EVIL), cards.Audio(b"fLaC", EVIL),
        cards.Video(b"\x1aE\xdf\xa3", EVIL), cards.Download(EVIL, EVIL),
    ]  # fmt: skip
    live = [
        cards.ProgressBar(0, EVIL, 3, EVIL, EVIL), cards.ValueBox(EVIL, EVIL, EVIL, EVIL, EVIL), line,
        cards.Table([[EVIL, cards.ProgressBar()]], [EVIL]),
    ]  # fmt: skip
    return [*texts, *media, *live, cards.Columns(*texts), cards.Tabs({EVIL: live, "two": media})]


@pytest.fixture(scope="module")
def full():
    """A page with everything on it, all of it written by somebody who means no good."""
    return rendered(
        page(
            *every_component(), title=EVIL, state="failed", flow_doc=EVIL, step_doc=EVIL, graph=GRAPH,
            facts=(Fact(EVIL, EVIL),), error=ErrorPart(EVIL, EVIL, EVIL, EVIL),
            parameters=(ValueRow(EVIL, EVIL, 3, EVIL),), values=(ValueRow(EVIL, EVIL, 3, EVIL, own=False),),
            values_left_out=4,
        )
    )  # fmt: skip


# SPEC 13.2-4
# SPEC 18.2-3
def test_nothing_that_users_write_becomes_markup(full):
    read = Reader(full)

    assert read.tags("script") == []
    assert not [name for _, attributes in read.elements for name in attributes if name.startswith("on")]
    assert all("sandbox" in frame for frame in read.tags("iframe"))


# SPEC 13.2-4
def test_a_page_asks_for_nothing_from_outside(full):
    read = Reader(full)
    sources = [
        attributes[name] for _, attributes in read.elements for name in ("src", "href") if name in attributes
    ]

    assert sources and all(source.startswith("data:") for source in sources)
    assert "url(" not in full.replace("url(#arrow)", "") and "@import" not in full
    (policy,) = (
        it["content"] for it in read.tags("meta") if it.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'") and "script-src" not in policy


# SPEC 13.2-4
def test_a_page_is_light_and_dark_and_printable_and_said_to_who_does_not_see(full):
    read = Reader(full)

    assert "prefers-color-scheme: dark" in full and "@media print" in full
    assert read.elements[0] == ("html", {"lang": "en"})
    assert {"name": "color-scheme", "content": "light dark"} in read.tags("meta")
    assert all(image.get("alt") for image in read.tags("img"))
    assert all(frame.get("title") for frame in read.tags("iframe"))
    labelled = {label["for"] for label in read.tags("label")}
    assert {it["id"] for tag in ("progress", "input") for it in read.tags(tag)} == labelled
    assert len([attributes for name, attributes in read.elements if name == "h1"]) == 1
    assert all(svg.get("role") == "img" and svg.get("aria-label") for svg in read.tags("svg"))
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_large_numbers_are_counted_as_far_as_people_read_them():
    text = rendered(page(cards.ProgressBar(max=1e300, value=1_234_567)))

    assert "1,234,567 of 1e+300" in text


# SPEC 13.1-5
def test_the_default_card_shows_task_parameters_artifacts_and_the_graph_with_its_step_marked():
    text = rendered(
        page(
            cards.Markdown("# Mine"), step_doc="What it does.", graph=GRAPH, facts=(Fact("Took", "3 s"),),
            parameters=(ValueRow("alpha", "float", 21, "0.5"),), values=(ValueRow("x", "int", 5, "42"),),
        )
    )  # fmt: skip

    for shown in ("F", "What it does.", "3 s", "alpha", "0.5", "42", "<h2>Mine</h2>", "succeeded"):
        assert shown in text
    marked = re.findall(r'<g class="step marked"><title>(\w+)', text)
    assert marked == ["fit"]


# SPEC 13.1-5
def test_the_other_types_show_what_they_are_for():
    failure = ErrorPart("ValueError", "ValueError", "it is bad")

    blank = rendered(page(cards.Markdown("mine"), type="blank", values=(ValueRow("x", "int", 5, "42"),)))
    assert "mine" in blank and "Artifacts" not in blank and "<h1>" not in blank
    assert "<h1>Report</h1>" in rendered(page(type="blank", title="Report"))
    assert "F/1/fit/7" in rendered(page(type="taskspec_card"))
    assert "it is bad" in rendered(page(type="error", error=failure))
    assert "has not failed" in rendered(page(type="error"))
    data = msgspec.json.decode(rendered(page(cards.Markdown("mine"), type="default_json")))
    assert (data["pathspec"], data["parts"]) == ("F/1/fit/7", [{"part": "markdown", "text": "mine"}])


# SPEC 13.1-9
def test_a_failed_state_is_shown_on_the_card():
    text = rendered(page(state="failed", error=ErrorPart("ValueError", "ValueError", "bad", "line 3")))

    assert '<span class="state failed">failed</span>' in text and "line 3" in text


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (
            "![x](https://a.org/x.png)",
            '<a href="https://a.org/x.png" rel="noopener noreferrer">x</a>',
        ),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("![x](data:image/png;base64,AA==)", '<img src="data:image/png;base64,AA==" alt="x" />'),
        ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"),
        ("###### x", "<h6>x</h6>"),
        ("~~x~~", "<s>x</s>"),
    ],
)
def test_markdown_brings_nothing_in_from_outside(text, html):
    assert html in markdown(text)


def test_steps_between_a_foreach_and_its_join_are_drawn_as_many():
    assert inside_foreach(GRAPH) == {"fit", "again"}
