"""Takes away, at the start of an interpreter, what Windows has not: modules and attributes are really gone.

What the standard library does by their means goes on, as it does there by others.
"""

import _io
import builtins
import io
import mmap
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import types

subprocess.os = shutil.os = types.SimpleNamespace(**vars(os))
subprocess.signal = types.SimpleNamespace(**vars(signal))
subprocess.Popen.kill = subprocess.Popen.terminate

for name in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "readline"):
    sys.modules[name] = None  # importing it raises ImportError


def remove(module, *names):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)


_CONSTANTS = ("W", "P_", "CLD_", "SCHED_", "RTLD_", "POSIX_", "SPLICE_", "ST_")
remove(os, *(name for name in dir(os) if name.startswith(_CONSTANTS) and name != "W_OK"))
OF_OS = """
fork forkpty register_at_fork wait wait3 wait4 waitid killpg getpgid setpgid getpgrp setpgrp setsid
getsid getuid geteuid getgid getegid getresuid getgroups setuid setgid pread pwrite preadv pwritev
readv writev sendfile copy_file_range statvfs fstatvfs posix_spawn posix_spawnp memfd_create mkfifo
mknod nice getpriority sched_getaffinity sched_yield sysconf confstr uname getloadavg ttyname
ctermid tcgetpgrp tcsetpgrp openpty fchmod fchown chown lchown fdatasync sync posix_fadvise
posix_fallocate fchdir listxattr getxattr setxattr pipe2 lockf eventfd set_blocking O_TMPFILE
O_CLOEXEC O_NOCTTY O_NONBLOCK O_NOFOLLOW O_DIRECTORY O_SYNC O_DSYNC
"""
remove(os, *OF_OS.split())
_SIGNALS = ("SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM", "SIG_DFL", "SIG_IGN")
remove(signal, *(name for name in dir(signal) if name.startswith("SIG") and name not in _SIGNALS))
OF_SIGNALS = """
pthread_sigmask pthread_kill setitimer getitimer alarm pause sigwait sigtimedwait sigwaitinfo
sigpending siginterrupt pidfd_send_signal
"""
remove(signal, *OF_SIGNALS.split())
OF_SOCKETS = "AF_UNIX CMSG_SPACE CMSG_LEN SCM_RIGHTS MSG_DONTWAIT MSG_NOSIGNAL SO_PEERCRED"
remove(socket, *OF_SOCKETS.split())
remove(select, "poll", "epoll")
remove(mmap, *(name for name in dir(mmap) if name.startswith(("MAP_", "PROT_", "MADV_"))))
remove(time, "clock_gettime", "clock_gettime_ns", "CLOCK_BOOTTIME")


def without_kernel_files(call):
    def opened(path=".", *args, **named):
        if isinstance(path, str | bytes | os.PathLike) and os.fsdecode(path).startswith(("/proc", "/sys")):
            raise FileNotFoundError(2, "No such file or directory", os.fsdecode(path))
        return call(path, *args, **named)

    return opened


builtins.open = _io.open = io.open = without_kernel_files(builtins.open)
os.open, os.listdir = without_kernel_files(os.open), without_kernel_files(os.listdir)
os.scandir, os.stat = without_kernel_files(os.scandir), without_kernel_files(os.stat)
