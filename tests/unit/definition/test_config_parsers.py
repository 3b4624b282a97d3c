"""Parsers that come with Stepwell give what decorators of environments take."""

import pytest

from stepwell.definition.config_parsers import (
    ParserValueError,
    conda_environment_yml_parser,
    pyproject_toml_parser,
    requirements_txt_parser,
    toml_parser,
    yaml_parser,
)


# SPEC 3.4-10
def test_requirements_become_packages_and_indices():
    text = """
# what we need
pandas==2.2.1   # pinned
numpy >= 1.26, < 3
requests[socks, security]~=2.31 ; python_version < "3.13"
mine @ https://example.org/mine.whl
six
--extra-index-url https://example.org/simple
"""

    assert requirements_txt_parser(text) == {
        "packages": {
            "pandas": "2.2.1",
            "numpy": ">=1.26,<3",
            "requests[socks,security]": '~=2.31 ; python_version < "3.13"',
            "mine": "@ https://example.org/mine.whl",
            "six": "",
        },
        "extra_indices": ["https://example.org/simple"],
    }


# SPEC 3.4-10
def test_a_project_becomes_packages_and_a_python():
    text = '[project]\nrequires-python = ">=3.11"\ndependencies = [\n  "pandas==2.2",\n  "six>=1",\n]\n'

    assert pyproject_toml_parser(text) == {"packages": {"pandas": "2.2", "six": ">=1"}, "python": ">=3.11"}


# SPEC 3.4-10
def test_a_conda_environment_becomes_packages_python_and_channels():
    text = "channels:\n- conda-forge\ndependencies:\n- python=3.12\n- numpy=1.26\n- own::tool>=2\n- six\n"

    assert conda_environment_yml_parser(text) == {
        "packages": {"numpy": "1.26", "own::tool": ">=2", "six": ""},
        "python": "3.12",
        "channels": ["conda-forge"],
    }


# SPEC 3.4-10
@pytest.mark.parametrize(
    ("parser", "text", "words"),
    [
        (requirements_txt_parser, "six\n-r other.txt\n", "line 2: `-r other.txt` is an option"),
        (requirements_txt_parser, "six\n\n./local/path\n", "line 3: `./local/path` names no package"),
        (requirements_txt_parser, "six==1 --hash=sha256:00\n", "line 1"),
        (requirements_txt_parser, "six\nsix==1\n", "line 2: `six` is named twice"),
        (pyproject_toml_parser, '[project]\ndependencies = [\n"six",\n"not a name!"]', "line 4"),
        (pyproject_toml_parser, "[tool]\n", r"no table \[project\]"),
        (toml_parser, "a = \n", "line 1"),
        (yaml_parser, "a: [1\n", "line 2"),
        (conda_environment_yml_parser, "dependencies:\n- six\n- pip:\n  - x\n", "line 3"),
    ],
)
def test_a_line_that_cannot_be_taken_over_is_named(parser, text, words):
    with pytest.raises(ParserValueError, match=words):
        parser(text)


# SPEC 3.4-10
def test_yaml_and_toml_are_read_as_they_are():
    assert yaml_parser("a: [1, {b: x}]") == {"a": [1, {"b": "x"}]}
    assert toml_parser("[a]\nb = 1") == {"a": {"b": 1}}
