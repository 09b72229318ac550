"""A server waits a little when it cannot accept; another task wants to work."""

import os
import resource


def allow_no_descriptor():
    """Until the end of the process; what is open stays open."""
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


async def main(rt, params):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    listener = await rt.listen()
    client = await rt.connect(listener.address)
    worked = []

    async def accept():
        while not worked:
            try:
                (await listener.accept()).close()
            except OSError:
                await rt.sleep(0.01)

    async def work():
        with rt.op("work") as op:
            for _ in range(3):
                await rt.sleep(0.01)
            op.ok()

    allow_no_descriptor()
    worker = rt.spawn(work, name="worker")
    acceptor = rt.spawn(accept, name="acceptor")
    await worker.join()
    worked.append(True)
    await acceptor.join()
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
    client.close()
    listener.close()
    rt.observe("ended", True)
