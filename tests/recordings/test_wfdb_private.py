"""The private API of wfdb that reading stands on is there."""

from __future__ import annotations

import inspect

from wfdb.io import _signal


def test_the_reader_of_signal_files_takes_what_it_is_given() -> None:
    names = {"file_name", "dir_name", "pn_dir", "fmt", "n_sig", "sig_len", "byte_offset", "samps_per_frame", "skew"}
    names |= {"init_value", "sampfrom", "sampto", "channels", "ignore_skew"}
    assert names <= set(inspect.signature(_signal._rd_segment).parameters)
