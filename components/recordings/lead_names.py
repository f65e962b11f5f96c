"""Which signals of a record are ECG leads, and which one a name selects: by names and units."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from components.errors import DataRefused
from components.recordings.header import Signal

VOLTS: Final = re.compile(r"(milli|micro|nano|[mun\u00b5\u03bc]|\u00e2\u00b5|)\s?v(olts?)?")
"""A unit of voltage, in lower case; the micro sign has two code points, and two letters in UTF-8 read as Latin-1."""

PREFIXES: Final = {"": 1e3, "m": 1.0, "milli": 1.0, "n": 1e-6, "nano": 1e-6}
"""Prefix of a volt -> how many mV it is; all others are micro."""

LIKE_II: Final = ("II", "MLII", "ML2", "ECG1")
"""Names of leads that are like the one that the model was trained on, best first."""

OTHER_LEAD: Final = re.compile(r"ML\d|(ML)?I{1,3}|AV[RLF]|V[1-9]R?|MCL\d|C[CM]\d")
"""Names of other ECG leads; a signal with any other name without ECG in it may be an EEG, or a pressure in mV."""

ECG_WORD: Final = re.compile(r"^(?:ECG(?=I|AV|V\d|$)|LEAD|REF$)")
"""Ignored in a lead's name: ECG before the lead's own name, and words that add nothing."""


class NoSignal(DataRefused):
    """A record without any ECG: only annotations, or quantities other than voltages."""


class NoSuchLead(DataRefused):
    """A record without a lead of the requested name or number."""


def find_lead(signals: Sequence[Signal], lead: str | None) -> int:
    """Return the index of a lead by its name, or its number; of None, as `open_lead` does.

    The name may leave out ECG, or the ML of modified limb leads: II finds `ECG II` or, if there is none, MLII.

    Raises:
        NoSignal: no signal is a voltage.
        NoSuchLead: there is no such lead; the message lists the existing ones.
        DataRefused: there are several, or it is not a voltage.
    """
    ecg = [i for i, signal in enumerate(signals) if millivolts(signal.units)]
    if not ecg:
        units = ", ".join(sorted({signal.units for signal in signals}))
        raise NoSignal(f"it holds no voltage: its signals are in {units}.")
    if lead is None:
        return min(ecg, key=lambda i: (_preference(signals[i].sig_name), i))
    names, wanted = [signal.sig_name.upper() for signal in signals], lead.upper()
    named = [i for i, name in enumerate(names) if name == wanted]
    for also in () if lead.isdecimal() else (wanted, f"ML{wanted}"):
        named = named or [i for i, name in enumerate(names) if _plain(name) == [also]]
    if len(named) > 1:
        indices = ", ".join(map(str, named))
        raise DataRefused(f"it has {len(named)} leads named {lead}; give their index with --lead: {indices}.")
    if not named and lead.isdecimal() and int(lead) < len(signals):
        named = [int(lead)]
    leads = ", ".join(name_of(signals, i) for i in ecg)
    if not named:
        raise NoSuchLead(f"it has no lead {lead}; its leads are {leads}.")
    if named[0] not in ecg:
        name, units = name_of(signals, named[0]), signals[named[0]].units
        raise DataRefused(f"lead {name} is in {units}, not in volts; choose an ECG lead with --lead: {leads}.")
    return named[0]


def _words(sig_name: str) -> list[str]:
    """Return the words of a lead's name, in upper case, an EKG being an ECG: ECG1 and REF of `EKG1-Ref`."""
    return re.findall(r"[^\W_]+", sig_name.upper().replace("EKG", "ECG"))


def _plain(sig_name: str) -> list[str]:
    """Return the words that distinguish a lead's name from other ECG leads: II of `ECG (II)`, `ECGII` and `Lead II`."""
    return [plain for word in _words(sig_name) if (plain := ECG_WORD.sub("", word))]


@lru_cache(maxsize=1024)
def _preference(sig_name: str) -> int:
    """Return the rank of a lead's name in the list of leads that are like lead II."""
    plain = _plain(sig_name)
    is_ecg = any(word.startswith("ECG") for word in _words(sig_name))
    if not is_ecg and not (plain and all(word in LIKE_II or OTHER_LEAD.fullmatch(word) for word in plain)):
        return len(LIKE_II) + 1
    return min((LIKE_II.index(word) for word in plain if word in LIKE_II), default=len(LIKE_II))


@lru_cache(maxsize=1024)
def millivolts(units: str) -> float | None:
    """Return how many mV a unit is; None if it is not a voltage."""
    volts = VOLTS.fullmatch(units.lower())
    return None if volts is None else PREFIXES.get(volts[1], 1e-3)


def in_millivolts(signal: Signal, file: str) -> Signal:
    """Return a signal of a file with its gain in ADC units per mV.

    Raises:
        DataRefused: it is not a voltage.
    """
    of_unit = millivolts(signal.units)
    if of_unit is None:
        raise DataRefused(f"lead {signal.sig_name} is in {signal.units} in {file}, not in volts.")
    return signal._replace(adc_gain=signal.adc_gain / of_unit, units="mV")


def name_of(signals: Sequence[Signal], index: int) -> str:
    """Return a signal's name, or its number if it has none."""
    return signals[index].sig_name or f"({index})"
