"""The cases of tests/contract/cases.txt as workloads: main runs the one that params name.

A case raises where its contract is broken. What can only be seen in the history is looked at by test_contract.py.
"""

from cases import CASES


async def main(rt, params):
    await CASES[params["case"]](rt)
