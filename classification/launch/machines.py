"""torchrun's options in a training container: its machines, and the processes on each.

``python -m classification.launch.machines`` prints them. AWS says in ``resourceconfig.json`` which
machines a job has; the first is where all meet.
"""

import os
from pathlib import Path

from classification.files import read_json
from classification.paths import ContainerPaths

_PORT = "29500"  # torchrun's own choice


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


def gpus() -> int:
    """GPUs of this machine; 1 where there is none."""
    import torch

    return max(1, torch.cuda.device_count())


if __name__ == "__main__":
    container = ContainerPaths(Path(os.environ.get("FIELDMARK_ML", "/opt/ml")))
    print(*torchrun_options(container, int(os.environ.get("FIELDMARK_PROCESSES", "1"))))
