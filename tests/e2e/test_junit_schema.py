"""The JUnit report of hostile results is valid against the dialect that Jenkins reads (junit.xsd beside this file)."""

from __future__ import annotations

import json
import shutil
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from trireme_case import TriremeCase

SCHEMA = Path(__file__).with_name("junit.xsd")
NASTY = "a\x00b\x1b[31m<&>\"']]>\u0085\ufffe\nnext \U0001f6a3"


def cell(scenario: str, runtime: str, verdict: str, expected: bool) -> dict:
    return {"id": f"{scenario}-{runtime}", "scenario": scenario, "runtime": runtime, "interpreter": "3.11", "params": {},
            "verdict": verdict, "expected": expected, "seconds": 0.5, "expectation": "pass", "reason": NASTY,
            "trials": {"planned": 1, "executed": 1}, "notes": [NASTY], "replay": "trireme run " + NASTY,
            "findings": [{"kind": "difference", "message": NASTY, "count": 1,
                          "participants": [{"task": NASTY, "thread": 1, "stack": [NASTY]}]}]}


RESULTS = {"schema": "trireme.results/1", "run": {"id": "x", "seed": NASTY}, "cells": [
    cell("a/b", "eventlet", "pass", True), cell("a/b", "threading", "fail", False), cell("a/b", "asyncio", "fail", True),
    cell("a/b", "thread", "unknown", False), cell("a/b", "fiber", "unsupported", True), cell("a/c", "eventlet", "pass", False),
    cell("a/b", "eventlet", "pass", True), cell(NASTY, NASTY, "fail", False)]}


class JunitSchemaTest(TriremeCase):
    def report(self, results: dict) -> Path:
        self.write("results.json", json.dumps(results))
        self.expect("report", "results.json", "--format", "junit", "--out", "junit.xml")
        return self.folder / "junit.xml"

    @unittest.skipUnless(shutil.which("xmllint"), "xmllint (libxml2-utils) is not installed")
    def test_it_is_valid(self) -> None:
        for results in (RESULTS, {"schema": "trireme.results/1"}, RESULTS | {"interrupted": True}):
            done = subprocess.run(["xmllint", "--noout", "--nonet", "--schema", str(SCHEMA), str(self.report(results))],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_its_counts_and_names_add_up(self) -> None:
        root = ElementTree.parse(self.report(RESULTS)).getroot()
        self.assertEqual(root.tag, "testsuites")
        seen = set()
        totals = {"tests": 0, "failures": 0, "errors": 0}
        for suite in root:
            cases = suite.findall("testcase")
            self.assertEqual({child.tag for child in suite} - {"properties", "testcase"}, set())
            for attribute, found in (("tests", len(cases)), ("failures", len(suite.findall("testcase/failure"))),
                                     ("errors", len(suite.findall("testcase/error"))),
                                     ("skipped", len(suite.findall("testcase/skipped")))):
                self.assertEqual(suite.get(attribute), str(found))
                if attribute in totals:
                    totals[attribute] += found
            for case in cases:
                name = (case.get("classname"), case.get("name"))
                self.assertNotIn(name, seen)
                seen.add(name)
        self.assertEqual({name: root.get(name) for name in totals}, {name: str(count) for name, count in totals.items()})
        self.assertEqual(totals, {"tests": 8, "failures": 3, "errors": 1})

    def test_what_is_not_as_expected_fails_and_unsupported_is_skipped(self) -> None:
        root = ElementTree.parse(self.report(RESULTS)).getroot()
        by_name = {case.get("name"): case for case in root.iter("testcase")}
        self.assertEqual(by_name["a/b on threading/3.11"][0].tag, "failure")
        self.assertEqual(by_name["a/b on asyncio/3.11"][0].tag, "system-out")
        self.assertEqual(by_name["a/b on thread/3.11"][0].tag, "error")
        self.assertEqual(by_name["a/b on fiber/3.11"][0].tag, "skipped")
        self.assertEqual(by_name["a/c on eventlet/3.11"][0].get("type"), "unexpected-pass")
