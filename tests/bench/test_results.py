"""The table of people never seen: what it pools, and what it leaves out."""

import json

from bench.results import _strangers


def test_records_are_pooled_over_all_and_without_one(tmp_path):
    good = [[9, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 2, 0, 0], [0] * 5, [0] * 5]
    bad = [[0, 4, 0, 0, 0], [4, 0, 0, 0, 0], [0] * 5, [0] * 5, [0] * 5]
    for seed, of_232 in ((1, bad), (2, good)):
        run = {"seed": seed, "records": {"mitdb/100": good, "mitdb/232": of_232, "svdb/800": good}}
        (tmp_path / f"ds1-svdb-{seed}.json").write_text(json.dumps(run))
    whole, without, _ = [row.split(" | ") for row in _strangers(tmp_path).splitlines()[2:]]
    assert whole[1:5] == ["2", "32", "68.75%", "87.50% (75.00% to 100.00%)"]
    assert whole[6:] == ["1.000 / 1.000", "0.667 / 0.667 |"]
    assert without[0] == "| DS2, trained on DS1 and SVDB without 232"
    assert without[2:5] == ["24", "75.00%", "100.00% (100.00% to 100.00%)"]


def test_nothing_tested_is_no_table(tmp_path):
    assert _strangers(tmp_path) == ""
