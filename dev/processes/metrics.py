"""Addresses of the metrics of programs on one machine: each has a port of its own."""

from collections.abc import Sequence
from dataclasses import replace

from dev.processes.ports import LOOPBACK, pick
from dev.processes.supervisor import Program

#: Port of the first program: that of OpenTelemetry's exporter for Prometheus.
FIRST_PORT = 9464


def with_metrics(programs: Sequence[Program], *, first_port: int = FIRST_PORT) -> list[Program]:
    """Return the programs, each with an address for its metrics."""
    ports = list[int]()
    for number in range(len(programs)):
        port = pick(first_port + number)
        while port in ports:  # one that was found near another's
            port = pick(max(ports) + 1)
        ports.append(port)
    return [
        replace(program, env={**program.env, "SHOP_METRICS": f"{LOOPBACK}:{port}"})
        for program, port in zip(programs, ports, strict=True)
    ]


def metrics_of(programs: Sequence[Program]) -> dict[str, str]:
    """Return the addresses by the programs' names."""
    return {program.name: program.env["SHOP_METRICS"] for program in programs}
