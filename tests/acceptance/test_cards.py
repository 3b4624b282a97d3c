"""Cards in real runs, as the command line and Python show them."""

import json
import sys
from pathlib import Path

import pytest
from command_line import Folder, words

from stepwell.cards import get_cards
from stepwell.client import Run
from stepwell.client.scope import Connection, Scope
from stepwell.exceptions import CardNotPresentException

FLOW = '''
import os, signal
from stepwell import FlowSpec, Parameter, card, current, retry, step
from stepwell.cards import Markdown, ProgressBar, Table

class Carded(FlowSpec):
    """What the flow is for."""
    alpha = Parameter("alpha", default=0.5)
    ends = Parameter("ends", default="well")

    @card
    @step
    def start(self):
        """What the first step does."""
        self.x = [1, 2, 3]
        bar = ProgressBar(max=10, label="Epochs")
        current.card.append(bar)
        for epoch in range(10):
            bar.update(epoch + 1)
            current.card.refresh()
        self.next(self.several)

    @card
    @card(type="blank", id="report", options={"title": "The report"})
    @card(type="default_json", id="data")
    @step
    def several(self):
        current.card.append("# Result of *x*")
        current.card["report"].append(Table([["a", 1]], headers=["n", "v"]))
        self.next(self.plain)

    @step
    def plain(self):
        self.next(self.end)

    @card
    @retry(times=1, delay=0)
    @step
    def end(self):
        current.card.append(f"attempt {current.retry_count} was here")
        if self.ends == "killed" or current.retry_count == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.ends == "badly":
            raise ValueError("it ended badly")

if __name__ == "__main__":
    Carded()
'''


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A run that succeeds, one whose last step fails, one whose last step is killed, and a resumed one."""
    folder = Folder(tmp_path_factory.mktemp("cards"))
    folder.file(FLOW)
    codes = [folder.run(*options).returncode for options in ((), ("--ends", "badly"), ("--ends", "killed"))]
    codes.append(folder.call("flow.py", "resume", "--origin-run-id", "1", "end").returncode)
    assert codes == [0, 1, 1, 0]
    return folder


def card_of(ran, address, *options):
    done = ran.call("flow.py", "card", "get", address, *options)
    assert done.returncode == 0, words(done)
    return done.stdout


# SPEC 2.1-4
# SPEC 13.1-5
# SPEC 13.1-7
def test_a_card_shows_the_task_what_it_stored_and_what_the_step_put_there(ran):
    text = card_of(ran, "1/start")

    for shown in (
        "What the flow is for.",
        "What the first step does.",
        "alpha",
        "0.5",
        "[1, 2, 3]",
        "Epochs",
    ):
        assert shown in text
    assert "10 of 10" in text and '<g class="step marked"><title>start</title>' in text


# SPEC 13.2-2
def test_of_several_cards_one_is_chosen_and_else_they_are_listed(ran):
    several = ran.call("flow.py", "card", "get", "1/several")
    listed = json.loads(words(ran.call("-m", "stepwell", "card", "list", "Carded/1/several/2", "--as-json")))
    hashes = [card["hash"] for card in listed["cards"]]

    assert (several.returncode, several.stdout) == (2, "")
    assert "There are 3 such cards" in several.stderr and "blank  report" in several.stderr
    assert listed["pathspec"] == "Carded/1/several/2"
    assert [(card["id"], card["type"]) for card in listed["cards"]] == [
        (None, "default"), ("report", "blank"), ("data", "default_json"),
    ]  # fmt: skip
    assert all(card["hash"] in card["filename"] for card in listed["cards"])
    assert "<h2>Result of <em>x</em></h2>" in card_of(ran, "1/several", "--type", "default")
    assert "The report" in card_of(ran, "1/several", "--id", "report")
    assert json.loads(card_of(ran, "1/several", "--hash", hashes[2][:5]))["pathspec"] == "Carded/1/several/2"


# SPEC 13.2-2
def test_of_many_tasks_with_cards_ten_are_listed_and_the_command_that_lists_all(tmp_path):
    folder = Folder(tmp_path)
    folder.file(MANY)
    assert folder.run().returncode == 0

    done = folder.call("flow.py", "card", "get", "latest")

    assert (done.returncode, done.stdout) == (2, "")
    assert "There are 12 such cards" in done.stderr
    assert sum(line.startswith("Many/1/each/") for line in done.stderr.splitlines()) == 10
    assert "those of 2 more tasks: `python flow.py card list latest` lists all" in done.stderr


MANY = """
from stepwell import FlowSpec, card, step

class Many(FlowSpec):
    @step
    def start(self):
        self.items = list(range(12))
        self.next(self.each, foreach="items")

    @card
    @step
    def each(self):
        self.next(self.end)

    @step
    def end(self, inputs):
        pass

if __name__ == "__main__":
    Many()
"""


# SPEC 13.2-2
def test_the_cards_of_a_run_are_listed_as_words_as_data_and_to_a_file(ran):
    text = words(ran.call("flow.py", "card", "list", "1"))
    ran.call("flow.py", "card", "list", "1", "--file", "cards.json")

    listed = json.loads((ran.path / "cards.json").read_text())
    assert [one["pathspec"] for one in listed] == ["Carded/1/start/1", "Carded/1/several/2", "Carded/1/end/4"]
    assert [line for line in text.splitlines() if line.startswith("Carded")] == [
        one["pathspec"] for one in listed
    ]


# SPEC 13.2-2
@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("get", "1/plain"), "Card not found: 1/plain has no card"),
        (("get", "1/several", "--id", "none"), "Card not found: 1/several has no card with the id 'none'"),
        (("get", "1/several", "--hash", "abc"), "--hash needs 5 characters"),
        (("list", "1/plain"), "Card not found"),
        (("server",), "`card server` is not in this version"),
        (("lst",), "Did you mean `list`?"),
        (("get", "1/start", "nowhere/x.html"), "nowhere/x.html cannot be written"),
    ],
)
def test_what_cannot_be_had_is_told(ran, args, said):
    done = ran.call("flow.py", "card", *args)

    assert done.returncode == 2
    assert said in words(done)


# SPEC 13.2-2
def test_a_card_is_opened_in_the_users_browser(ran, monkeypatch):
    shower = ran.file("import sys; open('seen.txt', 'w').write(sys.argv[1])", "shower.py")
    monkeypatch.setenv("BROWSER", f"{sys.executable} {shower} %s")
    monkeypatch.setenv("TMPDIR", str(ran.path))

    done = ran.call("flow.py", "card", "view", "1/start")

    seen = (ran.path / "seen.txt").read_text()
    assert done.returncode == 0 and seen.removeprefix("file://") in done.stderr
    assert "Epochs" in Path(seen.removeprefix("file://")).read_text()


# SPEC 13.1-9
def test_a_task_that_fails_or_is_killed_has_its_card_with_what_it_put_there(ran):
    failed, killed = card_of(ran, "2/end"), card_of(ran, "3/end")

    assert '<span class="state failed">' in failed and "it ended badly" in failed
    assert "attempt 1 was here" in failed and "attempt 0 was here" not in failed
    assert '<span class="state failed">' in killed or '<span class="state killed">' in killed
    assert "SIGKILL" in killed and "attempt 1 was here" in killed


# SPEC 13.2-1
# SPEC 7.4-2
def test_python_reads_cards_and_those_of_reused_tasks_where_they_ran(ran):
    scope = Scope(Connection(f"local@{ran.root}"))
    here, there = (Run(f"Carded/{run}", at=scope)["several"].task for run in (4, 1))

    cards = get_cards(here)

    assert [(card.type, card.id) for card in cards] == [
        ("default", None), ("blank", "report"), ("default_json", "data"),
    ]  # fmt: skip
    assert [card.hash for card in cards] == [card.hash for card in get_cards(there)]
    assert cards[0].path == get_cards(there)[0].path
    assert "Taken from" in cards[0].get() and "Taken from" not in get_cards(there)[0].get()
    assert cards[1].get_data()[0]["headers"] == ("n", "v")
    assert len(get_cards(here, id="report")) == len(get_cards(here, type="blank")) == 1
    assert "<iframe sandbox srcdoc=" in cards._repr_html_() and len(cards[:2]) == 2
    for asked in ({"id": "no"}, {"follow_resumed": False}):
        with pytest.raises(CardNotPresentException, match="Carded/4/several/2 has no such card"):
            get_cards(here, **asked)


# SPEC 12.3-3
def test_cards_are_counted_and_go_with_their_run_but_not_from_who_has_reused_them(tmp_path):
    folder = Folder(tmp_path)
    folder.file(FLOW)
    folder.run()
    folder.call("flow.py", "resume", "--origin-run-id", "1", "end")
    used = json.loads(words(folder.call("flow.py", "du", "--json")))

    gone = folder.call("flow.py", "rm", "1", "--yes")

    assert "cards" in json.dumps(used)
    assert gone.returncode == 0, words(gone)
    assert "Epochs" in card_of(folder, "2/start")
    assert not [*folder.root.glob("runs/Carded/0/1/cards/end/**/head")]
