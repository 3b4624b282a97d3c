"""The documentation is true where a machine can tell: links resolve, and named files exist."""

import ast
import re
from pathlib import Path

import pytest

from stepwell.cli.lazy_group import COMMANDS, load_command
from stepwell.settings.keys import FAMILIES, GENERAL_KEYS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")])
LINK = re.compile(r"(?<!`)!?\[[^\]\n]*\]\(([^)\s]+)\)")
CODE_BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as MkDocs makes them."""
    headings = re.findall(r"^#+ +(.+)$", CODE_BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_links_of_a_page_resolve(page):
    broken = []
    for link in LINK.findall(CODE_BLOCK.sub("", page.read_text())):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


def test_every_page_of_the_documentation_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text()

    pages = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages if page not in navigation} == set()


def test_the_decision_records_are_numbered_without_gaps():
    numbers = sorted(int(page.name[:4]) for page in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))

    assert numbers == list(range(1, len(numbers) + 1))


def settings_of_the_page() -> list[list[tuple[str, ...]]]:
    """Rows of the two tables of settings: those that have an effect, and those that do not yet."""
    page = (ROOT / "docs/reference/configuration.md").read_text()
    row = re.compile(r"^\| `([A-Z_]+)` \| (.+?) \| (?:`(.*)`)? ?\|$", re.MULTILINE)
    return [row.findall(part) for part in page.split("## Known, and not used yet")]


# SPEC 9.5-2
@pytest.mark.parametrize("later", [False, True])
def test_the_page_of_the_configuration_and_the_table_of_settings_agree(later):
    table = [(key.name, key.help, key.default) for key in GENERAL_KEYS.values() if key.later is later]

    assert settings_of_the_page()[later] == table


# SPEC 9.5-2
def test_the_page_of_the_configuration_names_each_family():
    page = (ROOT / "docs/reference/configuration.md").read_text()

    assert [family for family in FAMILIES if f"`{family}`" not in page] == []


# SPEC 9.5-2
def test_a_setting_is_said_to_be_without_effect_exactly_if_nothing_reads_it():
    sources = (ROOT / "src" / "stepwell").rglob("*.py")
    code = "".join(path.read_text() for path in sources if path.name != "keys.py")

    unread = {name for name in GENERAL_KEYS if not re.search(rf'["}}]{name}"', code)}
    assert {key.name for key in GENERAL_KEYS.values() if key.later} == unread


def rules() -> set[str]:
    """Names of the rules that the checks of a flow report."""
    found: set[str] = set()
    for path in (ROOT / "src" / "stepwell" / "definition").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call):
                continue
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            given = [keyword.value for keyword in call.keywords if keyword.arg == "rule"]
            if name in {"_problem", "_add", "_complain"}:
                given += call.args[:2]
            found |= {
                value.value
                for value in given
                if isinstance(value, ast.Constant) and re.fullmatch(r"[a-z]+(-[a-z]+)*", str(value.value))
            }
    return found


def test_the_table_of_rules_has_every_rule_of_the_checks_and_no_other():
    explained = set(
        re.findall(r"^\| `([a-z-]+)` \|", (ROOT / "docs/reference/checks.md").read_text(), re.MULTILINE)
    )

    assert rules() - explained == set()
    assert {rule for rule in explained if not _is_said(rule)} == set()


def _is_said(rule: str) -> bool:
    """Whether the checks have the rule as a text; `next-in-loop` may be put together from `next-in-`."""
    prefix, _, _ = rule.rpartition("-")
    return any(
        f'"{rule}"' in text or f'f"{prefix}-{{' in text
        for path in (ROOT / "src" / "stepwell" / "definition").rglob("*.py")
        for text in [path.read_text()]
    )


# SPEC 9.3-15
def test_every_option_of_the_entry_for_schedulers_is_explained():
    page = (ROOT / "docs/reference/schedulers.md").read_text()
    options = {
        option
        for name in ("init", "step")
        for parameter in load_command(COMMANDS[name]).params
        for option in parameter.opts
        if option.startswith("--")
    }

    assert {option for option in options if option not in page} == set()
