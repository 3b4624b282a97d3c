import io
import tarfile

from stepwell.code_package.package import INFO, build, code_version, read_info


def opened(archive):
    return tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz")


def test_a_package_tells_what_is_in_it(tmp_path):
    script = tmp_path / "flow.py"
    script.write_text("1")

    package = build(str(script), (".py",), code_version="abc")

    with opened(package.archive) as archive:
        info = read_info(archive.extractfile(INFO).read())
        assert archive.extractfile("flow.py").read() == b"1"
    assert info == package.info
    assert info == {"script": "flow.py", "files": 1, "left_out": [], "code_version": "abc"}


def test_a_file_that_is_gone_is_named_in_what_is_left_out(tmp_path):
    package = build(str(tmp_path / "flow.py"), (".py",))

    assert package.info["left_out"] == ["flow.py: No such file or directory"]


def test_the_version_changes_with_the_content_and_with_nothing_else(tmp_path):
    script = tmp_path / "flow.py"
    script.write_text("1")
    before = code_version(str(script))

    (tmp_path / "unrelated.py").write_text("2")
    assert code_version(str(script)) == before

    script.write_text("2")
    assert code_version(str(script)) != before
    assert len(before) == 16


def test_the_version_of_a_flow_whose_file_is_gone_can_be_had(tmp_path):
    assert code_version(str(tmp_path / "gone.py")) == code_version(str(tmp_path / "gone.py"))
