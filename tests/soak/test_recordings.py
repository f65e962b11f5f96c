"""Recordings and annotations drawn at random: what is read of each against what was written and against wfdb."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recordings.edf_files import EdfSignal
from tests.recordings.generated import Recording, recordings
from tests.recordings.test_edf import check_edf, files
from tests.recordings.test_reading import GENERATED, annotations, check_annotations, check_recording

RECORDINGS = 2500

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]


@settings(GENERATED, max_examples=RECORDINGS, database=None)
@given(recordings(), st.lists(st.integers(0, 1000), max_size=3))
def test_no_recording_is_read_otherwise_than_it_was_written(recording: Recording, edges: list[int]) -> None:
    check_recording(recording, edges)


@settings(GENERATED, max_examples=RECORDINGS, database=None)
@given(annotations())
def test_no_annotation_is_read_otherwise_than_it_was_written(
    drawn: tuple[int, float | None, int, list[int], list[str]],
) -> None:
    check_annotations(drawn)


@settings(GENERATED, max_examples=RECORDINGS, database=None)
@given(files(), st.lists(st.integers(0, 10_000), max_size=3))
def test_no_edf_file_is_read_otherwise_than_it_was_written(
    drawn: tuple[list[EdfSignal], str, str, bool, int], edges: list[int]
) -> None:
    check_edf(drawn, edges)
