"""The parts of the runtimes whose tasks are green threads. Imported only where eventlet is installed."""
