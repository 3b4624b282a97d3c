import pytest

from stepwell.definition.import_place import module_of, root_of


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("top/sub/flow.py", "top.sub.flow"),
        ("top/sub/__init__.py", "top.sub"),
        ("top/sub/my-flow.py", "top.sub.my-flow"),
        ("top/sub/flow.v2.py", ""),
        ("flow.py", ""),
    ],
)
def test_a_file_has_a_name_in_its_outermost_package(tmp_path, file, module):
    for folder in ("top", "top/sub"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()

    assert root_of(str(tmp_path / file)) == str(tmp_path)
    assert module_of(str(tmp_path / file)) == module
