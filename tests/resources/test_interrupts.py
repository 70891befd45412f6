import signal
import threading

import pytest

from songbench.resources.processes.interrupts import interrupts_deferred


def test_an_interrupt_acts_when_the_block_has_ended():
    steps = []
    with pytest.raises(KeyboardInterrupt):
        with interrupts_deferred():
            signal.raise_signal(signal.SIGINT)
            steps.append("whole")
        steps.append("after")
    assert steps == ["whole"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_one_nothing_happens():
    with interrupts_deferred():
        pass
    with pytest.raises(ZeroDivisionError), interrupts_deferred():
        _ = 1 / 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_in_another_thread_it_does_nothing():
    ran = []

    def work():
        with interrupts_deferred():
            ran.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ran == [signal.default_int_handler]
