"""Wrong input: a clear error at its place, exit 2, nothing run and nothing written."""

from __future__ import annotations

import textwrap

from trireme_case import PYTHON, TriremeCase

GOOD_YAML = textwrap.dedent("""\
    version: 1
    summary: A scenario
    workload: {python: workload.py}
    runtimes: [threading]
    """)
GOOD_PY = """\
    async def main(rt, params):
        rt.observe("x", 1)
    """


class BadInputTest(TriremeCase):
    def setUp(self) -> None:
        super().setUp()
        self.write("s/scenario.yaml", GOOD_YAML)
        self.write("s/workload.py", GOOD_PY)

    def refused(self, *arguments: str, code: int = 2, err: str) -> None:
        before = sorted(self.folder.rglob("*"))
        self.expect("run", *arguments, *PYTHON, code=code, err=err)
        self.assertEqual(sorted(self.folder.rglob("*")), before, "something was written")

    def test_an_unknown_runtime(self) -> None:
        self.write("s/scenario.yaml", GOOD_YAML.replace("[threading]", "[evenlet, threading]"))
        self.refused("s", err="""\
            s/scenario.yaml:4:12: error: unknown runtime 'evenlet'
            runtimes: [evenlet, threading]
                       ^~~~~~~
            hint: did you mean 'eventlet'?
            """)

    def test_the_errors_of_every_scenario(self) -> None:
        self.write("s/scenario.yaml", GOOD_YAML + "trails: 3\n")
        self.write("t/scenario.yaml", "version: 2\nsummary: x\nworkload: {python: workload.py}\n")
        self.write("t/workload.py", GOOD_PY)
        outcome = self.trireme("run", "s", "t")
        self.assertEqual((outcome.code, outcome.out), (2, ""))
        self.assertIn("s/scenario.yaml:5:1: error: unknown key 'trails'", outcome.err)
        self.assertIn("t/scenario.yaml:1:10: error: ", outcome.err)

    def test_what_later_releases_bring(self) -> None:
        self.write("s/scenario.yaml", GOOD_YAML + "roles: {a: [threading]}\n")
        outcome = self.trireme("run", "s")
        self.assertEqual((outcome.code, outcome.out), (2, ""))
        self.assertIn("s/scenario.yaml:5:1: error: key 'roles' is not available yet\n", outcome.err)

    def test_python_that_does_not_parse(self) -> None:
        self.write("s/workload.py", """\
            async def main(rt, params):
                if params["x"]
                    pass
            """)
        self.refused("s", err="""\
            s/workload.py:2:19: error: SyntaxError: expected ':'
                if params["x"]
                              ^
            """)

    def test_bytes_that_are_no_python(self) -> None:
        (self.folder / "s/workload.py").write_bytes(b"\x00\xff")
        outcome = self.trireme("run", "s", *PYTHON)
        self.assertEqual((outcome.code, outcome.out), (2, ""))
        self.assertTrue(outcome.err.startswith("s/workload.py"), outcome.err)

    def test_a_workload_without_main(self) -> None:
        self.write("s/workload.py", "def mian(rt, params):\n    pass\n")
        self.refused("s", err="""\
            s/workload.py: error: the workload has no 'main'
            hint: define 'async def main(rt, params)'
            """)

    def test_a_main_that_is_no_function(self) -> None:
        for text, (column, message) in {
            "main = 3": (1, "'main' is no function"),
            "x = 1; main: list = []": (8, "'main' is no function"),
            "class main: pass": (7, "'main' is a class, no function"),
            "def main(rt, params): yield 1": (5, "'main' is a generator function: calling it runs nothing"),
            "async def main(rt, params): yield 1": (11, "'main' is an async generator function: calling it runs nothing"),
            "async def main(rt): pass": (11, "'main' takes 1 parameter, where it is given 2: rt, params"),
            "def main(rt, params, more): pass": (5, "'main' takes 3 parameters, where it is given 2: rt, params"),
            "def main(rt, params, *, x): pass": (5, "'main' needs a keyword argument 'x', which it is not given"),
            "main = lambda: None": (1, "'main' takes 0 parameters, where it is given 2: rt, params"),
        }.items():
            with self.subTest(text):
                self.write("s/workload.py", f"import os\n{text}\n")
                self.refused("s", err=f"s/workload.py:2:{column}: error: {message}\n{text}\n{' ' * (column - 1)}^~~~\n"
                                      "hint: define 'async def main(rt, params)'\n")

    def test_a_main_that_only_running_can_tell(self) -> None:
        for text in (
            "import functools\n@functools.cache\ndef main(*rest): pass",
            "import functools\ndef run(x, rt, params): pass\nmain = functools.partial(run, 1)",
            "from helper import main",
            "try:\n    from helper import main\nexcept ImportError:\n    main = None",
            "def main(rt, params, more=1, *, x=2): pass",
            "async def main(*rest): pass",
            "def main(rt, params):\n    def inner(): yield 1",
            "globals()['main'] = lambda rt, params: None",
            "for main in [print]: pass",
        ):
            with self.subTest(text):
                self.write("s/helper.py", "def main(rt, params): pass\n")
                self.write("s/workload.py", text + "\n")
                outcome = self.trireme("run", "s", "--dry-run", *PYTHON)
                self.assertEqual((outcome.code, outcome.err), (0, ""))

    def test_the_errors_of_every_workload(self) -> None:
        self.write("s/workload.py", "x = (\n")
        self.write("t/scenario.yaml", GOOD_YAML)
        self.write("t/workload.py", "")
        self.refused("s", "t", err="""\
            s/workload.py:1:5: error: SyntaxError: '(' was never closed
            x = (
                ^
            t/workload.py: error: the workload has no 'main'
            hint: define 'async def main(rt, params)'
            """)

    def test_a_workload_that_does_not_exist(self) -> None:
        (self.folder / "s/workload.py").unlink()
        outcome = self.trireme("run", "s", *PYTHON)
        self.assertEqual((outcome.code, outcome.out), (2, ""))
        self.assertIn("s/scenario.yaml:3:", outcome.err)

    def test_an_interpreter_that_does_not_exist(self) -> None:
        before = sorted(self.folder.rglob("*"))
        for arguments in (["--interpreters", "3.99"], ["--python", "x=/nowhere/python"]):
            outcome = self.trireme("run", "s", *arguments)
            self.assertEqual((outcome.code, outcome.out), (3, ""), outcome.err)
            self.assertIn("error: ", outcome.err)
            self.assertIn("hint: ", outcome.err)
        self.assertEqual(sorted(self.folder.rglob("*")), before)

    def test_a_scenario_that_does_not_exist(self) -> None:
        self.refused("nowhere/at-all", code=4, err="""\
            error: no scenario matches 'nowhere/at-all'
            hint: 'trireme list scenarios' prints their names
            """)

    def test_an_output_folder_that_holds_something(self) -> None:
        self.refused("s", "--out", "s", err="""\
            error: option --out: s already holds something
            hint: name a new folder, or remove this one
            """)

    def test_an_output_folder_that_cannot_be_made(self) -> None:
        self.refused("s", "--out", "/proc/nowhere/run", code=3, err="""\
            error: cannot create folder /proc/nowhere/run: No such file or directory
            hint: --out DIR writes the run elsewhere
            """)

    def test_an_output_folder_that_goes_away(self) -> None:
        run, away = self.folder / "run", self.folder / "away"
        self.write("s/workload.py", f"""\
            import os

            async def main(rt, params):
                if os.path.exists({str(run)!r}) and not os.path.exists({str(away)!r}):
                    os.rename({str(run)!r}, {str(away)!r})
                rt.observe("x", 1)
            """)
        outcome = self.trireme("run", "s", "--trials", "2", "--out", "run", *PYTHON)
        self.assertEqual(outcome.code, 3, outcome.err)
        self.assertIn("error: the folder of the run, run, was removed, renamed or unmounted during the run\n", outcome.err)
        self.assertTrue((away / "plan.json").exists())
        self.assertFalse((run / "results.json").exists())

    def test_settings_with_an_unknown_key(self) -> None:
        self.write("trireme.yaml", "version: 1\nscenario-path: [s]\n")
        self.refused("s", err="""\
            trireme.yaml:2:1: error: unknown key 'scenario-path' of trireme.yaml
            scenario-path: [s]
            ^~~~~~~~~~~~~
            hint: did you mean 'scenario-paths'?
            """)

    def test_settings_with_an_unknown_runtime(self) -> None:
        self.write("trireme.yaml", "profiles: {quick: {runtimes: [evenlet]}}\n")
        self.refused("s", err="""\
            trireme.yaml:1:31: error: unknown runtime 'evenlet'
            profiles: {quick: {runtimes: [evenlet]}}
                                          ^~~~~~~
            hint: did you mean 'eventlet'?
            """)

    def test_settings_of_later_releases(self) -> None:
        self.write("trireme.yaml", "known: known.yaml\n")
        self.refused("s", err="""\
            trireme.yaml:1:1: error: 'known' is not available yet
            known: known.yaml
            ^~~~~
            hint: remove it
            """)

    def test_new_refuses_to_overwrite(self) -> None:
        before = (self.folder / "s/scenario.yaml").read_text()
        self.expect("new", "s", code=2, err="""\
            error: 's' is already there
            hint: nothing was written; name another folder
            """)
        self.assertEqual((self.folder / "s/scenario.yaml").read_text(), before)
