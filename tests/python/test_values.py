"""What a workload records comes back as it was, or is refused."""

from __future__ import annotations

import pytest

from recording import Escaped, Marked


@pytest.mark.parametrize(
    ("says", "message"),
    [("raise ValueError", "its __str__ raised ValueError"), ("return 'a\\ud800b'", "a\\ud800b")],
)
def test_describes_exceptions_that_cannot_say_what_they_are(zygote, workload, says, message):
    zygote.load("threading", workload(f"""
class Odd(Exception):
    def __str__(self): {says}
raise Odd
"""))
    (end,) = zygote.trial().of("end")
    assert (end.key, end.value["message"]) == ("raised", message)


@pytest.mark.parametrize("value", ["12ms", None, True, b"1", [1]])
def test_a_metric_that_is_no_number_is_refused(zygote, workload, value):
    """Results could not show it, and left it out without a word."""
    zygote.load("threading", workload(f"""
try: rt.metric("latency", {value!r}, "s")
except TypeError as error: rt.observe("error", str(error))
"""))
    trial = zygote.trial()
    assert trial.of("metric") == []
    assert trial.observed() == {"error": f"a metric is a number, not a value of type {type(value).__name__}"}


def test_a_value_without_an_end_is_refused(zygote, workload):
    """One that is in another twice has an end."""
    zygote.load("threading", workload("""
endless, twice = [], [1]
endless.append({"again": endless})
rt.observe("twice", [twice, twice])
for record in (lambda: rt.observe("endless", endless), lambda: rt.op("endless", endless)):
    try: record()
    except ValueError as error: rt.observe("error", str(error))
"""))
    trial = zygote.trial()
    text = "a value that contains itself, or is nested too deeply, is no JSON"
    assert [event.value for event in trial.of("observe")] == [[[1], [1]], text, text]


def test_a_name_of_a_task_that_is_no_text_is_refused(zygote, workload):
    zygote.load("threading", workload("""
for spawn in (lambda: rt.spawn(print, name=5), lambda: rt.spawn_after(0, print, name=b"x")):
    try: spawn()
    except TypeError as error: rt.observe("error", str(error))
"""))
    refused = [event.value for event in zygote.trial().of("observe")]
    assert refused == [f"a task's name is a text, not a value of type {kind}" for kind in ("int", "bytes")]


@pytest.mark.parametrize("runtime", ["threading", "asyncio"])
def test_what_is_no_function_is_refused_where_it_is_handed_in(zygote, workload, runtime):
    zygote.load(runtime, workload("""
async def child(): await rt.checkpoint()
async def values(): yield 1
pool = rt.pool(1)
async def gathers(value): await rt.gather(value)
for take in (lambda: rt.spawn(3), lambda: rt.spawn(child()), lambda: rt.spawn_after(0, None), lambda: rt.periodic(1, []),
             lambda: rt.spawn(values), lambda: pool.submit(child()), lambda: rt.offload("x"), lambda: gathers(None),
             lambda: rt.timeout("1s"), lambda: rt.http_server(3), lambda: rt.spawn_after("1s", child),
             lambda: rt.periodic(None, child)):
    try:
        result = take()
        await result
    except TypeError as error: rt.observe("error", str(error))
async with rt.timeout(5): await rt.gather(rt.spawn(child), await pool.submit(child), rt.spawn_after(0, child))
async def gives(): return (n for n in [2])  # what is made with a yield and handed out is a result like others
rt.observe("given", next(await rt.spawn(gives).join()))
def numbers(): yield 3  # an executor gives its caller what it makes
rt.observe("given", next(await rt.offload(numbers)))
rt.observe("given", next(await (await pool.submit(numbers)).join()))
"""))
    trial = zygote.trial()
    function, coroutine = "takes a function and its arguments, not", "a coroutine: child, not child()"
    assert [event.value for event in trial.of("observe")] == [
        f"rt.spawn {function} a value of type int",
        f"rt.spawn {function} {coroutine}",
        f"rt.spawn_after {function} a value of type NoneType",
        f"rt.periodic {function} a value of type list",
        "rt.spawn takes a function, not one with a yield in it, of which a call runs nothing",
        f"pool.submit {function} {coroutine}",
        f"rt.offload {function} a value of type str",
        "rt.gather takes the tasks of rt.spawn, not a value of type NoneType",
        "rt.timeout takes a number of seconds, not a value of type str",
        f"rt.http_server {function} a value of type int",
        "rt.spawn_after takes a number of seconds, not a value of type str",
        "rt.periodic takes a number of seconds, not a value of type NoneType",
        2,
        3,
        3,
    ]
    (end,) = trial.of("end")
    assert (end.key, trial.of("warning")) == ("returned", [])


def test_texts_with_lone_surrogates_are_not_recorded_as_their_escapes(zygote, workload):
    zygote.load("threading", workload(r"""
for text in ("a\udc80", "a\\udc80"): rt.observe("alone", text); rt.observe("within", {"k": [text]})
"""))
    observed = [event.value["k"][0] if event.key == "within" else event.value for event in zygote.trial().of("observe")]
    assert [(type(text), text) for text in observed] == [(Escaped, "a\\udc80")] * 2 + [(str, "a\\udc80")] * 2


def test_keys_that_are_no_text_are_not_recorded_as_their_text(zygote, workload):
    zygote.load("threading", workload(r"""
for key in (1, "1", True, None, 1.5, "\ud800", "\\ud800", "\0n1"): rt.observe("k", {"in": [{key: "v"}]})
"""))
    names = [name for event in zygote.trial().of("observe") for name in event.value["in"][0]]
    kinds = [Marked, str, Marked, Marked, Marked, Escaped, str, str]
    texts = ["n1", "1", "ntrue", "nnull", "n1.5", "\\ud800", "\\ud800", "\0n1"]
    assert [(type(name), str(name)) for name in names] == list(zip(kinds, texts, strict=True))


def test_nested_values_are_what_they_are_by_themselves(zygote, workload):
    zygote.load("threading", workload("""
import enum, math
class Large(enum.IntEnum): ONE = 1 << 70
numbers = [1 << 70, -(1 << 63) - 1, (1 << 64) - 1, -(1 << 63), math.inf, -math.inf, 0.1, True, Large.ONE]
rt.observe("list", numbers)
rt.observe("object", {"b": ({"c": [1 << 70, math.nan]}, b"\\xff")})
rt.observe("set", {1 << 70})
rt.observe("by itself", 1 << 70)
with rt.op("o", [1 << 70]) as op: op.ok({"v": math.inf})
rt.metric("m", math.nan)
"""))
    trial = zygote.trial()
    assert trial.end().key == "returned", trial.stderr
    large = Marked("i1180591620717411303424")
    least, infinities = Marked("i-9223372036854775809"), [Marked("fInfinity"), Marked("f-Infinity")]
    kept = [least, 18446744073709551615, -(1 << 63), *infinities, 0.1, True, large]
    assert trial.observed() == {
        "list": [large, *kept], "object": {"b": [{"c": [large, Marked("fNaN")]}, Marked("b/w==")]}, "set": [large],
        "by itself": large,
    }  # fmt: skip
    assert (trial.of("invoke")[0].value, trial.of("ok")[0].value) == ([large], {"v": infinities[0]})
    assert trial.of("metric")[0].value == ["NaN", ""]
