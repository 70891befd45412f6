"""Slurm on this machine: a controller, a node of two cores and munge, of their own, in a folder that is thrown away."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
_LONGEST_START_S = 90

_SETTINGS = """
ClusterName=throwaway
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket
SlurmctldPort={controller}
SlurmdPort={node}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=5
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def why_not():
    """Why Slurm cannot be started here; "" when it can."""
    if absent := [program for program in PROGRAMS if not shutil.which(program, path=_PATH)]:
        return f"{', '.join(absent)} not installed (apt-get install slurmctld slurmd slurm-client munge)"
    return "" if os.geteuid() == 0 else "only root can start Slurm's daemons"


_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


@contextlib.contextmanager
def slurm_here():
    """Start it; gives the variables by which its commands find it. All of it ends with the block."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(mode=0o700)
    (folder / "munge/key").touch(mode=0o600)
    (folder / "munge/key").write_bytes(os.urandom(1024))
    host, cores = socket.gethostname().partition(".")[0], len(os.sched_getaffinity(0))
    settings = _SETTINGS.format(
        host=host, folder=folder, controller=_free_port(), node=_free_port(), cores=min(cores, os.cpu_count())
    )
    (folder / "slurm.conf").write_text(settings)
    munge = {"socket": "socket", "key-file": "key", "log-file": "log", "pid-file": "pid", "seed-file": "seed"}
    lines = [
        ["munged", "--force", "--foreground", *(f"--{name}={folder}/munge/{file}" for name, file in munge.items())],
        ["slurmctld", "-D", "-f", f"{folder}/slurm.conf"],
        ["slurmd", "-D", "-f", f"{folder}/slurm.conf"],
    ]
    variables = {"SLURM_CONF": str(folder / "slurm.conf")}
    processes = []
    try:
        for line in lines:
            with open(folder / f"{line[0]}.out", "wb") as out:
                processes.append(subprocess.Popen(line, stdout=out, stderr=out, env={**os.environ, "PATH": _PATH}))
            time.sleep(1)
        _wait_until_idle(folder, variables)
        try:
            yield variables
        finally:
            _end_all_jobs(variables)
    finally:
        for process in reversed(processes):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_idle(folder, variables):
    end = time.monotonic() + _LONGEST_START_S
    while time.monotonic() < end:
        line = ["sinfo", "--noheader", "--format=%T"]
        answer = subprocess.run(line, capture_output=True, text=True, check=False, env={**os.environ, **variables})
        if answer.stdout.strip() == "idle":
            return
        time.sleep(0.5)
    raise RuntimeError("".join(path.read_text(errors="replace") for path in folder.glob("*.out")))


def _end_all_jobs(variables):
    """Jobs outlive the daemons."""
    environment = {**os.environ, **variables}
    subprocess.run(["scancel", f"--user={os.geteuid()}"], check=False, env=environment)
    end = time.monotonic() + _LONGEST_START_S
    while time.monotonic() < end:
        answer = subprocess.run(["squeue", "--noheader"], capture_output=True, check=False, env=environment)
        if not answer.stdout.strip():
            return
        time.sleep(0.5)


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
