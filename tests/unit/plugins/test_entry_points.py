"""What installed distributions offer, read from the files that installers leave."""

import subprocess
import sys
import zipfile

import pytest

from stepwell.plugins.entry_points import Offer, offers
from stepwell.plugins.registry import registered

GROUP = "stepwell.tests"


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

    found = offers(GROUP)

    assert found == (
        Offer("one", "acme.things:One", "acme-things"),
        Offer("two", "acme.things:Two.inner [extra]", "acme-things"),
    )


def test_without_metadata_the_folder_names_the_distribution(place):
    install(place, "acme", TEXT, metadata=False)
    install(place, "other", TEXT, metadata=False, suffix=".egg-info")

    assert [offer.distribution for offer in offers(GROUP)] == ["acme", "acme", "other", "other"]


def test_of_a_distribution_that_is_installed_twice_the_first_counts(place, monkeypatch):
    install(place, "Acme.Things", "[stepwell.tests]\none = first:One\n")
    install(place / "later", "acme-things", "[stepwell.tests]\none = second:One\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(place / "later")])

    assert [offer.value for offer in offers(GROUP)] == ["first:One"]


def test_archives_are_looked_into(place, monkeypatch):
    with zipfile.ZipFile(place / "app.zip", "w") as archive:
        archive.writestr("acme-1.0.dist-info/entry_points.txt", TEXT)
        archive.writestr("acme-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(place / "app.zip")])

    assert [offer.name for offer in offers(GROUP)] == ["one", "two"]


def test_what_can_be_imported_is_made_and_what_cannot_is_told_with_its_distribution(place):
    install(
        place,
        "acme",
        "[stepwell.tests]\ngood = acme_parts:Good\nsub = acme_parts:Outer.Inner [x]\ngone = no_such:X\n"
        "lost = acme_parts:Nothing\nother = acme_parts:Other\nfails = acme_parts:Fails\n"
        "bad name = acme_parts:Good\nempty =\nthing = acme_parts:thing\n",
    )
    (place / "acme_parts.py").write_text(
        "class Good(dict): pass\nclass Other: pass\nthing = 1\n"
        "class Fails(dict):\n    def __init__(self): raise RuntimeError('not here')\n"
        "class Outer:\n    class Inner(dict): pass\n"
    )

    found = registered(GROUP, dict)

    assert {name: type(plugin).__name__ for name, plugin in found.usable.items()} == {
        "good@acme": "Good",
        "sub@acme": "Inner",
    }
    said = {name.removesuffix("@acme"): why for name, why in found.broken.items()}
    assert "No module named 'no_such'" in said["gone"]
    assert "Nothing" in said["lost"] and "acme_parts:Nothing" in said["lost"]
    assert "no subclass of builtins.dict" in said["other"] and "no subclass" in said["thing"]
    assert "RuntimeError: not here" in said["fails"]
    assert "letters, digits" in said["bad name"]
    assert "empty" in said


def test_without_a_plugin_the_slow_reader_of_packages_is_not_imported(place):
    install(place, "quiet", "[console_scripts]\nquiet = quiet:main\n")
    code = (
        f"import sys; sys.path.append({str(place)!r})\n"
        f"from stepwell.plugins.registry import registered\nprint(registered({GROUP!r}, dict))\n"
        "print('importlib.metadata' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "Registered(usable={}, broken={})\nFalse\n"
