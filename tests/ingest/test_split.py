import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from components.ingest.split import held_out_records, held_out_rows

ROWS = st.dictionaries(st.text("0123456789", min_size=1, max_size=3), st.integers(1, 500), min_size=1, max_size=30)


@given(rows=ROWS, share=st.floats(0.01, 0.99), seed=st.integers(0, 2**63 - 1))
def test_whole_records_are_held_out_until_the_share_is_reached(rows, share, seed):
    chosen = held_out_records(rows, share, seed)
    assert chosen < set(rows)
    wanted = share * sum(rows.values())
    reached = sum(rows[record] for record in chosen)
    assert reached >= wanted or len(chosen) == len(rows) - 1
    assert reached - max((rows[record] for record in chosen), default=0) < wanted
    assert held_out_records(dict(reversed([*rows.items()])), share, seed) == chosen


def test_another_seed_holds_out_other_records():
    rows = {str(record): 100 for record in range(100, 148)}
    choices = {held_out_records(rows, 0.1, seed) for seed in range(5)}
    assert len(choices) == 5
    assert {len(choice) for choice in choices} == {5}


def test_rows_are_held_out_by_their_content_alone():
    signal = np.random.default_rng(3).random((4000, 187), np.float32)
    chosen = held_out_rows(signal, 0.1, 1)
    assert 320 < chosen.sum() < 480
    order = np.random.default_rng(4).permutation(4000)
    np.testing.assert_array_equal(held_out_rows(signal[order], 0.1, 1), chosen[order])
    np.testing.assert_array_equal(held_out_rows(signal[1234:1300], 0.1, 1), chosen[1234:1300])
    assert (held_out_rows(signal, 0.1, 2) != chosen).any()
    assert not (chosen & ~held_out_rows(signal, 0.2, 1)).any()
