"""``femsim`` and ``python -m femsim``: the command line, and what a signal does before it has begun and after it has
ended.
"""

from __future__ import annotations

import gc
import os
import sys


def main() -> int:
    """Run the command line as a process of its own; the exit code.

    While modules are loaded there is nothing to tidy up, so Ctrl-C ends the process at once, in one line instead of a
    traceback; likewise when the work is done and the interpreter takes its leave.
    """
    # what the module signal is made of; that one takes milliseconds to load, in which a signal may come
    import _signal  # type: ignore[import-not-found]

    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:  # not where it is ignored (nohup, &)
        _signal.signal(_signal.SIGINT, _leave)
    from femsim.base.later import load_later
    from femsim.cli.main import main as command

    load_later()
    code = command()
    gc.freeze()  # the process ends: nobody needs to look through all that is left for garbage
    return code


def _leave(number: int, frame: object) -> None:
    try:
        os.write(2, b"femsim: interrupted\n")
    except OSError:
        pass
    finally:
        os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
