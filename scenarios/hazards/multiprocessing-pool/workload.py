"""A pool of forked processes computes squares."""

import multiprocessing


def square(n):
    return n * n


def main(rt, params):
    with rt.op("map") as op:
        pool = multiprocessing.get_context("fork").Pool(2)
        result = sum(pool.map(square, range(8)))
        pool.close()
        pool.join()
        op.ok(result)
    rt.observe("sum", result)
