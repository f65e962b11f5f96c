"""Speed of scoring recordings, compared with other tools, and by length of recording.

Usage: python -m bench.recordings MODEL_DIR MITDB [--ecgs 20000]

MITDB is the folder of MIT-BIH's records: the first leads of all 48, one after another, are a day of one lead. Figures
are CPU seconds of a fresh process on one thread, without imports and loading, alternating; XQRS, the fortnight and the
ECGs are measured once. NeuroKit2 is not a dependency: if it is not installed, its line is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.measure import Figures, alternating, compare, fresh, fresh_together, print_line
from bench.score import job, warm_model
from bench.score_peers import KERAS_BATCH, warm_network
from components.beat import CLASSES, RECORD_RATE_HZ, SAMPLES
from components.score.model import use_one_thread
from components.score.settings import ScoreSettings

FS = RECORD_RATE_HZ
DAY = 24 * 3600 * FS
FORTNIGHT = 14


def write_record(folder: Path, name: str, signal: npt.NDArray[np.int64], leads: int = 1, fmt: str = "212") -> str:
    """Write a record whose leads are all the same samples, 200 ADC units a mV; return its path."""
    import wfdb

    folder.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        name,
        fs=FS,
        units=["mV"] * leads,
        sig_name=["II", *(f"V{i}" for i in range(1, leads))],
        d_signal=np.repeat(signal[:, None], leads, axis=1),
        fmt=[fmt] * leads,
        adc_gain=[200.0] * leads,
        baseline=[1024] * leads,
        write_dir=str(folder),
    )
    return str(folder / name)


def repeat_record(stem: str, times: int, folder: Path) -> str:
    """Write a record of format 212, of one lead, so many times over; return its path."""
    name = f"{os.path.basename(stem)}-{times}"
    content = Path(f"{stem}.dat").read_bytes()
    with (folder / f"{name}.dat").open("wb") as file:
        for _ in range(times):
            file.write(content)
    samples = len(content) * 2 // 3 * times
    header = f"{name} 1 {FS} {samples}\n{name}.dat 212 200(1024)/mV 12 0\n"
    (folder / f"{name}.hea").write_text(header)
    return str(folder / name)


def first_leads(mitdb: Path) -> npt.NDArray[np.int64]:
    """Return the first leads of all records of MIT-BIH, one after another, in ADC units: 24.07 hours."""
    import wfdb

    stems = sorted(path.with_suffix("") for path in mitdb.glob("*.dat"))
    return np.concatenate([wfdb.rdrecord(str(stem), physical=False, channels=[0]).d_signal[:, 0] for stem in stems])


def annotated(model_dir: str, inputs: list[str], out: str) -> Figures:
    """Time the job, rows and WFDB annotations written."""
    return job(model_dir, inputs, out, annotations="pred")


def with_wfdb(model_dir: str, inputs: list[str], out: str) -> Figures:
    """Time wfdb's reader and XQRS, a loop that cuts each beat, keras.predict and wfdb's annotations."""
    import wfdb.processing

    use_one_thread()
    network = warm_network(model_dir)
    return _by_hand(
        inputs[0],
        out,
        lambda signal: wfdb.processing.xqrs_detect(signal, FS, verbose=False),
        lambda beats: network.predict(beats, batch_size=KERAS_BATCH, verbose=0),
    )


def with_neurokit(model_dir: str, inputs: list[str], out: str) -> Figures:
    """Time the same with NeuroKit2's cleaning and peaks, and the model asked as the job asks it."""
    import neurokit2

    _, model = warm_model(model_dir)

    def find(signal: npt.NDArray[np.float64]) -> Any:
        return neurokit2.ecg_peaks(neurokit2.ecg_clean(signal, sampling_rate=FS), sampling_rate=FS)[1]["ECG_R_Peaks"]

    return _by_hand(inputs[0], out, find, lambda beats: model.answers(beats, ScoreSettings().batch).probabilities)


def _by_hand(stem: str, out: str, find: Callable[..., Any], answer: Callable[..., Any]) -> Figures:
    import wfdb

    os.makedirs(out)
    began = time.process_time()
    signal = wfdb.rdrecord(stem).p_signal[:, 0]
    peaks = find(signal)
    beats = np.zeros((len(peaks) - 1, SAMPLES), np.float32)
    for row, (start, end) in enumerate(pairwise(peaks)):
        window = signal[start : end + (end - start) // 5 : 3]
        low, high = window.min(), window.max()
        if high > low:
            kept = ((window - low) / (high - low))[:SAMPLES]
            beats[row, : len(kept)] = kept
    symbols = np.array(CLASSES)[answer(beats).argmax(axis=1)]
    wfdb.wrann("day", "pred", np.asarray(peaks[:-1]), symbol=symbols.tolist(), write_dir=out)
    return {"cpu": time.process_time() - began}


def reading_and_model(model_dir: str, inputs: list[str], out: str) -> Figures:
    """Time the reading of recordings, and the model about as many beats as they have, each alone."""
    from components.recordings.inputs import find_recordings, opened_recording
    from components.recordings.lead import open_lead
    from components.recordings.signal import LeadReader

    _, model = warm_model(model_dir)
    began, beats = time.process_time(), 0
    for recording in find_recordings(inputs[0], None):
        with opened_recording(recording) as stem:
            lead = open_lead(stem, None)
        LeadReader(lead).read(0, lead.length)
        beats += round(recording.seconds)
    model.answers(np.random.default_rng(0).random((beats, SAMPLES), np.float32), ScoreSettings().batch)
    return {"cpu": time.process_time() - began}


def _least(model_dir: str, stem: str) -> Figures:
    """Return the turn of our job that took least CPU seconds."""
    return min(alternating({"ours": annotated}, model_dir, [stem])["ours"], key=lambda each: each["cpu"])


def _hours(stem: str) -> float:
    with open(f"{stem}.hea") as header:
        return int(header.readline().split()[3]) / FS / 3600


def main() -> None:
    """Take all figures and print a line for each comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a pushed model's directory")
    parser.add_argument("mitdb", type=Path, help="folder of the MIT-BIH records")
    parser.add_argument("--ecgs", type=int, default=20_000, help="ECGs of ten seconds and twelve leads")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="heartbeat-bench-") as scratch:
        top = Path(scratch)
        signal = first_leads(options.mitdb)[:DAY]
        day = write_record(top, "day", signal)
        hour = write_record(top, "hour", signal[: 3600 * FS])
        off = write_record(top, "off", np.concatenate([signal[: 300 * FS], np.full(DAY - 300 * FS, 1024)]))
        long = repeat_record(day, FORTNIGHT, top)
        own = _least(options.model, day)
        theirs = fresh(with_wfdb, options.model, [day], str(top / "wfdb"))
        print_line("a day, wfdb + XQRS + keras.predict", own["cpu"], theirs["cpu"], "CPU s", theirs["cpu"] / own["cpu"])
        if importlib.util.find_spec("neurokit2"):
            taken = alternating({"ours": annotated, "peer": with_neurokit}, options.model, [day])
            with_ours, with_peer = ([figures["cpu"] for figures in taken[each]] for each in ("ours", "peer"))
            compare("a day, NeuroKit2's cleaning and peaks", with_ours, with_peer, "CPU s")
        for name, stem in (("a lead that comes off", off), ("one hour", hour)):
            other = _least(options.model, stem)
            per_hour, per_other = own["cpu"] / _hours(day), other["cpu"] / _hours(stem)
            print_line(f"per hour: {name}; compared with a day", per_other, per_hour, "CPU s", per_other / per_hour)
        fortnight = fresh(annotated, options.model, [long], str(top / "long-out"))
        per_hour = fortnight["cpu"] / _hours(long)
        print_line("per hour: a fortnight; compared with a day", per_hour, own["cpu"] / _hours(day), "CPU s",
                   per_hour * _hours(day) / own["cpu"])  # fmt: skip
        print_line("peak memory: a fortnight", fortnight["peak"], own["peak"], "MiB", fortnight["peak"] / own["peak"])
        folders = [top / "ecgs-0", top / "ecgs-1"]
        for number in range(options.ecgs):
            first = number * 10 * FS % (DAY - 10 * FS)
            write_record(folders[number % 2], f"e{number:05d}", signal[first : first + 10 * FS], 12, "16")
        spent = {
            measure: sum(each["cpu"] for each in fresh_together(measure, calls))
            for measure in (job, annotated, reading_and_model)
            for calls in [[(options.model, [str(each)], f"{each}-{measure.__name__}") for each in folders]]
        }
        limit = spent[reading_and_model]
        for name, ours in (("rows and lines", spent[job]), ("rows, lines and annotation files", spent[annotated])):
            print_line(f"ten-second ECGs, two workers, {name}", options.ecgs / ours, options.ecgs / limit, "ECGs/CPU s",
                       limit / ours, "limit")  # fmt: skip


if __name__ == "__main__":
    main()
