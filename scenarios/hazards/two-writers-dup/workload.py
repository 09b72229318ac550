"""Two tasks send a record each over one socket, the second by a duplicate of its descriptor."""


async def main(rt, params):
    ours, theirs = await rt.socketpair()
    copy = ours.dup()

    async def write(stream, letter):
        with rt.op("write", letter.decode()) as op:
            await stream.send_all(letter * params["bytes"])
            op.ok()

    writers = []
    for n, (stream, letter) in enumerate(((ours, b"a"), (copy, b"b")), 1):
        writers.append(rt.spawn(write, stream, letter, name=f"writer-{n}"))
        await rt.settle()
    records = await theirs.recv_exactly(2 * params["bytes"])
    await rt.gather(*writers)
    for stream in (ours, copy, theirs):
        stream.close()
    rt.observe("bytes", [records.count(b"a"), records.count(b"b")])
