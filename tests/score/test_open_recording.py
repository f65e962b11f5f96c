"""Short recordings, whose beats are found and cut together: exactly what each of them gives alone."""

import pyarrow.parquet as pq
import pytest

from tests.recordings.archives import simulated, write_record
from tests.score.jobs import read_parts, read_rejects, run


def lines(output):
    return [line for path in sorted((output / "recordings").iterdir()) for line in pq.read_table(path).to_pylist()]


@pytest.mark.parametrize("form", ["detected", "annotated"])
def test_short_recordings_together_give_exactly_what_each_gives_alone(tmp_path, form):
    folder, options = tmp_path / "in", {"annotations": "pred", "block_rows": 25}
    if form == "annotated":
        options["annotator"] = "atr"
    lengths = [3600, 3600, 3600, 4000, 3600, 3600, 3600]
    for i, length in enumerate(lengths):
        signal, positions, symbols = simulated(seed=i, beats=40)
        kept = positions < length
        symbols = [symbol for symbol, inside in zip(symbols, kept, strict=True) if inside]
        write_record(folder, f"r{i}", signal[:length], positions[kept], symbols, fmt="16")
    with (folder / "r4.dat").open("r+b") as file:
        file.truncate(3000)
    run(folder, output=tmp_path / "all", budget="100%", shard_bytes=1 << 22, **options)
    alone = [tmp_path / f"alone{i}" for i in range(len(lengths))]
    for i, out in enumerate(alone):
        run(folder / f"r{i}.hea", output=out, budget="100%", **options)
    assert len(list((tmp_path / "all" / "parts").iterdir())) == 1
    assert read_parts(tmp_path / "all").to_pylist() == [row for out in alone for row in read_parts(out).to_pylist()]
    assert read_rejects(tmp_path / "all") == [reject for out in alone for reject in read_rejects(out)]
    assert lines(tmp_path / "all") == [line for out in alone for line in lines(out)]
    for i, out in enumerate(alone):
        name = f"annotations/r{i}.pred"
        assert (out / name).is_file() == (i != 4)
        if i != 4:
            assert (tmp_path / "all" / name).read_bytes() == (out / name).read_bytes()
