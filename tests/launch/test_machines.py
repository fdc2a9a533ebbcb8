"""How the processes of a container find each other."""

from classification.files import write_json
from classification.launch.machines import torchrun_options
from classification.paths import ContainerPaths


def test_a_single_machine_needs_no_address(tmp_path):
    ml = ContainerPaths(tmp_path)
    alone = ["--standalone", "--nproc_per_node=3"]
    assert torchrun_options(ml, 3) == alone  # run by hand, without AWS's file
    write_json(ml.resources, {"current_host": "algo-1", "hosts": ["algo-1"]})
    assert torchrun_options(ml, 3) == alone


def test_machines_meet_at_the_first_whatever_the_order_of_the_list(tmp_path):
    ml = ContainerPaths(tmp_path)
    write_json(ml.resources, {"current_host": "algo-2", "hosts": ["algo-2", "algo-1"]})
    assert torchrun_options(ml, 1) == [
        "--nnodes=2",
        "--node_rank=1",
        "--master_addr=algo-1",
        "--master_port=29500",
        "--nproc_per_node=1",
    ]


def test_one_process_per_gpu_is_one_where_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert torchrun_options(ContainerPaths(tmp_path), 0)[-1] == "--nproc_per_node=1"
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    assert torchrun_options(ContainerPaths(tmp_path), 0)[-1] == "--nproc_per_node=4"
