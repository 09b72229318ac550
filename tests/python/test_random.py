"""rt.random draws what tests/contract/random.txt says, as the C++ tests' does."""

from __future__ import annotations

import sys

import pytest

from agent import ROOT

sys.path.insert(0, str(ROOT / "runners/python"))

from trireme_agent import random_numbers


def draw(numbers, call, *arguments):
    if call == "next":
        return [str(numbers.getrandbits(64))]
    if call == "real":
        return [numbers.random().hex()]
    if call == "below":
        return [str(numbers.randrange(int(arguments[0])))]
    if call == "choice":
        return [numbers.choice(arguments[0])]
    items = list(arguments[0])
    numbers.shuffle(items)
    return ["".join(items)]


def test_the_numbers_are_those_of_every_language():
    drawn = 0
    for line in (ROOT / "tests/contract/random.txt").read_text().splitlines():
        words = line.split()
        if not words or words[0] == "#":
            continue
        if words[0] == "task":
            numbers = random_numbers.for_task(int(words[1], 0), words[2])
            continue
        assert draw(numbers, *words[:-1]) == words[-1:], line
        drawn += 1
    assert drawn > 20


def test_what_users_of_random_expect():
    numbers = random_numbers.for_task(1, "1")
    state = numbers.getstate()
    first = [numbers.random(), numbers.gauss(0, 1), numbers.getrandbits(200), numbers.getrandbits(0)]
    numbers.setstate(state)
    assert [numbers.random(), numbers.gauss(0, 1), numbers.getrandbits(200), numbers.getrandbits(0)] == first
    assert first[2].bit_length() > 128 and first[3] == 0
    numbers.seed("text")
    again = numbers.random()
    numbers.seed("text")
    assert numbers.random() == again
    assert sorted(numbers.sample(range(10), 10)) == list(range(10))
    with pytest.raises(ValueError):
        numbers.getrandbits(-1)
