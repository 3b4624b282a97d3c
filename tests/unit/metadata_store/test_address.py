"""What is shown of the address of an index."""

import pytest

from stepwell.metadata_store.address import (
    has_password,
    is_well_formed,
    with_password,
    without_password,
    without_passwords,
)


# SPEC 18.2-2
@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://ann:hush@host:5432/db", "postgresql://ann@host:5432/db"),
        ("postgresql://ann@host/db", "postgresql://ann@host/db"),
        ("postgresql://host/db", "postgresql://host/db"),
        ("postgresql:///db", "postgresql:///db"),
        ("postgresql://ann:@/db?host=/run/pg", "postgresql://ann@/db?host=/run/pg"),
        ("postgresql://:hush@host/db", "postgresql://host/db"),
        (
            "postgresql://a:hush@one:1,two:2/db?sslmode=require",
            "postgresql://a@one:1,two:2/db?sslmode=require",
        ),
        (
            "postgresql://ann@host/db?password=hush&sslmode=require",
            "postgresql://ann@host/db?sslmode=require",
        ),
        (
            "postgresql://ann@host/db?sslmode=require&sslpassword=hush",
            "postgresql://ann@host/db?sslmode=require",
        ),
        ("postgresql://host/db?PASSWORD=hush", "postgresql://host/db"),
        # Not clear where the password ends: nothing is shown.
        ("postgresql://ann:hu@sh@host/db", "postgresql://..."),
        ("postgresql://ann:hu/sh@host/db", "postgresql://..."),
        ("postgresql://ann:hu?sh@host/db", "postgresql://..."),
        ("postgresql://ann:hu#sh@host/db", "postgresql://..."),
    ],
)
def test_an_address_is_shown_without_its_password(address, shown):
    assert without_password(address) == shown
    assert without_password(shown) == shown
    assert is_well_formed(address) is (shown != "postgresql://...")
    assert has_password(address) is (("hush" in address) or ("hu" in address) or ":@" in address)
    assert not has_password(shown)


def test_a_command_line_is_shown_without_the_passwords_in_it():
    line = (
        "flow.py --metadata=postgresql://ann:hush@host/db run --db mysql://bob:hush@h/d --url https://x/y?z=1"
    )

    shown = without_passwords(line)

    assert (
        shown == "flow.py --metadata=postgresql://ann@host/db run --db mysql://bob@h/d --url https://x/y?z=1"
    )


def test_text_without_addresses_stays_as_it_is():
    assert without_passwords("run --at 12:30 --who ann@host") == "run --at 12:30 --who ann@host"
    assert not has_password("ann:hush@host")


def test_a_password_that_was_asked_for_goes_behind_the_user():
    assert with_password("postgresql://ann@host/db", "p%40ss") == "postgresql://ann:p%40ss@host/db"
