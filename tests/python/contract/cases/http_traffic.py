"""HTTP: requests and servers."""

import contextlib

import trireme
from trireme_agent.errors import family

from .support import case, raises


@case
async def http_status_body_order(rt):
    async def handler(request):
        await rt.checkpoint()
        status = 404 if request.path.endswith("3") else 200
        return trireme.Response(status=status, body=request.path.encode(), headers={"X-Path": request.path})

    server = await rt.http_server(handler)

    async def ask(client):
        replies = []
        for number in range(4):
            reply = await rt.http_request("GET", f"{server.url}/{client}/{number}?q=1")
            assert reply.headers["x-path"] == f"/{client}/{number}?q=1"
            replies.append((reply.status, reply.body.decode()))
        return replies

    for client, replies in enumerate(await rt.gather(*[rt.spawn(ask, number) for number in range(3)])):
        assert replies == [(200, f"/{client}/{number}?q=1") for number in range(4)], replies
    assert (await rt.http_request("GET", server.url + "/3")).status == 404
    server.close()


@case
async def http_post_body(rt):
    seen = []

    async def handler(request):
        seen.append((request.method, request.path, request.headers["CONTENT-length"], request.body))
        return trireme.Response(body=request.body[::-1])

    server = await rt.http_server(handler)
    body = bytes(range(256)) * 1000
    assert (await rt.http_request("POST", server.url + "/x", body)).body == body[::-1]
    assert seen == [("POST", "/x", "256000", body)]
    server.close()


@case
async def http_cut_body(rt):
    seen = []

    async def handler(request):
        seen.append(request.body)
        return trireme.Response()

    server = await rt.http_server(handler)
    stream = await rt.connect(server.address)
    await stream.send_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nwh")
    stream.shutdown()
    while await stream.recv(4096):
        pass
    assert not seen, seen
    stream.close()
    assert (await rt.http_request("POST", server.url, b"whole")).status == 200
    assert seen == [b"whole"]
    server.close()


@case
async def http_chunked_body(rt):
    seen = []

    def handler(request):
        seen.append(request.body)
        return trireme.Response(body=request.body)

    server = await rt.http_server(handler)
    start = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    stream = await rt.connect(server.address)
    whole = b"5;ext=1\r\nhello\r\n2\r\n\r\n\r\n0\r\nTrailer: t\r\n\r\n"
    await stream.send_all(start + whole + b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await stream.recv_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    assert await stream.recv_exactly(7) == b"hello\r\n"
    assert (await stream.recv_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    stream.close()
    assert seen == [b"hello\r\n", b""], seen
    for cut in (b"5\r\nhel", b"5\r\nhello\r\n", b"no size\r\n"):
        stream = await rt.connect(server.address)
        await stream.send_all(start + cut)
        stream.shutdown()
        while await stream.recv(4096):
            pass
        stream.close()
    assert len(seen) == 2, seen
    server.close()


@case
async def http_continue(rt):
    """A client that sends its body only when it is told to."""
    server = await rt.http_server(lambda request: trireme.Response(body=request.body))
    stream = await rt.connect(server.address)
    await stream.send_all(b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
    async with rt.timeout(10):
        assert (await stream.recv_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        await stream.send_all(b"body")
        assert (await stream.recv_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert await stream.recv_exactly(4) == b"body"
    stream.close()
    server.close()


@case
async def http_answer_after_continue(rt):
    """The answer is what comes behind 100, in the same piece or in one of its own; 103 is one, as http.client has it."""
    listener = await rt.listen()
    more = b"HTTP/1.1 100 Continue\r\n\r\n"
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"

    async def serve():
        for pieces in ([more + answer], [more, more, answer], [more + hints]):
            stream = await listener.accept()
            await stream.recv_until(b"\r\n\r\n")
            for piece in pieces:
                await stream.send_all(piece)
                await rt.settle()  # until the client waits for more
            stream.close()

    server = rt.spawn(serve)
    host, port = listener.address
    for expected in ((200, b"body"), (200, b"body"), (103, b"")):
        async with rt.timeout(10):
            response = await rt.http_request("GET", f"http://{host}:{port}/")
        assert (response.status, response.body) == expected, response
        assert ("Link" in response.headers) == (response.status == 103)
    await server.join()
    listener.close()


@case
async def http_broken_answers(rt):
    listener = await rt.listen()
    head = b"HTTP/1.1 200 OK\r\n"
    broken = {
        b"": "reset",
        head + b"Content-Length: 10\r\n\r\nabc": "end-of-stream",
        head + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n": "end-of-stream",
        head + b"Transfer-Encoding: chunked\r\n\r\nno size\r\n": "end-of-stream",
        b"\0 no status\r\n\r\n": "other",
    }

    async def serve():
        for answer in broken:
            stream = await listener.accept()
            await stream.recv_until(b"\r\n\r\n")
            if answer:
                await stream.send_all(answer)
            stream.close()

    server = rt.spawn(serve)
    host, port = listener.address
    for answer, expected in broken.items():
        try:
            await rt.http_request("GET", f"http://{host}:{port}/")
        except Exception as error:
            assert (family(error), getattr(error, "errno", None)) == (expected, None), (answer, repr(error))
        else:
            raise AssertionError(answer)
    await server.join()
    listener.close()


@case
async def http_answers_without_body(rt):
    """HEAD, 204 and 304: a body would be taken for the next answer."""
    server = await rt.http_server(lambda request: trireme.Response(int(request.path[1:]), b"body"))
    stream = await rt.connect(server.address)
    asked = [b"HEAD /200", b"GET /204", b"GET /304", b"GET /200"]
    await stream.send_all(b"".join(one + b" HTTP/1.1\r\nHost: x\r\n\r\n" for one in asked))
    for one in asked:
        assert (await stream.recv_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 " + one[-3:])
    assert await stream.recv_exactly(4) == b"body"
    stream.close()
    server.close()


@case
async def http_keep_alive_pipelining(rt):
    server = await rt.http_server(lambda request: trireme.Response(body=request.path.encode()))
    stream = await rt.connect(server.address)
    await stream.send_all(b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(5)))
    for number in range(5):
        head = await stream.recv_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert await stream.recv_exactly(2) == b"/%d" % number
    stream.close()
    server.close()


@case
async def http_handler_waits(rt):
    gate = rt.event()

    async def handler(request):
        if request.path == "/slow":
            await gate.wait()
        return trireme.Response(body=b"ok")

    server = await rt.http_server(handler)
    slow = rt.spawn(rt.http_request, "GET", server.url + "/slow")
    await rt.settle()
    assert (await rt.http_request("GET", server.url + "/fast")).body == b"ok"
    assert not slow.done()
    gate.set()
    assert (await slow.join()).body == b"ok"
    server.close()


@case
async def http_handler_raises(rt):
    async def handler(request):
        raise ValueError("handler")

    server = await rt.http_server(handler)
    assert (await rt.http_request("GET", server.url)).status == 500
    server.close()


@case
async def http_request_refuses_what_cannot_be_sent(rt):
    async def method(request):
        return trireme.Response(body=request.method.encode())

    server = await rt.http_server(method)
    unsent = [server.url + tail for tail in ("/a b", "/\r\nX: y", "/\xe9")]
    for url in ("", "nowhere", "https://localhost/", "http://", *unsent):
        await raises(ValueError, rt.http_request("GET", url))
    for word in ("", "GET /", "GET\r\nX: y", "GET:", "G\xc9T"):
        await raises(ValueError, rt.http_request(word, server.url))
    await raises(TypeError, rt.http_request("POST", server.url, "text"))
    assert (await rt.http_request("M-SEARCH", server.url + "/a%20b?c#d")).body == b"M-SEARCH"
    server.close()


@case
async def http_refused_after_close(rt):
    server = await rt.http_server(lambda request: trireme.Response())
    idle = await rt.connect(server.address)
    await idle.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await idle.recv_until(b"\r\n\r\n")
    server.close()
    server.close()
    await raises(ConnectionRefusedError, rt.http_request("GET", server.url))
    assert await idle.recv(1) == b""
    idle.close()


@case
async def http_close_ends_cut_requests(rt):
    seen = []

    def handler(request):
        seen.append(request.path)
        return trireme.Response(body=b"whole")

    server = await rt.http_server(handler)
    streams = []
    for cut in (b"GET /head HTTP/1.1\r\nHo", b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nwh"):
        stream = await rt.connect(server.address)
        await stream.send_all(b"GET /whole HTTP/1.1\r\nHost: x\r\n\r\n" + cut)
        await stream.recv_until(b"whole")
        streams.append(stream)
    server.close()
    for stream in streams:
        with contextlib.suppress(ConnectionError):
            while await stream.recv(4096):
                pass
        stream.close()
    assert seen == ["/whole", "/whole"], seen


@case
async def http_server_address(rt):
    server = await rt.http_server(lambda request: trireme.Response(body=b"raw"))
    stream = await rt.connect(server.address)
    await stream.send_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (await stream.recv_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    assert await stream.recv_exactly(3) == b"raw"
    assert await stream.recv(1) == b""
    stream.close()
    server.close()


@case
async def http_unknown_host_refused(rt):
    listener = await rt.listen()
    listener.close()
    host, port = listener.address
    await raises(ConnectionRefusedError, rt.http_request("GET", f"http://{host}:{port}/"))
