import io
import tarfile

from hypothesis import given
from hypothesis import strategies as st

from stepwell.code_package.archive import pack

NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=90
).filter(lambda name: name not in (".", ".."))
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
FILES = st.dictionaries(PATHS, st.binary(max_size=2000), max_size=6)


def read(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz", encoding="utf-8") as opened:
        return {member.name: opened.extractfile(member).read() for member in opened}


@given(FILES)
def test_the_standard_library_reads_back_every_name_and_content(files):
    assert read(pack(files.items())) == files


def test_a_name_that_is_no_unicode_is_kept():
    name = b"caf\xe9.py".decode("utf-8", "surrogateescape")

    assert read(pack([(name, b"x")])) == {name: b"x"}


def test_the_same_files_give_the_same_bytes():
    files = [("a.py", b"1"), ("b/c.py", b"2" * 1000)]

    assert pack(files) == pack(list(files))
    assert pack(files) != pack(files[:1])
