#!/usr/bin/env bash
# slurm.sh up|down DIR: a private Slurm of one node on loopback for the tests (root; munge, slurmctld, slurmd, slurm-client installed).
set -euo pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
dir=$(realpath -m "$2"); host=$(hostname -s); socket=$dir/munge.socket
stop() { # ends the process whose number stands in a file, if it still is that program
  local pid; pid=$(cat "$dir/$1.pid" 2>/dev/null) || return 0
  [[ $(readlink "/proc/$pid/exe" 2>/dev/null) == *"$1"* ]] || return 0
  kill "$pid"; for _ in $(seq 100); do [ -d "/proc/$pid" ] || return 0; sleep .1; done; kill -9 "$pid"
}
if [ "$1" = down ]; then
  export SLURM_CONF=$dir/slurm.conf
  squeue -h -o %A 2>/dev/null | sort -u | xargs -r scancel 2>/dev/null || true
  for program in slurmd slurmctld munged; do stop $program || true; done
  exit 0
fi
port=$(( 20000 + RANDOM % 20000 ))
mkdir -p "$dir"/{state,spool,log}; chmod 755 "$dir"
[ -s "$dir/munge.key" ] || { head -c 128 /dev/urandom >"$dir/munge.key"; chmod 600 "$dir/munge.key"; }
cat >"$dir/slurm.conf" <<C
ClusterName=tests
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.own
SlurmdPidFile=$dir/slurmd.own
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
KillWait=5
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,sched_min_interval=0
NodeName=$host NodeAddr=127.0.0.1 NodeHostname=$host Port=$((port + 1)) CPUs=$(nproc) RealMemory=$(awk '/MemTotal/{print int($2 / 1024 * 0.8)}' /proc/meminfo) State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
C
export SLURM_CONF=$dir/slurm.conf
start() { local name=$1; setsid "$@" </dev/null >>"$dir/log/$name.out" 2>&1 & echo $! >"$dir/$name.pid"; }
start munged --foreground --force --key-file="$dir/munge.key" --socket="$socket" --pid-file="$dir/munged.own" \
  --seed-file="$dir/munge.seed" --log-file="$dir/log/munged.log"
for _ in $(seq 50); do munge -n -S "$socket" 2>/dev/null | unmunge -S "$socket" >/dev/null 2>&1 && break; sleep .1; done
start slurmctld -D -f "$SLURM_CONF"
for _ in $(seq 50); do scontrol ping 2>/dev/null | grep -q "is UP" && break; sleep .1; done
start slurmd -D -f "$SLURM_CONF" -N "$host"
for _ in $(seq 150); do
  case "$(sinfo -h -n "$host" -o %T 2>/dev/null || true)" in
    idle) exit 0 ;;
    down* | drained*) scontrol update nodename="$host" state=resume 2>/dev/null || true ;;
  esac
  sleep .2
done
tail -n 5 "$dir"/log/*.out >&2; exit 1
