import signal

import pytest

from components.io.signals import Terminated, interrupts_ignored, sigterm_raised


def test_sigterm_is_an_exception_with_the_exit_code_of_shells() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated) as raised, sigterm_raised():
        signal.raise_signal(signal.SIGTERM)
    assert raised.value.code == 143
    assert not isinstance(raised.value, Exception)
    assert signal.getsignal(signal.SIGTERM) is before


def test_ctrl_c_is_ignored_only_meanwhile() -> None:
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job starts with it ignored
    try:
        with interrupts_ignored():
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, inherited)
