import io

import numpy as np
import pytest
import tensorflow as tf

from components.beat import Beats
from components.errors import DataRefused
from components.io.examples import encode_examples, example_files, read_split
from components.io.sources import find_sources
from components.io.tfrecord import write_records
from tests.io.rows import lines


def beats(count, record=None, numbers=0):
    _, signal, label = lines(count)
    context = np.random.default_rng(count).normal(size=(count, numbers)).astype(np.float32)
    return Beats(signal, label.astype(np.int64), record, context if numbers else None)


def by_protos(signal, label, record, context):
    feature = {
        "signal": tf.train.Feature(float_list=tf.train.FloatList(value=signal)),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
    }
    if context is not None:
        feature["context"] = tf.train.Feature(float_list=tf.train.FloatList(value=context))
    if record is not None:
        feature["record"] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[record.encode()]))
    return tf.train.Example(features=tf.train.Features(feature=feature))


@pytest.mark.parametrize("record", [None, ("100", "201", "100", "x" * 200, "é", "100", "201", "7")])
@pytest.mark.parametrize("numbers", [0, 1, 8, 40])
def test_examples_are_what_protocol_buffers_make(record, numbers):
    given = beats(8, record, numbers)
    encoded = encode_examples(given)
    names = record or [None] * 8
    contexts = [None] * 8 if given.context is None else given.context
    expected = [by_protos(*each) for each in zip(given.signal, given.label, names, contexts, strict=True)]
    assert [tf.train.Example.FromString(one) for one in encoded] == expected
    assert encoded == [one.SerializeToString(deterministic=True) for one in expected]


def test_a_label_that_is_no_class_is_an_error():
    with pytest.raises(ValueError, match=r"labels 0\.\.5"):
        encode_examples(Beats(np.zeros((2, 187), np.float32), np.array([0, 5])))


def write(folder, name, given):
    folder.mkdir(exist_ok=True)
    with open(folder / name, "wb") as output:
        write_records(output, encode_examples(given))


@pytest.mark.parametrize(("record", "numbers"), [(None, 0), (("100", "201", "100"), 0), (None, 8)])
def test_a_split_is_read_as_it_was_written_in_file_order(tmp_path, record, numbers):
    first, second = beats(3, record, numbers), beats(1, None if record is None else ("5",), numbers)
    write(tmp_path / "Split-train", "data_tfrecord-00001-of-00002", second)
    write(tmp_path / "Split-train", "data_tfrecord-00000-of-00002", first)
    split = str(tmp_path / "Split-train")
    assert [file.path[-14:] for file in example_files(split)] == ["00000-of-00002", "00001-of-00002"]
    read = read_split(split)
    np.testing.assert_array_equal(read.signal, np.concatenate([first.signal, second.signal]))
    assert read.label.tolist() == [0, 1, 2, 0]
    assert read.label.dtype == np.int64
    assert read.record == (None if record is None else ("100", "201", "100", "5"))
    assert (read.context is None) == (numbers == 0)
    if numbers:
        np.testing.assert_array_equal(read.context, np.concatenate([first.context, second.context]))


def test_an_empty_split_is_no_beats(tmp_path):
    write(tmp_path / "Split-eval", "data_tfrecord-00000-of-00001", beats(0))
    read = read_split(str(tmp_path / "Split-eval"))
    assert (read.signal.shape, read.label.shape, read.record) == ((0, 187), (0,), None)


def test_raw_samples_in_place_of_examples_are_told_without_a_warning(tmp_path, recwarn):
    with open(tmp_path / "a.tfrecord", "wb") as output:
        write_records(output, [row.tobytes() for row in beats(40).signal])
    with pytest.raises(DataRefused, match=r"40 of 40 rows looked at are none, as it is not a tf\.Example"):
        find_sources([f"{tmp_path}/a.tfrecord"])
    assert not recwarn.list


def test_record_files_are_what_tensorflow_writes(tmp_path):
    records = [b"", b"a", b"bc" * 500]
    with tf.io.TFRecordWriter(str(tmp_path / "theirs")) as writer:
        for record in records:
            writer.write(record)
    ours = io.BytesIO()
    write_records(ours, records[:1])
    write_records(ours, records[1:])
    assert ours.getvalue() == (tmp_path / "theirs").read_bytes()
