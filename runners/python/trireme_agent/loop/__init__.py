"""The parts of the runtimes whose tasks belong to an event loop."""
