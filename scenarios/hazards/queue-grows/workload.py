"""A producer faster than its consumer, and a queue between them that takes everything."""

import trireme


async def main(rt, params):
    queue = rt.queue(0)

    async def produce():
        for n in range(params["items"]):
            await queue.put(n)
            if n % 10 == 9:
                await rt.sleep(0.001)

    async def consume():
        while True:
            await queue.get()
            await rt.sleep(0.001)

    with rt.op("produce") as op:
        producer = rt.spawn(produce, name="producer")
        consumers = [rt.spawn(consume, name=f"consumer-{n}") for n in (1, 2)]
        await producer.join()
        op.ok()
    for consumer in consumers:
        consumer.cancel()
        try:
            await consumer.join()
        except trireme.Cancelled:
            pass
    rt.observe("items", params["items"])
