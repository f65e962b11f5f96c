"""Scored beats written back as WFDB annotations, for LightWAVE and PhysioNet's tools."""

from __future__ import annotations

import tempfile
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from components.errors import DataRefused, EnvironmentRefused, UsageError, counted
from components.io.scratch import made_folder
from components.io.signals import interrupts_ignored
from components.recordings.annotation_files import ABSTAINED, Answers, annotation_bytes, annotation_file_name
from components.recordings.header import EDF, header_path, read_header
from components.recordings.lead import open_lead
from components.recordings.lead_names import find_lead

if TYPE_CHECKING:
    import pyarrow as pa


def annotate(scored: Path, wfdb: Path, out: Path, annotator: str, lead: str = "0") -> dict[Path, int]:
    """Write one annotation file for each record of a finished scoring job.

    Args:
        scored: folder of the job.
        wfdb: folder of the records' headers.
        out: folder for the annotation files.
        annotator: their extension, letters only; csv and edf are files of these formats.
        lead: name or index of the lead that the beats were cut from, which gives the samples per frame.

    Returns:
        Written file -> number of its beats.

    Raises:
        UsageError: the extension is not letters, or a file already exists.
        DataRefused: the job is not finished, its rows do not say where they come from, or a beat is scored twice or
            lies outside its record.
        EnvironmentRefused: the folder cannot be written.
    """
    annotation_file_name(annotator, "record")  # refuses a bad extension before anything is read
    beats = read_scored(scored)
    records = np.array(beats["record"].to_pylist(), np.str_)
    samples = beats["sample"].to_numpy()
    symbols = np.where(beats["abstain"].to_numpy(), ABSTAINED, beats["symbol"].to_pylist())
    order = np.lexsort((samples, records))
    names, first = np.unique(records[order], return_index=True)
    rows_of = dict(zip(names.tolist(), np.split(order, first[1:]), strict=True))
    targets = {name: out / annotation_file_name(annotator, name) for name in rows_of}
    for name, target in targets.items():
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise DataRefused(f"The scored record {name!r} is not a record's name.")
        if target.exists():
            raise UsageError(f"{target} is there already; remove it, or choose another --annotator.")
    try:
        with made_folder(out), tempfile.TemporaryDirectory(prefix=".annotate-", dir=out) as scratch:
            for number, (name, rows) in enumerate(rows_of.items()):
                answers = _answers(name, samples[rows], symbols[rows], wfdb, lead)
                Path(scratch, str(number)).write_bytes(annotation_bytes(annotator, answers))
            with interrupts_ignored():
                for number, target in enumerate(targets.values()):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    Path(scratch, str(number)).replace(target)
    except OSError as error:
        raise EnvironmentRefused(f"{error.filename or out} cannot be written: {error.strerror or error}.") from error
    return {target: len(rows_of[name]) for name, target in targets.items()}


def read_scored(scored: Path) -> pa.Table:
    """Read the columns record, sample, symbol and abstain of all parts of a scoring job.

    Raises:
        DataRefused: the job is missing or unfinished, or its rows do not say which record and sample they are from.
    """
    import pyarrow as pa
    import pyarrow.csv as pa_csv
    import pyarrow.dataset as pa_dataset

    parts = sorted((scored / "parts").glob("*.parquet")) + sorted((scored / "parts").glob("*.csv"))
    if not parts:
        raise DataRefused(f"{scored} is not a scoring directory: it has no parts/*.parquet or parts/*.csv.")
    if not (scored / "_SUCCESS").exists():
        raise DataRefused(f"The scoring job in {scored} is not finished: _SUCCESS is missing; finish it first.")
    types = {"record": pa.string(), "sample": pa.int64(), "symbol": pa.string(), "abstain": pa.bool_()}
    options = pa_csv.ConvertOptions(column_types=types, strings_can_be_null=True)
    formats = {".parquet": pa_dataset.ParquetFileFormat(), ".csv": pa_dataset.CsvFileFormat(convert_options=options)}
    tables = []
    for part in parts:
        try:
            table = pa_dataset.dataset(part, format=formats[part.suffix]).to_table(columns=list(types))
        except pa.ArrowInvalid as error:
            raise DataRefused(f"{part} does not hold scored rows: {error}.") from error
        tables.append(table.cast(pa.schema(types.items())))
    beats = pa.concat_tables(tables)
    unknown = max(beats[name].null_count for name in ("record", "sample"))
    if unknown:
        raise DataRefused(
            f"{unknown} of {counted(len(beats), 'row')} in {scored} do not say which record and sample they are; "
            "score CSVs that have their provenance file beside them."
        )
    return beats


def _answers(
    name: str, samples: npt.NDArray[np.int64], symbols: npt.NDArray[np.str_], wfdb: Path, lead: str
) -> Answers:
    """Return the annotations of a record whose beats are in order of position, in samples of the lead."""
    try:
        fs, sig_len, start = _sampling(wfdb / name, lead)
    except DataRefused as refused:
        raise DataRefused([f"Record {name}: {sentence}" for sentence in refused.sentences]) from refused
    twice = np.flatnonzero(np.diff(samples) == 0)
    if twice.size:
        raise DataRefused(f"Record {name}: the beat at sample {samples[twice[0]]} was scored more than once.")
    if samples[0] < 0 or (sig_len and samples[-1] >= sig_len):
        raise DataRefused(
            f"Record {name}: a scored beat is at sample {samples[-1]}, but the record has {sig_len}; "
            "name the records that were scored with --wfdb."
        )
    return Answers(name, fs, sig_len or int(samples[-1]) + 1, samples, symbols, start=start)


def _sampling(stem: Path, lead: str) -> tuple[Fraction, int, datetime | None]:
    """Return a lead's samples per second, its length (0 if the header does not say) and its start time."""
    if stem.suffix.lower() in EDF:
        opened = open_lead(stem, lead)
        return opened.fs, opened.length, opened.start
    header = read_header(stem)
    signals = header.signals
    for name, _ in header.segments:
        if not signals and header_path(stem.parent / name).is_file():
            signals = read_header(stem.parent / name).signals
    counts = {signal.samps_per_frame for signal in signals} or {1}
    per_frame = counts.pop() if len(counts) == 1 else signals[find_lead(signals, lead)].samps_per_frame
    return header.fs * per_frame, header.sig_len * per_frame, None
