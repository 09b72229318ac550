"""Runs first in every interpreter that a command workload starts: its folder is the first of PYTHONPATH.

Then runs the sitecustomize that would have been found without it. Any Python 3, and 2.7, must be able to read this file: what
a watched program starts may be older than what is watched.
"""

import os
import sys


def _run_the_next():  # type: () -> None  # noqa: ANN202, 2.7 can read types in comments alone
    here = os.path.dirname(os.path.abspath(__file__))
    elsewhere = [folder for folder in sys.path if os.path.abspath(folder) != here]
    if sys.version_info < (3,):  # noqa: UP036, 2.7 runs this file, too
        import imp

        imp.load_module("sitecustomize", *imp.find_module("sitecustomize", elsewhere))  # what it raises, `site` expects
        return
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    spec = PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


if os.environ.get("TRIREME_WATCH") and sys.version_info < (3, 8):
    text = "trireme: of Python {}.{} only the threads are told apart, not the tasks: that needs 3.8\n"
    sys.stderr.write(text.format(*sys.version_info))
elif os.environ.get("TRIREME_WATCH"):
    import trireme_watch

    trireme_watch.install()
if os.environ.get("TRIREME_COMMAND_RUNTIME"):
    import trireme_command

    trireme_command.install(os.environ["TRIREME_COMMAND_RUNTIME"], os.environ.get("TRIREME_COMMAND_HUB", ""))
_run_the_next()
