"""What is said of a file that is no file of beats, by `heartbeat score --input` and by `--data`."""

import pytest

from components.errors import DataRefused
from components.ingest.locate import find_inputs
from components.io.sources import find_sources
from tests.io.rows import lines


def sentence_of(path, content):
    """The sentence for `heartbeat score --input`."""
    path.write_bytes(content)
    with pytest.raises(DataRefused) as refused:
        find_sources([str(path)])
    [sentence] = refused.value.sentences
    assert sentence.startswith(f"{path} ")
    assert refused.value.exit_code == 3
    return sentence


def sentence_of_data(folder, content):
    """The sentence for `--data`, the train file being such."""
    folder.mkdir()
    (folder / "mitbih_train.csv").write_bytes(content)
    (folder / "mitbih_test.csv").write_bytes(lines(40)[0])
    with pytest.raises(DataRefused) as refused:
        find_inputs(str(folder))
    [sentence] = refused.value.sentences
    return sentence
