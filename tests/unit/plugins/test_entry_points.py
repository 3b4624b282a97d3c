"""What installed distributions offer, read from the files that installers leave."""

import subprocess
import sys
import zipfile

import pytest

from stepwell.plugins.entry_points import Distribution, EntryPoint, entry_points
from stepwell.plugins.offers import PluginFailed, offered, offers, strangers

GROUP = "stepwell.tests"
THINGS = Distribution("acme-things", "1.2")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder that Python imports from."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "site")])
    (tmp_path / "site").mkdir()
    yield tmp_path / "site"
    for name in [name for name, module in sys.modules.items() if _lies_in(module, tmp_path)]:
        del sys.modules[name]


def _lies_in(module, folder):
    return str(getattr(module, "__file__", None) or "").startswith(str(folder))


def install(place, name, entry_points, metadata=True, suffix="-1.2.dist-info"):
    folder = place / (name.replace("-", "_") + suffix)
    folder.mkdir(parents=True)
    (folder / "entry_points.txt").write_text(entry_points)
    if metadata:
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n\nWords.\n")


TEXT = """
# a comment
[console_scripts]
acme = acme:main

[stepwell.tests]
; another
one = acme.things:One
two=acme.things:Two.inner [extra]

[stepwell.tests.more]
three = acme:Three
"""


def test_the_entry_points_of_a_group_are_read_with_their_distribution(place):
    install(place, "acme-things", TEXT)

    found = entry_points(GROUP)

    assert found == (
        EntryPoint("one", "acme.things:One", THINGS),
        EntryPoint("two", "acme.things:Two.inner [extra]", THINGS),
    )


def test_without_metadata_the_folder_names_the_distribution(place):
    install(place, "acme", TEXT, metadata=False)
    install(place, "other", TEXT, metadata=False, suffix=".egg-info")

    found = [str(point.distribution) for point in entry_points(GROUP)]
    assert found == ["acme 1.2", "acme 1.2", "other", "other"]


def test_of_a_distribution_that_is_installed_twice_the_first_counts(place, monkeypatch):
    install(place, "Acme.Things", "[stepwell.tests]\none = first:One\n")
    install(place / "later", "acme-things", "[stepwell.tests]\none = second:One\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(place / "later")])

    assert [point.value for point in entry_points(GROUP)] == ["first:One"]


def test_archives_are_looked_into(place, monkeypatch):
    with zipfile.ZipFile(place / "app.zip", "w") as archive:
        archive.writestr("acme-1.0.dist-info/entry_points.txt", TEXT)
        archive.writestr("acme-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(place / "app.zip")])

    assert [point.name for point in entry_points(GROUP)] == ["one", "two"]


PARTS = """
class Good(dict): pass
class Other: pass
thing = 1
class Fails(dict):
    def __init__(self): raise RuntimeError('not here')
class Outer:
    class Inner(dict): pass
"""


def made(offer):
    try:
        return type(offer.make(dict)).__name__
    except PluginFailed as error:
        return str(error)


def test_what_can_be_imported_is_made_and_what_cannot_says_why(place):
    names = {
        "good": "acme_parts:Good",
        "sub": "acme_parts:Outer.Inner [x]",
        "gone": "no_such:X",
        "lost": "acme_parts:Nothing",
        "other": "acme_parts:Other",
        "thing": "acme_parts:thing",
        "fails": "acme_parts:Fails",
        "bad name": "acme_parts:Good",
        "empty": "",
    }
    lines = "\n".join(f"serializer.{name} = {value}" for name, value in names.items())
    install(place, "acme", f"[stepwell.plugins]\n{lines}\nodd.kind = x:Y\nplain = x:Z\n")
    (place / "acme_parts.py").write_text(PARTS)

    said = {offer.name: made(offer) for offer in offers("serializer") if offer.distribution.name == "acme"}

    assert list(said) == list(names)
    assert (said["good"], said["sub"]) == ("Good", "Inner")
    assert "No module named 'no_such'" in said["gone"]
    assert "Nothing" in said["lost"] and "acme_parts:Nothing" in said["lost"]
    assert "no subclass of builtins.dict" in said["other"] and "no subclass" in said["thing"]
    assert said["fails"] == "RuntimeError: not here"
    assert "letters, digits" in said["bad name"]
    assert said["empty"]
    assert [point.name for point in strangers()] == ["odd.kind", "plain"]


def test_of_two_plugins_with_one_name_the_first_is_found(place):
    install(place, "acme", "[stepwell.plugins]\ncommand.report = first:go\n")
    install(place, "zeta", "[stepwell.plugins]\ncommand.report = second:go\nstep_decorator.x = y:Z\n")

    found = offered("command", "report")

    assert found is not None
    assert (found.entry_point.value, found.label) == ("first:go", "report@acme")
    assert found.title == "command `report` of acme 1.2"
    assert offered("step_decorator", "report") is None


def test_without_a_plugin_the_slow_reader_of_packages_is_not_imported(place):
    install(place, "quiet", "[console_scripts]\nquiet = quiet:main\n")
    code = (
        f"import sys; sys.path.append({str(place)!r})\n"
        "from stepwell.plugins.offers import offers\nprint(offers('serializer'))\n"
        "print('importlib.metadata' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "()\nFalse\n"
