from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import check_layering


class CheckLayeringTest(unittest.TestCase):
    def check(self, path: str, text: str) -> list[str]:
        with tempfile.TemporaryDirectory() as root:
            file = Path(root, path)
            file.parent.mkdir(parents=True)
            file.write_text(text)
            return check_layering.check(Path(root))

    def test_names_the_line_and_both_layers(self) -> None:
        self.assertEqual(
            self.check("harness/base/fail.cc", '#include <string>\n#include "harness/check/verdict.h"\n'),
            ["harness/base/fail.cc:2: error: harness/base may not include harness/check"],
        )

    def test_accepts_the_layer_below(self) -> None:
        self.assertEqual(self.check("harness/check/leak.cc", '#include "harness/history/history.h"\n'), [])

    def test_keeps_engine_and_check_apart(self) -> None:
        self.assertEqual(
            self.check("harness/engine/run.cc", '#include "harness/check/verdict.h"\n'),
            ["harness/engine/run.cc:1: error: harness/engine may not include harness/check"],
        )

    def test_lets_anyone_include_the_abi_of_the_probe_and_nothing_else_of_it(self) -> None:
        self.assertEqual(self.check("harness/history/ring.cc", '#include "harness/probe/probe_abi.h"\n'), [])
        self.assertEqual(
            self.check("harness/history/ring.cc", '#include "harness/probe/recorder.h"\n'),
            ["harness/history/ring.cc:1: error: harness/history may not include harness/probe"],
        )

    def test_keeps_a_package_in_its_folder(self) -> None:
        self.assertEqual(self.check("harness/cli/main.cc", "#include <CLI/CLI.hpp>\n"), [])
        self.assertEqual(
            self.check("harness/scenario/parse.cc", "#include <CLI/CLI.hpp>\n"),
            ["harness/scenario/parse.cc:1: error: <CLI/CLI.hpp> belongs to harness/cli"],
        )

    def test_wants_a_line_for_a_new_layer(self) -> None:
        self.assertEqual(
            self.check("harness/extra/extra.cc", '#include "harness/base/check.h"\n'),
            ["harness/extra/extra.cc:1: error: no such layer: harness/extra has no line in ci/check_layering.py"],
        )
