"""Linux system calls that shut one process in: namespaces, mounts, limits, capabilities. Knows nothing of notebooks."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)

_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000
_NEW_UTS, _NEW_IPC, _NEW_PID, _NEW_NET = 0x04000000, 0x08000000, 0x20000000, 0x40000000
_NOSUID, _NODEV, _NOEXEC, _BIND, _REC, _PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
_SET_DEATH_SIGNAL, _SET_DUMPABLE, _SET_SECCOMP, _DROP_BOUNDING, _NO_NEW_PRIVS = 1, 4, 22, 24, 38

# What no notebook needs and what reaches past the limits: memory that no process owns (memfd, System V), other
# processes' memory, kernel keys, and the corners of the kernel where its own mistakes are found.
# name: (x86_64, aarch64)
_REFUSED = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "msgget": (68, 186),
    "semget": (64, 190), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "unshare": (272, 97),
    "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "fsopen": (430, 430), "open_tree": (428, 428), "move_mount": (429, 429), "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265), "personality": (135, 92),
}
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


def _call(name: str, *args: object) -> None:
    """Call `name` of the C library; integers go as unsigned long. Raises OSError where it fails."""
    whole = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in args]
    if getattr(_libc, name)(*whole) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}{args}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str | None, flags: int = 0, options: str = "") -> None:
    _call("mount", source.encode(), target.encode(), kind and kind.encode(), flags, options.encode())


def stage(paths: list[str], folder: str) -> list[str]:
    """Bind each path to a name below `folder`, in a mount namespace of our own, and return the new names.

    This lets root show a file to an unprivileged process that could not reach it, as when Python lives in root's home.
    Without the right to mount, the paths are returned as they are.
    """
    try:
        _call("unshare", _NEW_MOUNTS)
        _mount("none", "/", None, _REC | _PRIVATE)
    except PermissionError:
        return paths
    _mount("tmpfs", folder, "tmpfs", _NOSUID | _NODEV, "mode=0755,size=1m")
    names = [str(Path(folder, str(number))) for number in range(len(paths))]
    for path, name in zip(paths, names, strict=True):
        make = Path(name).mkdir if Path(path).is_dir() else Path(name).touch
        make()
        _mount(path, name, None, _BIND | _REC)
    return names


def drop_root(folder: str, user: int, command: list[str]) -> None:
    """Turn this process, which is root's, into `command` run by `user`. Each `--ro-bind SOURCE TARGET` is staged."""
    places = [i + 1 for i, word in enumerate(command) if word == "--ro-bind"]
    for place, staged in zip(places, stage([command[i] for i in places], folder), strict=True):
        command[place] = staged
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    os.chdir("/")
    os.execv(command[0], command)


def unshare() -> None:
    """Enter new user, mount, process, IPC, host-name and network namespaces; the next fork is process 1 of them."""
    user, group = os.getuid(), os.getgid()
    _call("unshare", _NEW_USER | _NEW_MOUNTS | _NEW_PID | _NEW_IPC | _NEW_UTS | _NEW_NET)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def die_with_parent() -> None:
    """Be killed when the process that forked this one ends."""
    _call("prctl", _SET_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)


def mounts(work: str, size: int) -> None:
    """Give process 1 of new namespaces its own empty work folder, /dev/shm, terminals and process table."""
    _mount("none", "/", None, _REC | _PRIVATE)
    for folder in (work, "/dev/shm"):
        _mount("tmpfs", folder, "tmpfs", _NOSUID | _NODEV, f"mode=0700,size={size},nr_inodes=20000")
    _mount("devpts", "/dev/pts", "devpts", _NOSUID | _NOEXEC, "newinstance,ptmxmode=0666,mode=0620")
    _mount("proc", "/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    Path("/proc/sys/user/max_user_namespaces").write_text("0")


def limits(memory_bytes: int, file_bytes: int, processes: int) -> None:
    """Set the limits of this process and its children; memory counts from what is in use now.

    processes: counted per user namespace.
    """
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    wanted = {"AS": now + memory_bytes, "NPROC": processes, "FSIZE": file_bytes, "NOFILE": 256,
              "MSGQUEUE": 0, "MEMLOCK": 1 << 16, "SIGPENDING": 1024,
              "CORE": 1}  # not 0: only 1 keeps a crash from the host's own core handler, where core_pattern names one
    for name, most in wanted.items():
        number = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(number)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(number, (most, most))


def drop() -> None:
    """Give up every capability for good, stop others from looking in, and refuse the system calls in _REFUSED."""
    Path("/proc/self/oom_score_adj").write_text("1000")
    _call("prctl", _NO_NEW_PRIVS, 1, 0, 0, 0)
    for capability in range(int(Path("/proc/sys/kernel/cap_last_cap").read_text()) + 1):
        _call("prctl", _DROP_BOUNDING, capability, 0, 0, 0)
    _call("capset", struct.pack("Ii", 0x20080522, 0), bytes(24))
    _call("prctl", _SET_DUMPABLE, 0, 0, 0, 0)
    if platform.machine() in _MACHINES:
        _filter(*_MACHINES[platform.machine()])


def _filter(column: int, machine: int) -> None:
    """Install the seccomp filter: a program of four-field instructions (code, jump if true, if false, value)."""
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    allow, refuse, kill = 0x7FFF0000, 0x00050001, 0x80000000
    numbers = [row[column] for row in _REFUSED.values()]
    program = [(load, 0, 0, 4), (equal, 1, 0, machine), (answer, 0, 0, kill), (load, 0, 0, 0),
               (at_least, len(numbers) + 1, 0, 0x40000000)]  # 0x40000000: the second system call table of x86_64
    program += [(equal, len(numbers) - i, 0, number) for i, number in enumerate(numbers)]
    program += [(answer, 0, 0, allow), (answer, 0, 0, refuse)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    whole = struct.pack("HP", len(program), ctypes.addressof(code))
    _call("prctl", _SET_SECCOMP, 2, ctypes.create_string_buffer(whole), 0, 0)


if __name__ == "__main__":
    drop_root(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
