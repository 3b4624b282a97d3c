"""A flow with a gang whose tasks meet over TCP and add up what they have, and ways for that to go wrong."""

GANG = '''
import os, signal, socket, struct, time
from stepwell import FlowSpec, Parameter, catch, current, parallel, retry, step, timeout

AT_IMPORT = os.environ.get("MF_PARALLEL_NODE_INDEX")


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def all_reduce(value):
    """Return the sum of the values of all tasks of the gang."""
    main_ip, size, index, control = current.parallel
    place = f"port.{{current.run_id}}.{{control}}.{{current.retry_count}}"
    if index == 0:
        with socket.create_server((main_ip, 0)) as server:
            with open(place + ".new", "w") as file:
                file.write(str(server.getsockname()[1]))
            os.rename(place + ".new", place)
            others = [server.accept()[0] for _ in range(size - 1)]
        values = [struct.unpack("!q", other.recv(8, socket.MSG_WAITALL))[0] for other in others]
        total = value + sum(values)
        for other in others:
            other.sendall(struct.pack("!q", total))
        return total
    wait_for(lambda: os.path.exists(place))
    with socket.create_connection((main_ip, int(open(place).read()))) as main:
        main.sendall(struct.pack("!q", value))
        return struct.unpack("!q", main.recv(8, socket.MSG_WAITALL))[0]


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def go_wrong(mode, index, last):
    """In the first attempt the last task returns at once, 1 dies then, and the others wait for it in vain."""
    open(f"pid.{{current.task_id}}.{{current.retry_count}}", "w").write(str(os.getpid()))
    if mode == "stubborn" and index == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if index == last and mode != "hang":
        return True
    if index != 1 or mode == "hang":
        time.sleep(600)
    place = f"pid.{{current.parallel.control_task_id}}_node_{{last}}.{{current.retry_count}}"
    wait_for(lambda: os.path.exists(place) and open(place).read() and is_gone(int(open(place).read())))
    if mode == "raise":
        raise ValueError("out of luck")
    os.kill(os.getpid(), signal.SIGKILL)


class F(FlowSpec):
    size = Parameter("size", default=3)
    mode = Parameter("mode", default="")
    times = Parameter("times", default=99)

    @step
    def start(self):
        self.base = 100
        self.next(self.train, num_parallel=self.size)

    {decorators}
    @parallel
    @step
    def train(self):
        self.place, self.is_parallel, self.at_import = tuple(current.parallel), current.is_parallel, AT_IMPORT
        self.variables = {{k: v for k, v in os.environ.items() if k.startswith("MF_PARALLEL")}}
        self.attempt = current.retry_count
        print("this is node", self.index)
        early = self.mode and self.attempt < self.times and go_wrong(self.mode, self.index, self.size - 1)
        self.total = 0 if early else all_reduce(self.base + self.index)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.totals = [one.total if hasattr(one, "total") else None for one in inputs]
        self.attempts = [getattr(one, "attempt", None) for one in inputs]
        self.failures = [str(getattr(one, "failure", None)) for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    F()
'''


def gang_flow(decorators: str = "") -> str:
    """Return the file of the flow with these decorators above the step that runs as a gang."""
    return GANG.format(decorators=decorators or "# as it is")
