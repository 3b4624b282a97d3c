"""How many cores there are to use."""

import os

import pytest

from stepwell.engine.cores import core_quota, usable_cores


# SPEC 7.1-9
def test_usable_cores_respect_affinity():
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)


# SPEC 7.1-9
@pytest.mark.parametrize(
    ("files", "membership", "quota"),
    [
        ({"app/cpu.max": "150000 100000", "app/inner/cpu.max": "max 100000"}, "0::/app/inner", 1.5),
        ({"app/cpu.max": "800000 100000", "app/inner/cpu.max": "50000 100000"}, "0::/app/inner", 0.5),
        ({"cpu.max": "200000 100000"}, "0::/", 2.0),
        (
            {"cpu/app/cpu.cfs_quota_us": "300000", "cpu/app/cpu.cfs_period_us": "100000"},
            "4:cpu,cpuacct:/app",
            3.0,
        ),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, "4:cpu:/", None),
        ({}, "", None),
    ],
    ids=["the group above", "its own", "the root", "version 1", "version 1 without limit", "no groups"],
)
def test_the_tightest_limit_of_the_control_groups_counts(tmp_path, files, membership, quota):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    assert core_quota(tmp_path, membership) == quota
