"""The use of a private API of wfdb: its reader of signal files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from wfdb.io._signal import _rd_segment

if TYPE_CHECKING:
    from components.recordings.lead import Segment


def read_signal(segment: Segment, first: int, last: int, init_value: int) -> npt.NDArray:
    """Read frames [first, last) of a segment's file; skew is handled by the caller.

    `wfdb.rdrecord` would parse the header again, more loosely than components.recordings.header does.

    Returns:
        int16 or int32[(last - first) * samples per frame] in ADC units.

    Raises:
        Exception: whatever wfdb raises.
    """
    if first == last:
        return np.zeros(0, np.int16)
    n_sig = len(segment.samps_per_frame)
    signals = _rd_segment(
        file_name=[segment.path.name] * n_sig,
        dir_name=str(segment.path.parent),
        pn_dir=None,
        fmt=[segment.signal.fmt] * n_sig,
        n_sig=n_sig,
        sig_len=segment.sig_len,
        byte_offset=[segment.byte_offset] * n_sig,
        samps_per_frame=list(segment.samps_per_frame),
        skew=[0] * n_sig,
        init_value=[init_value] * n_sig,
        sampfrom=first,
        sampto=last,
        channels=[segment.channel],
        ignore_skew=True,
    )
    return np.asarray(signals[0], np.int32 if signals[0].dtype.itemsize > 2 else np.int16)
