"""One signal ends a run in good order, a second one at once."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from imgcompare.console.signals import interruptible, leave_signals_to_the_main_thread
from imgcompare.errors import InterruptedRunError

PROGRAM = """
import signal
from imgcompare.errors import InterruptedRunError
from imgcompare.console.signals import interruptible
try:
    with interruptible():
        try:
            print("working", flush=True)
            signal.pause()
        finally:
            print("cleaning", flush=True)
            if CLEANING_TAKES_LONG:
                signal.pause()
except InterruptedRunError as exc:
    raise SystemExit(exc.exit_code)
"""


def start(*, slow: bool, close_stderr: bool = False, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """A program under ``interruptible``, at work when this returns."""
    python = [sys.executable, "-c", PROGRAM.replace("CLEANING_TAKES_LONG", str(slow))]
    command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *python] if close_stderr else python
    command = ["env", "--default-signal=HUP", *command]  # these tests may themselves run under `nohup`
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
    assert started.stdout
    assert started.stdout.readline() == "working\n"
    return started


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_lets_everything_be_cleaned_up(number: signal.Signals) -> None:
    """The exception runs through every ``finally``; the exit code is 128 plus the signal; stderr says what goes on."""
    with start(slow=False) as program:
        program.send_signal(number)
        out, err = program.communicate()
    assert (out, program.returncode) == ("cleaning\n", 128 + number)
    assert err == "Stopping: removing what this run made. Once more to leave at once.\n"


def test_nohup_outlives_the_end_of_the_terminal() -> None:
    """What was started to go on without a terminal does."""
    program = PROGRAM.replace("signal.pause()", "os.kill(os.getpid(), signal.SIGHUP)").replace(
        "import signal", "import os, signal", 1
    )
    command = ["nohup", sys.executable, "-c", program.replace("CLEANING_TAKES_LONG", "False")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("working\ncleaning\n", 0)


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_leaves_at_once(second: signal.Signals) -> None:
    """Cleaning that hangs can be left; what stays is said to be removable later."""
    with start(slow=True) as program:
        program.send_signal(signal.SIGINT)
        assert program.stdout
        assert program.stdout.readline() == "cleaning\n"
        program.send_signal(second)
        _, err = program.communicate()
    assert program.returncode == 128 + second
    assert err.endswith("Left at once; `imgcompare clean` removes what is left.\n")


def test_leaving_at_once_gives_a_terminal_its_cursor_back() -> None:
    """The live view hid it, and is not closed any more."""
    terminal, inner = pty.openpty()
    with start(slow=True, stderr=inner) as program:
        program.send_signal(signal.SIGINT)
        assert program.stdout
        assert program.stdout.readline() == "cleaning\n"
        program.send_signal(signal.SIGINT)
        program.wait()
    os.close(inner)
    shown = b""
    with suppress(OSError):  # how a terminal that nobody writes to any more ends
        while piece := os.read(terminal, 4096):
            shown += piece
    os.close(terminal)
    assert shown.endswith(b"\x1b[?25h\r\nLeft at once; `imgcompare clean` removes what is left.\r\n")


def test_a_closed_stderr_does_not_keep_the_signal_from_working() -> None:
    """Nobody to tell is no reason not to stop, and not to clean up."""
    with start(slow=False, close_stderr=True) as program:
        program.send_signal(signal.SIGTERM)
        out, _ = program.communicate()
    assert (out, program.returncode) == ("cleaning\n", 143)


HALF_MADE = """
import os, signal
from imgcompare.console.signals import interruptible
from imgcompare.errors import InterruptedRunError

class Half:
    def __init__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        self.file = None
    def __del__(self):
        self.file.close()

class Broken:
    def __del__(self):
        raise ValueError("to be told")

try:
    with interruptible():
        Half()
except InterruptedRunError:
    pass
Broken()
"""


def test_what_a_signal_left_half_made_is_no_error_of_anybody_s() -> None:
    """It cannot be closed, and Python would say so with a traceback; what else goes wrong there is still told."""
    done = subprocess.run([sys.executable, "-c", HALF_MADE], capture_output=True, text=True, check=True)
    assert "Stopping" in done.stderr
    assert "AttributeError" not in done.stderr
    assert "ValueError: to be told" in done.stderr


def test_the_earlier_handlers_are_back_afterwards() -> None:
    """Whoever calls us keeps the signals the way they were, also when the block ended with one."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(InterruptedRunError) as caught, interruptible():
        signal.raise_signal(signal.SIGTERM)
    assert caught.value.exit_code == 143
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_workers_leave_signals_to_the_main_thread() -> None:
    """A signal that another thread received would not wake the main one, where Python's handlers run."""
    with ThreadPoolExecutor(1, initializer=leave_signals_to_the_main_thread) as pool:
        blocked = pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, ()).result()
    assert {signal.SIGINT, signal.SIGTERM} <= blocked
    assert not {signal.SIGINT, signal.SIGTERM} & signal.pthread_sigmask(signal.SIG_BLOCK, ())
