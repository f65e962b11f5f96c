"""CSVs of beats in another form: each is told in one sentence, with a command that makes a file of beats of it."""

import bz2
import csv
import gzip
import lzma
import re
import shlex
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from components.io.parquet import read_parquet
from components.io.sources import find_sources
from tests.io.refused import sentence_of, sentence_of_data
from tests.io.rows import line, lines

TEXT, SIGNAL, LABEL = lines(40)
ROWS = TEXT.decode().splitlines()


def numbered(rows):
    return [f"{number},{row}" for number, row in enumerate(rows)]


def with_label_at(column, row):
    *samples, label = row.split(",")
    return ",".join([*samples[:column], label, *samples[column:]])


HEADER = ",".join([*map(str, range(187)), "label"])
COMMAS = [row.replace(".", "@").replace(",", ";").replace("@", ",") for row in ROWS]

FORMS = {
    "header": ([HEADER, *ROWS], ["begins with a header line ('0,1,2,3,"]),
    "header of numbers": ([",".join(map(str, range(188))), *ROWS], ["begins with a header line"]),
    "header of names": ([",".join(f"c{at}" for at in range(188)), *ROWS], ["begins with a header line ('c0,c1,"]),
    "header of floats": ([",".join(f"{at}.0" for at in range(188)), *ROWS], ["begins with a header line"]),
    "header of a row": (
        [line(1).replace("0.00", "0.00.1").replace("0.9", "0.9.1"), *ROWS],
        ["begins with a header line"],
    ),
    "header in quotes": ([",".join(f'"V{at}"' for at in range(188)), *ROWS], ["begins with a header line"]),
    "comment": (["# made by hand", *ROWS], ["begins with a comment ('# made by hand')"]),
    "comments and header": (
        ["% made by hand", " # on a day", HEADER, *ROWS],
        ["begins with a comment ('% made by hand') and begins with a header line"],
    ),
    "index": (numbered(ROWS), ["has an index in its first column (0, 1, 2, ...)"]),
    "index of other rows": ([f"{(at * 7919) % 4000 + 7},{row}" for at, row in enumerate(ROWS)], ["has an index"]),
    "index of names": (
        [f"r{at % 3}_x,{row}" for at, row in enumerate(ROWS)],
        ["has an index in its first column (r0_x"],
    ),
    "index and header": (["," + HEADER, *numbered(ROWS)], ["begins with a header line", "and has an index"]),
    "R": ([HEADER, *(f'"{at}",{row}' for at, row in enumerate(ROWS, 1))], ["begins with a header", "an index"]),
    "semicolons": ([row.replace(",", ";") for row in ROWS], ["has semicolons between its values"]),
    "tabs": ([row.replace(",", "\t") for row in ROWS], ["has tabs between its values"]),
    "bars": ([row.replace(",", "|") for row in ROWS], ["has bars between its values"]),
    "spaces": (["  " + row.replace(",", "  ") for row in ROWS], ["has spaces between its values"]),
    "decimal commas": (COMMAS, ["has decimal commas and has semicolons between its values"]),
    "decimal commas, tabs": ([row.replace(";", "\t") for row in COMMAS], ["decimal commas and has tabs"]),
    "decimal commas in quotes": (['"' + row.replace(";", '","') + '"' for row in COMMAS], ["decimal commas", "quotes"]),
    "quotes": (['"' + row.replace(",", '","') + '"' for row in ROWS], ["has values in quotes"]),
    "decimal commas in single quotes": (
        ["'" + row.replace(";", "','") + "'" for row in COMMAS],
        ["decimal commas", "quotes"],
    ),
    "single quotes": (["'" + row.replace(",", "','") + "'" for row in ROWS], ["has values in quotes, but"]),
    "single quotes and spaces": (["'" + row.replace(",", "' '") + "'" for row in ROWS], ["quotes and has spaces"]),
    "single quotes and header": (
        [",".join(f"'{name}'" for name in HEADER.split(",")), *("'" + row.replace(",", "','") + "'" for row in ROWS)],
        ["begins with a header line", "has values in quotes, but"],
    ),
    "a label in single quotes": ([f"{row[:-3]}'{row[-3:]}'" for row in ROWS], ["has values in quotes, but"]),
    "a quoted label": ([f'{row[:-3]}"{row[-3:]}"' for row in ROWS], ["has values in quotes"]),
    "a comma at the end": ([row + "," for row in ROWS], ["has a separator at the end of its lines"]),
    "all at once": (
        [";" + HEADER.replace(",", ";"), *(f'"{at}";{row};' for at, row in enumerate(COMMAS))],
        ["header", "decimal commas", "quotes", "semicolons", "index", "at the end"],
    ),
    "label first": ([f"{row[-3:]},{row[:-4]}" for row in ROWS], ["has its label in the first column"]),
    "label second": ([with_label_at(1, row) for row in ROWS], ["has its label in column 1, counted from 0, but"]),
    "label in the middle": ([with_label_at(93, row) for row in ROWS], ["has its label in column 93, counted from 0"]),
    "label last but one": ([with_label_at(186, row) for row in ROWS], ["has its label in column 186, counted from 0"]),
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", FORMS)
def test_a_table_in_another_form_is_told_with_the_command_that_mends_it(tmp_path, name, end):
    rows, clauses = FORMS[name]
    content = "".join(row + end for row in rows).encode()
    sentence = sentence_of(tmp_path / "my beats.csv", content)
    for clause in clauses:
        assert clause in sentence
    in_training = sentence_of_data(tmp_path / "data", content)
    assert in_training.partition(", for instance")[0] == sentence.partition(", for instance")[0].replace(
        f"{tmp_path}/my beats.csv", f"{tmp_path}/data/mitbih_train.csv"
    )
    [command] = re.findall(r"`(.*)`", sentence)
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    assert [source.kind for source in find_sources([f"{tmp_path}/beats.csv"])] == ["csv"]
    mended = (tmp_path / "beats.csv").read_text().splitlines()
    values = np.array([row.split(",") for row in mended], np.float32)
    np.testing.assert_allclose(values, np.column_stack([SIGNAL, LABEL]), rtol=1e-6)


@pytest.mark.parametrize("first", ["", "# made by hand\n", "\ufeff"])
@pytest.mark.parametrize(
    "header", [HEADER, HEADER.replace(",", ";"), f",{HEADER}", ",".join(sorted(HEADER.split(",")))]
)
def test_a_header_without_rows_is_not_told_to_be_taken_off(tmp_path, first, header):
    content = f"{first}{header}\n".encode()
    for sentence in (sentence_of(tmp_path / "a.csv", content), sentence_of_data(tmp_path / "data", content)):
        assert " has no beats, only a header line (" in sentence
        assert sentence.endswith("make it again from where its rows are, or leave it out.")


NAMES = HEADER.split(",")
ORDERS = {
    "as text": sorted(range(188), key=lambda at: NAMES[at]),
    "label first": [187, *range(187)],
    "label in the middle": [*range(50), 187, *range(50, 187)],
    "descending": [*range(186, -1, -1), 187],
    "any": np.random.default_rng(5).permutation(188).tolist(),
}


@pytest.mark.parametrize(
    ("name", "form"),
    [
        *((name, "plain") for name in ORDERS),
        ("any", "semicolons"),
        ("as text", "index"),
        ("any", "comment"),
        ("any", "quotes"),
    ],
)
def test_columns_that_their_names_say_are_in_another_order_are_never_mended_by_taking_the_names_off(
    tmp_path, monkeypatch, name, form
):
    table = pd.DataFrame(np.column_stack([SIGNAL, LABEL]), columns=NAMES).iloc[:, ORDERS[name]]
    forms = {"semicolons": {"sep": ";", "decimal": ","}, "quotes": {"quotechar": "'", "quoting": csv.QUOTE_ALL}}
    options = forms.get(form, {})
    content = (form == "comment") * b"# ours\n" + table.to_csv(index=form == "index", **options).encode()
    sentence = sentence_of(tmp_path / "my beats.csv", content)
    assert "are not 187 samples in order and then the label. Write it as Parquet" in sentence
    [command] = re.findall(r"`python -c (.*)`", sentence)
    [program] = shlex.split(command)
    monkeypatch.chdir(tmp_path)
    exec(program)
    [source] = find_sources(["beats.parquet"])
    [block] = read_parquet(source.file.path, 0, 1, 0, 100)
    np.testing.assert_allclose(block.signal, SIGNAL, rtol=1e-6)
    np.testing.assert_array_equal(block.label, LABEL)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("index", [False, True])
def test_a_label_that_is_empty_in_every_row_is_said_to_be(tmp_path, separator, index):
    unlabelled = [row.rpartition(",")[0] for row in ROWS]
    rows = [f"{row}," for row in (numbered(unlabelled) if index else unlabelled)]
    content = "\n".join(rows).replace(",", separator).encode()
    for sentence in (sentence_of(tmp_path / "a.csv", content), sentence_of_data(tmp_path / "data", content)):
        assert "has no label in any row: the last of 188 columns is empty. Put the labels there" in sentence
    [command] = re.findall(r"`(.*)`", sentence_of(tmp_path / "a.csv", content))
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    assert (tmp_path / "beats.csv").read_text() == "".join(f"{row[:-1]}\n" for row in rows).replace(",", separator)


COMMANDS = {
    **{each: (TEXT.decode().encode(each), "") for each in ("utf-16", "utf-16-le", "utf-16-be", "utf-32")},
    **{each: (TEXT.decode().encode(each), f"iconv -f {each.upper()[:6]}") for each in ("utf-32-le", "utf-32-be")},
    "CR CR LF": (TEXT.replace(b"\n", b"\r\r\n"), "ends its lines with CR CR LF: save it with LF or CRLF line ends"),
    "LF CR": (TEXT.replace(b"\n", b"\n\r"), "ends its lines with LF CR: save it with LF or CRLF line ends"),
    "bzip2": (bz2.compress(TEXT), ""),
    "xz": (lzma.compress(TEXT), ""),
}


@pytest.mark.parametrize("name", ["my beats.csv", "beats.csv.gz"])
@pytest.mark.parametrize("kind", COMMANDS)
def test_text_of_another_encoding_and_packed_text_are_told_with_a_command_that_works(tmp_path, kind, name):
    content, expected = COMMANDS[kind]
    sentence = sentence_of(tmp_path / name, gzip.compress(content) if name.endswith(".gz") else content)
    assert expected in sentence
    [command] = re.findall("`(.*)`", sentence)
    if kind not in ("bzip2", "xz") or shutil.which(kind):
        subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
        assert (tmp_path / "beats.csv").read_bytes() == TEXT


@pytest.mark.parametrize("name", ["beats.csv", "-n.csv", "a b.CSV.GZ"])
def test_commands_work_for_any_name_and_never_write_over_their_input(tmp_path, name):
    content = "\n".join([HEADER, *ROWS]).encode()
    sentence = sentence_of(tmp_path / name, gzip.compress(content) if name.endswith("GZ") else content)
    [command] = re.findall(r"`(.*)`", sentence)
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    made = tmp_path / ("beats_2.csv" if name == "beats.csv" else "beats.csv")
    assert made.read_text().splitlines() == ROWS


def test_a_first_line_like_the_others_is_no_header(tmp_path):
    rows = [" ".join(["1", *(f"{at}:0.5" for at in range(187))])] * 20
    assert "header line" not in sentence_of(tmp_path / "a.svm", "\n".join(rows).encode())


def test_an_index_beside_187_samples_is_no_labelled_file(tmp_path):
    rows = numbered(row.rsplit(",", 1)[0] for row in ROWS)
    assert "has an index in its first column" in sentence_of(tmp_path / "a.csv", "\n".join(rows).encode())


def test_186_samples_and_a_label_are_no_187_samples(tmp_path):
    rows = [row.partition(",")[2] for row in ROWS]
    sentence = sentence_of(tmp_path / "a.csv", "\n".join(rows).encode())
    assert "has labels in its last column, and 186 samples before them where 187 are expected" in sentence


def test_a_label_in_the_first_column_is_seen_where_only_the_last_rows_show_it(tmp_path):
    """Kaggle's files are sorted by class: the first rows are all of class 0, and their last sample is 0."""
    padded = [f"{row.rsplit(',', 2)[0]},0.0" for row in ROWS * 10]
    rows = [f"{int(at > 350)},{'1.0' if at % 3 else '0.7'},{row.partition(',')[2]}" for at, row in enumerate(padded)]
    assert "has its label in the first column" in sentence_of(tmp_path / "a.csv", "\n".join(rows).encode())


def test_a_single_2_among_zeros_that_pad_beats_is_no_label(tmp_path):
    """Its row is a reject."""
    padded = [f"{row.rsplit(',', 2)[0]},0,0" for row in ROWS]
    (tmp_path / "a.csv").write_text("\n".join([*padded, padded[0].removesuffix("0,0") + "2,0"]))
    assert find_sources([str(tmp_path / "a.csv")])
