"""The processes of a training container: ``python -m classification.launch.machines`` starts them.

A single one takes this one's place. Several are started by torchrun on each machine; AWS says in
``resourceconfig.json`` which machines a job has, and the first is where all meet.
"""

import os
import sys
from pathlib import Path
from typing import Any

from classification.files import read_json
from classification.paths import ContainerPaths

_PORT = "29500"  # torchrun's own choice
_PROGRAM = "classification.launch.container"
_ALONE = ["--standalone", "--nproc_per_node=1"]
_GRACE = 100  # seconds from SIGTERM to SIGKILL; AWS gives 120, torchrun by itself 30


def torchrun_options(ml: ContainerPaths, processes: int) -> list[str]:
    """For `processes` on each machine; 0: one per GPU."""
    each = f"--nproc_per_node={processes or gpus()}"
    machines = (
        read_json(ml.resources, what="resource configuration") if ml.resources.exists() else {}
    )
    hosts = sorted(machines.get("hosts", []))
    if len(hosts) < 2:
        return ["--standalone", each]
    return [
        f"--nnodes={len(hosts)}",
        f"--node_rank={hosts.index(machines['current_host'])}",
        f"--master_addr={hosts[0]}",
        f"--master_port={os.environ.get('MASTER_PORT', _PORT)}",
        each,
    ]


def network(ml: ContainerPaths) -> dict[str, str]:
    """By which of the container's networks machines reach each other, for NCCL and gloo."""
    if not ml.resources.exists():
        return {}
    name = read_json(ml.resources, what="resource configuration").get("network_interface_name")
    return {"NCCL_SOCKET_IFNAME": name, "GLOO_SOCKET_IFNAME": name} if name else {}


def gpus() -> int:
    """GPUs of this machine; 1 where there is none."""
    import torch

    return max(1, torch.cuda.device_count())


def main() -> None:
    """Run the container's program in as many processes as the job asks for."""
    ml = ContainerPaths(Path(os.environ.get("FIELDMARK_ML", "/opt/ml")))
    options = torchrun_options(ml, int(os.environ.get("FIELDMARK_PROCESSES", "1")))
    if options == _ALONE:
        os.execv(sys.executable, [sys.executable, "-m", _PROGRAM])
    for name, value in network(ml).items():
        os.environ.setdefault(name, value)
    from torch.distributed.elastic.multiprocessing.api import PContext
    from torch.distributed.run import main as torchrun

    _wait_longer(PContext)
    torchrun([*options, "-m", _PROGRAM])


def _wait_longer(context: Any) -> None:
    """Let processes that are asked to end save for as long as AWS lets them; no option says so."""
    close = context.close

    def patiently(self: Any, death_sig: Any = None, timeout: int = _GRACE) -> None:
        close(self, death_sig, max(timeout, _GRACE))

    context.close = patiently


if __name__ == "__main__":
    main()
