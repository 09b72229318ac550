"""Runs first in every interpreter that a command workload starts: its folder is the first of PYTHONPATH.

Then runs the sitecustomize that would have been found without it. Any Python 3, and 2.7, must be able to read this file: what
a watched program starts may be older than what is watched.
"""

import os
import sys

_has_ctypes = True
try:
    import _ctypes  # noqa: F401 (whether it can be is all that is asked)
except ImportError as error:
    _has_ctypes = False
    # Python 3.12 has none in an interpreter within the interpreter, of which only the threads are told apart anyway.
    if sys.version_info >= (3, 8) and "subinterpreter" not in str(error):
        sys.stderr.write("trireme: of a Python without ctypes only the threads are told apart, not the tasks\n")

if os.environ.get("TRIREME_WATCH") and sys.version_info < (3, 8):
    text = "trireme: of Python {}.{} only the threads are told apart, not the tasks: that needs 3.8\n"
    sys.stderr.write(text.format(*sys.version_info))
elif os.environ.get("TRIREME_WATCH") and _has_ctypes:
    import trireme_watch

    trireme_watch.install()
if os.environ.get("TRIREME_COMMAND_RUNTIME") and _has_ctypes:
    import trireme_command

    trireme_command.install(os.environ["TRIREME_COMMAND_RUNTIME"], os.environ.get("TRIREME_COMMAND_HUB", ""))

_here = os.path.dirname(os.path.abspath(__file__))
_elsewhere = [folder for folder in sys.path if os.path.abspath(folder) != _here]
try:
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec
except ImportError:  # 2.7
    from importlib import import_module

    _imp = import_module("imp")  # which Python has no more from 3.12 on
    _imp.load_module("sitecustomize", *_imp.find_module("sitecustomize", _elsewhere))  # what it raises, `site` expects
else:
    _spec = PathFinder.find_spec("sitecustomize", _elsewhere)
    if _spec is not None and _spec.loader is not None:
        _module = module_from_spec(_spec)
        sys.modules["sitecustomize"] = _module
        _spec.loader.exec_module(_module)
