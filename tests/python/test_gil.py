"""A free-threaded Python that runs with the GIL after all."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig

import pytest

import agent

MODULE = """\
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "turns_gil_on", NULL, -1, NULL};
PyMODINIT_FUNC PyInit_turns_gil_on(void) { return PyModule_Create(&module); }
"""
free_threaded = pytest.mark.skipif(not agent.FREE_THREADED, reason="this Python has a GIL")


@pytest.fixture
def turns_gil_on(tmp_path):
    """The folder of an extension module of that name, which says nothing of the GIL."""
    include = sysconfig.get_path("include")
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler (cc) to build a module that turns the GIL on")
    source = tmp_path / "module.c"
    source.write_text(MODULE)
    name = "turns_gil_on" + sysconfig.get_config_var("EXT_SUFFIX")
    command = [compiler, "-shared", "-fPIC", f"-I{include}", "-o", str(tmp_path / name), str(source)]
    subprocess.run(command, check=True)
    return str(tmp_path)


def told(trial):
    return [event.value for event in trial.of("warning", "gil-enabled")]


def test_says_nothing_where_it_is_as_it_was(zygote, workload):
    assert zygote.load("threading", workload("rt.observe('n', 1)"))["environment"]["gil"] is not agent.FREE_THREADED
    assert told(zygote.trial()) == []


@free_threaded
@pytest.mark.parametrize("isolation", ["fork", "process"])
def test_names_the_module_that_the_workload_imports(zygote, workload, turns_gil_on, isolation):
    text = f"import sys\nsys.path.append({turns_gil_on!r})\nimport turns_gil_on\nasync def main(rt, params):\n    pass\n"
    zygote.load("threading", workload(text, whole=True), isolation=isolation)
    assert told(zygote.trial()) == ["turns_gil_on"]


@free_threaded
def test_says_that_an_import_of_the_trial_turned_it_on(zygote, workload, turns_gil_on):
    zygote.load("threading", workload(f"import sys\nsys.path.append({turns_gil_on!r})\nimport turns_gil_on"))
    assert told(zygote.trial()) == ["an extension module"]


@free_threaded
def test_other_warnings_of_imports_are_shown(zygote, workload):
    text = "import warnings\nwarnings.warn('of an import', RuntimeWarning)\nasync def main(rt, params):\n    pass\n"
    zygote.load("threading", workload(text, whole=True), isolation="process")
    assert "RuntimeWarning: of an import" in zygote.trial().stderr


@free_threaded
def test_a_runtime_with_the_gil_on_is_unsupported(workload):
    with agent.agent(sys.executable, PYTHON_GIL="1") as zygote:
        answer = zygote.load("threading", workload("pass"))
    assert (answer["type"], answer["reason"]) == ("refused", "unsupported")
    assert answer["message"] == "PYTHON_GIL or -X gil turns the GIL of this free-threaded Python on"
