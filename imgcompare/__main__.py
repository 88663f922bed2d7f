"""``python -m imgcompare`` and the ``imgcompare`` script: what comes before the imports, which take their time."""

from __future__ import annotations

import atexit
import gc
import os
import sys

try:
    import signal
except KeyboardInterrupt:
    os._exit(130)

# Imports make some hundred thousand objects, and all of them stay: a sixth of a short command's time went into looking
# for rubbish among them, again and again, and once more at its end.
_NEW_OBJECTS = 120_000

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn


def main() -> NoReturn:
    """Run the command line; Ctrl-C ends it without a word, while it is still being loaded too."""
    gc.set_threshold(_NEW_OBJECTS)
    atexit.register(gc.freeze)
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # and not ignored, as in the background
    if heard:
        signal.signal(signal.SIGINT, _leave)
    from imgcompare.cli.main import main as run  # noqa: PLC0415 - after Ctrl-C is taken care of

    try:
        if heard:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        run()
    except KeyboardInterrupt:  # before or after what it runs, which tidies up itself
        _leave(signal.SIGINT, None)
    except SystemExit as exc:
        end = exc
    finally:
        if heard:
            signal.signal(signal.SIGINT, _leave)
    _end(end.code)
    raise end


def _end(code: object) -> None:
    """End as Python does, but do not take apart every object first: that takes 10 ms, and a page of help 40 in all.

    Returns where somebody looks on while that is done, a thread is left to wait for, or not all could be written.
    """
    watched = sys.warnoptions or sys.gettrace() or sys.getprofile()
    busy = (threads := sys.modules.get("threading")) and any(
        not thread.daemon for thread in threads.enumerate() if thread is not threads.main_thread()
    )
    if watched or busy or not (code is None or isinstance(code, int)):
        return
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return
    os._exit((code or 0) & 0xFF)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    """Leave at once: nothing is yet, or any more, to be tidied up, and what Python is at itself tells a traceback."""
    os._exit(128 + number)


if __name__ == "__main__":
    main()
