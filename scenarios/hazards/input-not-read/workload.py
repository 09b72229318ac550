"""A child that gets more input than a pipe holds, and ends without reading any, beside another task."""

import subprocess


async def other(rt):
    for _ in range(3):
        await rt.sleep(0.01)


async def status_of(rt, command, data):
    """As a program of the runtime does it. rt.subprocess would not do: it writes the input past Eventlet."""
    if rt.model == "async":
        return (await rt.subprocess(command, stdin=data)).returncode
    return subprocess.run(command, input=data, check=False).returncode


async def main(rt, params):
    task = rt.spawn(other, rt, name="other")
    rt.observe("status", await status_of(rt, ["true"], b"x" * params["bytes"]))
    await task.join()
