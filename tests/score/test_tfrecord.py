import numpy as np
import pytest
import tensorflow as tf

from components.beat import Beats
from components.errors import DataRefused
from components.io.examples import encode_examples
from components.io.storage import list_files
from components.io.tfrecord import RECORD_BYTES, read_records, write_records
from tests.score.jobs import expected, probabilities, read_parts, read_rejects, run

SIGNAL = np.random.default_rng(3).random((30, 187), np.float32)
LABEL = np.arange(30) % 5


def example(**features):
    kinds = {float: "float_list", int: "int64_list", bytes: "bytes_list"}
    built = {}
    for name, values in features.items():
        kind = kinds[type(values[0])]
        message = {"float_list": tf.train.FloatList, "int64_list": tf.train.Int64List, "bytes_list": tf.train.BytesList}
        built[name] = tf.train.Feature(**{kind: message[kind](value=values)})
    return tf.train.Example(features=tf.train.Features(feature=built)).SerializeToString()


def write(path, records):
    with path.open("wb") as file:
        write_records(file, records)


def test_bad_records_are_told_one_by_one(tmp_path):
    records = encode_examples(Beats(SIGNAL, LABEL))
    signal = SIGNAL[0].tolist()
    records[2] = b"no protocol buffer"
    records[3] = example(label=[1])
    records[4] = example(signal=signal[:-1], label=[1])
    records[5] = example(signal=[int(value) for value in signal], label=[1])
    records[6] = example(signal=signal, label=[9])
    records[7] = example(signal=signal)
    records[8] = example(signal=[-0.5, *signal[1:]], label=[1])
    records[9] = example(signal=signal, label=[1, 2])
    write(tmp_path / "a.tfrecord", records)
    text = bytearray((tmp_path / "a.tfrecord").read_bytes())
    text[text.find(records[10]) + 100] ^= 0xFF
    (tmp_path / "a.tfrecord").write_bytes(text)
    run(tmp_path / "a.tfrecord", output=tmp_path / "out", budget="20")
    reasons = {each["row"]: each["reason"] for each in read_rejects(tmp_path / "out")}
    assert reasons == {
        2: "it is not a tf.Example",
        3: "it has no feature signal",
        4: "it has 186 samples, expected 187",
        5: "its feature signal is no list of floats",
        6: "label 9 is not one of 0..4",
        7: "it has no label",
        8: "sample 0 is -0.5, outside 0..1",
        9: "its feature label is not one value of int64_list",
        10: "its bytes are not what their checksum says, or there are too many of them",
    }
    table = read_parts(tmp_path / "out")
    kept = [row for row in range(30) if row not in reasons]
    assert table["row"].to_pylist() == kept
    np.testing.assert_allclose(probabilities(table), expected(SIGNAL[kept]), atol=1e-6)
    assert table["record"].null_count == table["sample"].null_count == len(kept)


def test_record_and_sample_are_taken_from_features(tmp_path):
    signal = SIGNAL[0].tolist()
    write(
        tmp_path / "a.tfrecord",
        [example(signal=signal, label=[1], record=[b"100"], sample=[77]), example(signal=signal, label=[1])],
    )
    run(tmp_path / "a.tfrecord", output=tmp_path / "out")
    table = read_parts(tmp_path / "out")
    assert table["record"].to_pylist() == ["100", None]
    assert table["sample"].to_pylist() == [77, None]


def test_a_label_where_none_is_expected_and_the_other_way_round(tmp_path):
    signal = SIGNAL[0].tolist()
    write(tmp_path / "with.tfrecord", [example(signal=signal, label=[1])])
    write(tmp_path / "without.tfrecord", [example(signal=signal), example(signal=signal, label=[1])])
    with pytest.raises(DataRefused, match="--no-label says"):
        run(tmp_path / "with.tfrecord", output=tmp_path / "a", labelled=False)
    with pytest.raises(DataRefused, match="has no label"):
        run(tmp_path / "without.tfrecord", output=tmp_path / "b")
    summary = run(tmp_path / "without.tfrecord", output=tmp_path / "c", labelled=False, budget="1")
    assert summary.reasons == {"label where none is expected": 1}


def test_what_may_be_the_label_under_another_name_is_told(tmp_path):
    signal = SIGNAL[0].tolist()
    write(tmp_path / "a.tfrecord", [example(signal=signal, target=[1], patient=[b"7"], record=[b"100"])])
    told = "a.tfrecord has no feature `label`, but 'patient', 'target': rename the one that holds the label. If none"
    with pytest.raises(DataRefused, match=told):
        run(tmp_path / "a.tfrecord", output=tmp_path / "out")


@pytest.mark.parametrize("cut", [1, 5, 700])
def test_a_file_that_is_cut_off_is_refused(tmp_path, cut):
    write(tmp_path / "a.tfrecord", encode_examples(Beats(SIGNAL, LABEL)))
    (tmp_path / "a.tfrecord").write_bytes((tmp_path / "a.tfrecord").read_bytes()[:-cut])
    with pytest.raises(DataRefused, match="cut off at record 29"):
        run(tmp_path / "a.tfrecord", output=tmp_path / "out")


def test_frames_of_any_length_across_reads(tmp_path):
    sizes = [0, 1, RECORD_BYTES - 1, RECORD_BYTES, RECORD_BYTES + 1, 3 * RECORD_BYTES, 5]
    records = [bytes([i]) * size for i, size in enumerate(sizes)]
    write(tmp_path / "a.tfrecord", records)
    [file] = list_files(str(tmp_path / "a.tfrecord"))
    read = list(read_records(file))
    assert read == [None if len(record) > RECORD_BYTES else record for record in records]


@pytest.mark.parametrize("name", ["a.tfrecord", "data_tfrecord-00000-of-00001"])
def test_a_file_whose_first_header_is_damaged_is_not_read_as_text(tmp_path, name):
    write(tmp_path / name, encode_examples(Beats(SIGNAL, LABEL)))
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[:4] + b"lost" + content[4:])
    with pytest.raises(DataRefused, match="damaged or cut off at record 0"):
        run(tmp_path / name, output=tmp_path / "out", budget="100%")
