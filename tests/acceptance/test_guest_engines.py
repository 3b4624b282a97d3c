"""Engines of distributions that pip has installed, and the decorators that send steps to them."""

import os

import pytest
from command_line import Folder, words
from plugin_package import install, wheel

ACME = """
from stepwell import EngineDecorator, as_decorator
from stepwell.engine.capabilities import Capabilities
from stepwell.engines.local.portable import PortableEngine

class Farm(PortableEngine):
    capabilities = Capabilities(name="farm", variables=True, retry_delay_s=0.0)

    def __init__(self, parts):
        super().__init__(parts.command, parts.workers, parts.grace_s, parts.environment)

    def submit(self, requests):
        for request, policy in requests:
            asked = policy.resources
            line = f"{request.key.step} {policy.engine_options} {asked.cpu} {asked.memory_mb}"
            with open("farm.log", "a") as log:
                log.write(line + chr(10))
        return super().submit(requests)

class FarmDecorator(EngineDecorator):
    name = engine = "farm"
    defaults = {"cpu": None, "memory": None, "queue": "long"}

class Yard(FarmDecorator):
    name = engine = "yard"

class Nowhere(FarmDecorator):
    name = engine = "nowhere"

class Broken(FarmDecorator):
    name = engine = "broken"
"""

OFFERED = {
    "engine.farm": "acme_farm:Farm",
    "engine.broken": "acme_farm:FarmDecorator",
    "step_decorator.farm": "acme_farm:FarmDecorator",
    "step_decorator.yard": "acme_farm:Yard",
    "step_decorator.nowhere": "acme_farm:Nowhere",
    "step_decorator.broken": "acme_farm:Broken",
}

FLOW = """
import os
from stepwell import FlowSpec, current, environment, farm, resources, retry, step

class F(FlowSpec):
    @step
    def start(self):
        self.here = os.getppid()
        self.next(self.work, foreach=[1, 2, 3])

    @farm(cpu=2, memory=100)
    @resources(cpu=1, memory=300)
    @environment(vars={"COLOUR": "red"})
    @retry(times=1)
    @step
    def work(self):
        if self.input == 2 and current.retry_count == 0:
            raise ValueError("once")
        self.colour, self.other = os.environ["COLOUR"], os.getppid() != self.here
        self.next(self.join)

    @step
    def join(self, inputs):
        print("others", *(one.other for one in inputs), *(one.colour for one in inputs))
        self.next(self.end)

    @farm(memory="most")
    @step
    def end(self):
        print("all is done")

if __name__ == "__main__":
    F()
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made, site = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    install(site, wheel(made, "acme-farm", "2.0", {"acme_farm.py": ACME}, OFFERED))
    return site


@pytest.fixture
def folder(folder: Folder, site, monkeypatch) -> Folder:
    path = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), *([path] if path else [])]))
    folder.file(FLOW)
    return folder


# SPEC 4.4-3, 6.2-2
def test_steps_run_on_the_engine_that_their_decorator_names_with_the_larger_of_what_is_stated(folder):
    done = folder.run()

    assert done.returncode == 0, words(done)
    assert "others True True True red red red" in words(done)
    assert sorted((folder.path / "farm.log").read_text().splitlines()) == [
        "end {'memory': 'most', 'queue': 'long'} None None",
        *["work {'queue': 'long'} 2.0 300.0"] * 4,
    ]


# SPEC 6.2-2
def test_values_that_cannot_be_compared_are_an_error_that_names_both(folder):
    folder.file(FLOW.replace("cpu=2, memory=100", "memory='most'"))

    conflict = folder.run("--dry-run")
    agreed = folder.run("--dry-run", "--with", "resources:cpu=4")

    assert conflict.returncode == 2 == agreed.returncode
    said = words(conflict)
    assert "step 'work' states `memory` twice" in said
    assert "'most' by @farm and 300 by @resources" in said
    assert "'end'" not in said


# SPEC 6.2-2, 6.2-8
def test_two_engines_for_a_step_are_refused_and_an_attached_one_spares_what_has_its_own(folder):
    two = folder.run("--with", "yard", "--dry-run")
    attached = folder.run("--with", "farm:queue=short")

    assert two.returncode == 2
    assert "is sent to two engines, by @farm and by @yard" in words(two)
    assert attached.returncode == 0, words(attached)
    log = (folder.path / "farm.log").read_text().splitlines()
    assert sorted(line.split()[0] for line in log if "short" in line) == ["join", "start"]


# SPEC 4.4-3, 6.1-3
@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("nowhere", "There is no engine `nowhere`, which `start`"),
        ("broken", "The engine `broken` of acme-farm 2.0 cannot be used: it is no subclass"),
        ("farm:cpu=-1", "`cpu` must be a number that is not negative"),
        ("resources:memory=10,enforce=true", "the farm engine refuses: it cannot see how much memory"),
    ],
)
def test_what_an_engine_cannot_do_is_told_before_anything_starts(folder, spec, said):
    folder.flow()
    with_farm = ("--with", "farm") if spec.startswith("resources") else ()

    for more in ("--dry-run", "--quiet"):
        options = ("--dry-run",) if more == "--dry-run" else ()
        done = folder.run("--with", spec, *with_farm, *options)
        assert done.returncode == 2, words(done)
        assert said in words(done)


# SPEC 4.4-3
def test_doctor_lists_engines(folder):
    said = words(folder.call("-m", "stepwell", "doctor"))

    assert "engine `farm` of acme-farm 2.0" in said
    assert "engine `broken` of acme-farm 2.0 cannot be used: it is no subclass" in said


# SPEC 6.2-2
def test_spin_runs_a_step_here_and_says_so(folder):
    assert folder.run().returncode == 0
    (folder.path / "farm.log").unlink()

    spun = folder.call("flow.py", "spin", "end")
    refused = folder.call("flow.py", "spin", "start", "--with", "farm")

    assert spun.returncode == 0, words(spun)
    assert "ignores @farm" in words(spun)
    assert refused.returncode == 2 and "`spin` runs the step on this machine" in words(refused)
    assert not (folder.path / "farm.log").exists()
