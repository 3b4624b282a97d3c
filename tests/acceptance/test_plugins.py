"""Plugins of distributions that pip has installed: decorators, commands, and what becomes of broken ones."""

import json
import os

import pytest
from command_line import Folder, words
from plugin_package import install, wheel

ACME = """
import click
from msgspec.structs import replace
from stepwell import FlowDecorator, StepDecorator, as_decorator
from stepwell.exceptions import InvalidDecoratorAttribute

class Region(StepDecorator):
    "Tells a step where it is."
    name = "region"
    defaults = {"at": "here"}

    def check(self):
        if not isinstance(self.attributes["at"], str):
            raise InvalidDecoratorAttribute("@region: `at` must be a text.")

    def contribute(self, policy):
        more = (("REGION", self.attributes["at"]),)
        return replace(policy, variables=tuple(sorted((*policy.variables, *more))))

    def refusals(self, node):
        if node.is_join:
            yield "is a join"

region = as_decorator(Region)

class Team(FlowDecorator):
    name = "team"
    defaults = {"of": "nobody"}

@click.command()
@click.option("--fail", is_flag=True, help="Fail.")
@click.argument("words", nargs=-1)
@click.pass_obj
def report(context, fail, words):
    "Report what there is."
    if fail:
        raise ZeroDivisionError("of acme")
    click.echo(f"{context.settings.datastore_root.name} {' '.join(words)}")
    return 1 if "bad" in words else 0
"""

OFFERED = {
    "step_decorator.region": "acme:Region",
    "flow_decorator.team": "acme:Team",
    "command.report": "acme:report",
    "command.run": "acme:report",
    "cloud.big": "acme:Big",
}
BROKEN = {
    "step_decorator.gone": "acme_broken:Gone",
    "step_decorator.other": "json:JSONDecoder",
    "flow_decorator.gone_flow": "acme_broken:Gone",
    "command.broken": "json:dumps",
    "command.report": "acme_broken:report",
}

FLOW = """
import os
from stepwell import FlowSpec, region, step, team

@team(of="ann")
class F(FlowSpec):
    @region
    @step
    def start(self):
        self.seen = [os.environ["REGION"]]
        self.next(self.end)

    @step
    def end(self):
        self.seen.append(os.environ.get("REGION"))
        print("seen", *self.seen)

if __name__ == "__main__":
    F()
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with two distributions: one that is whole, and one that is broken."""
    made, site = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    install(
        site,
        wheel(made, "acme", "1.5", {"acme.py": ACME}, OFFERED),
        wheel(made, "broken-acme", "0.1", {"acme_broken.py": "import no_such_module\n"}, BROKEN),
    )
    return site


@pytest.fixture
def folder(folder: Folder, site, monkeypatch) -> Folder:
    path = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), *([path] if path else [])]))
    folder.file(FLOW)
    return folder


def stepwell(folder, *args):
    return folder.call("-m", "stepwell", *args)


# SPEC 4.4-3, 4.4-4
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_decorators_of_a_plugin_are_found_by_name_and_do_their_work(folder, isolation):
    done = folder.run("--isolation", isolation, "--with", "region:at=there")

    assert done.returncode == 0, words(done)
    assert "seen here there" in words(done)


# SPEC 4.4-3
def test_a_decorator_of_a_plugin_is_held_to_the_same_rules(folder):
    wrong = folder.run("--with", "region:at=1")
    unknown = folder.run("--with", "region:where=1")
    nameless = folder.run("--with", "regoin")
    planned = json.loads(folder.run("--dry-run", "--json").stdout)

    assert (wrong.returncode, unknown.returncode, nameless.returncode) == (2, 2, 2)
    assert "`at` must be a text" in words(wrong)
    assert "The attributes are: `at`" in words(unknown)
    assert "There is no step decorator `regoin`" in words(nameless) and "region" in words(nameless)
    assert [one["decorators"] for one in planned["steps"]] == [["region"], []]


# SPEC 4.4-3
def test_a_command_of_a_plugin_is_one_of_both_front_doors(folder):
    called = stepwell(folder, "--datastore-root", "results", "report", "all", "is")
    of_flow = folder.call("flow.py", "report", "well")
    bad = stepwell(folder, "report", "bad")
    wrong = stepwell(folder, "report", "--no-such")
    helped = stepwell(folder, "report", "--help")
    listed = stepwell(folder, "--help")
    also = stepwell(folder, "help", "report")

    assert (called.stdout, of_flow.stdout) == ("results all is\n", ".stepwell well\n")
    assert (bad.returncode, wrong.returncode) == (1, 2)
    assert "--no-such" in words(wrong)
    for done in (helped, also):
        assert "Report what there is." in done.stdout and "--fail" in done.stdout
    assert "Commands of plugins" in listed.stdout and "From acme 1.5." in listed.stdout


# SPEC 4.4-3
def test_what_a_command_of_a_plugin_raises_is_told_as_its_own_mistake(folder):
    failed = stepwell(folder, "report", "--fail")

    assert failed.returncode == 1
    assert "ZeroDivisionError: of acme" in failed.stderr and 'acme.py"' in failed.stderr
    assert "The command `report` of acme 1.5 failed" in failed.stderr
    assert "mistake of Stepwell" not in failed.stderr


# SPEC 4.4-3
def test_a_broken_plugin_disables_only_itself_and_says_so(folder):
    used = folder.run("--with", "gone")
    other = folder.run("--with", "other")
    command = stepwell(folder, "broken")
    folder.file("from stepwell import gone_flow\n", "imports.py")
    imports = stepwell(folder, "check", "imports.py")

    for done in (used, other, command, imports):
        assert done.returncode == 2, words(done)
        assert "broken-acme 0.1 cannot be used" in words(done)
        assert "Mend, update or uninstall broken-acme." in words(done)
    assert "No module named 'no_such_module'" in words(used)
    assert "no subclass of stepwell.definition.decorator.StepDecorator" in words(other)
    assert folder.run().returncode == 0


# SPEC 4.4-3
def test_doctor_lists_plugins_with_versions_and_what_is_the_matter_with_them(folder):
    done = stepwell(folder, "doctor", "--json")

    found = [one for one in json.loads(done.stdout)["findings"] if one["check"] == "plugins"]
    assert [one["text"] for one in found if one["severity"] == "ok"] == [
        "step decorator `region` of acme 1.5",
        "flow decorator `team` of acme 1.5",
        "command `report` of acme 1.5",
    ]
    warned = "\n".join(f"{one['text']} | {one['fix']}" for one in found if one["severity"] == "warning")
    assert "command `run` of acme 1.5 is hidden by ours of that name" in warned
    assert "'cloud.big' of acme 1.5 is of no kind that this version knows" in warned
    assert "command `report` of broken-acme 0.1 is hidden by the command `report` of acme 1.5" in warned
    assert "step decorator `gone` of broken-acme 0.1 cannot be used: ModuleNotFoundError" in warned
    assert "step decorator `other` of broken-acme 0.1 cannot be used: it is no subclass" in warned
    assert "command `broken` of broken-acme 0.1 cannot be used: it is no command of click" in warned


# SPEC 4.4-3
def test_nothing_of_a_plugin_is_imported_by_who_does_not_use_it(folder):
    folder.flow("print('acme' in sys.modules, 'importlib.metadata' in sys.modules)", name="other.py")

    done = folder.call("other.py", "run")

    assert "False False" in words(done)
