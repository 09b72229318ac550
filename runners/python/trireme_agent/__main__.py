"""The agent: `python .../trireme_agent` is a runner; with arguments it prints what the agent knows."""

from __future__ import annotations

import os
import sys

_USAGE = "usage: trireme_agent [correspondences RUNTIME | preflight PACKAGES WORKLOAD... | hacks LIST]"


def main(arguments: list[str]) -> int:
    from trireme_agent import channel

    if arguments[:1] == ["correspondences"] and len(arguments) == 2:
        from trireme_agent import correspondences

        return correspondences.main(arguments[1])
    if arguments[:1] == ["preflight"] and len(arguments) >= 2:
        from trireme_agent import preflight

        return preflight.main(arguments[1], arguments[2:])
    if arguments[:1] == ["hacks"] and len(arguments) == 2:
        from trireme_agent import hacks

        return hacks.main(arguments[1])
    control = os.environ.pop("TRIREME_CONTROL_FD", "")
    if arguments or not control.isdigit():
        print(_USAGE, file=sys.stderr)
        return 2
    from trireme_agent import processes, zygote

    processes.adopt_orphans_and_die_with_parent()
    os.set_inheritable(int(control), False)
    return zygote.Zygote(channel.Channel(int(control))).serve()


if __name__ == "__main__":
    # Run as a folder or with -m, the first entry of the path is not the one that the package is imported from.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    from trireme_agent import output

    status = main(sys.argv[1:])
    output.flush()
    os._exit(status)  # patched modules would wait for what they started
