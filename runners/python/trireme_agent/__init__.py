"""The Python runner: a zygote that imports a workload once and forks a process for each trial."""
