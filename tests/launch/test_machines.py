"""How the processes of a container find each other."""

import os
import sys

import pytest

from classification.files import write_json
from classification.launch import machines
from classification.launch.machines import network, torchrun_options
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


def test_they_speak_over_the_network_that_aws_names(tmp_path):
    ml = ContainerPaths(tmp_path)
    assert network(ml) == {}
    write_json(ml.resources, {"hosts": ["algo-1"], "network_interface_name": "eth0"})
    assert network(ml) == {"NCCL_SOCKET_IFNAME": "eth0", "GLOO_SOCKET_IFNAME": "eth0"}


def test_one_process_takes_the_place_of_its_starter(tmp_path, monkeypatch):
    """Under torchrun it would be killed 30 s after SIGTERM, of AWS's 120."""
    called = []
    monkeypatch.setenv("FIELDMARK_ML", str(tmp_path))
    monkeypatch.setattr(os, "execv", lambda *given: called.append(given) or sys.exit())
    with pytest.raises(SystemExit):
        machines.main()
    assert called == [(sys.executable, [sys.executable, "-m", "classification.launch.container"])]


def test_several_processes_have_as_long_to_save_as_aws_gives(tmp_path, monkeypatch):
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.api import PContext

    called, closed = [], []
    monkeypatch.setenv("FIELDMARK_ML", str(tmp_path))
    monkeypatch.setenv("FIELDMARK_PROCESSES", "2")
    monkeypatch.setattr(run, "main", called.append)
    monkeypatch.setattr(PContext, "close", lambda self, death_sig, timeout: closed.append(timeout))
    machines.main()
    assert called == [
        ["--standalone", "--nproc_per_node=2", "-m", "classification.launch.container"]
    ]
    for given in ({}, {"timeout": 30}, {"timeout": 300}):
        PContext.close(None, 15, **given)
    assert closed == [100, 100, 300]
