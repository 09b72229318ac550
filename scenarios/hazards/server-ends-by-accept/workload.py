"""A client asks again while nobody answers it."""

import contextlib

import trireme

PAUSE = 0.05  # seconds until it asks again


async def ask(rt, url, patience):
    with rt.op("request") as op:
        try:
            async with rt.timeout(patience):
                response = await rt.http_request("GET", url)
            op.ok(response.status)
            return response.status == 200
        except (OSError, EOFError, trireme.TimeoutExpired) as error:
            op.fail(error)
    return False


async def main(rt, params):
    served = False
    with contextlib.closing(await rt.http_server(lambda request: trireme.Response(body=b"hello"))) as server:
        for _ in range(params["attempts"]):
            served = await ask(rt, server.url + "/", params["patience"])
            if served:
                break
            await rt.sleep(PAUSE)
    rt.outcome("served" if served else "refused")
    rt.observe("served", served)
