"""The parts of the runtimes whose tasks are native threads."""
