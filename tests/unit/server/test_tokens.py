"""Tokens of a server: named, with roles, kept as hashes."""

import os
import stat

import pytest

from stepwell.exceptions import UsageError
from stepwell.server.tokens import Role, TokenFile


@pytest.fixture
def file(tmp_path):
    return TokenFile(tmp_path / "home" / "server_tokens.json")


# SPEC 14.1-2
def test_a_token_is_known_again_with_its_name_and_role_and_no_other_text_is(file):
    secret = file.add("ci", Role.RUN)
    other = file.add("eye", Role.READ)

    assert (file.holder_of(secret).name, file.holder_of(secret).role) == ("ci", Role.RUN)
    assert file.holder_of(other).role is Role.READ
    for text in ("", secret[:-1], secret + "x", "ci", "\udcff"):
        assert file.holder_of(text) is None


# SPEC 14.1-2, 18.2-2
def test_the_file_holds_no_token_and_is_for_the_user_alone(file):
    secret = file.add("ci", Role.RUN)

    text = file.path.read_text()
    assert secret not in text and secret.removeprefix("sw_") not in text
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert os.listdir(file.path.parent) == [file.path.name]


def test_each_token_is_another_one(file):
    assert len({file.add(str(number), Role.RUN) for number in range(20)}) == 20


# SPEC 14.1-2
def test_what_another_process_changes_is_known_at_once(file):
    assert not file.tokens
    other = TokenFile(file.path)
    secret = other.add("ci", Role.RUN)
    assert file.holder_of(secret) is not None

    other.remove("ci")

    assert file.holder_of(secret) is None


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "a/b", "\n", "\udcff"])
def test_a_text_that_is_no_name_is_refused(file, name):
    with pytest.raises(UsageError, match="is no name of a token"):
        file.add(name, Role.RUN)


def test_names_are_taken_once_and_removing_needs_one_that_is_there(file):
    file.add("nightly", Role.RUN)

    with pytest.raises(UsageError, match="There is a token `nightly` already"):
        file.add("nightly", Role.READ)
    with pytest.raises(UsageError, match=r"There is no token `nightli`.* Did you mean `nightly`?"):
        file.remove("nightli")


@pytest.mark.parametrize("content", ["{", "[]", '{"tokens": [{"name": "x", "role": "king"}]}'])
def test_a_file_that_cannot_be_read_lets_nobody_in_and_says_so(file, content):
    file.path.parent.mkdir()
    file.path.write_text(content)

    with pytest.raises(UsageError, match=r"server_tokens\.json cannot be read"):
        file.holder_of("sw_x")
