"""Two ports of 127.0.0.1, TCP and UDP each: prints them, accepts and forgets, echoes datagrams. Ends with its standard input."""
import selectors, socket, sys

selector = selectors.DefaultSelector()


def pair():
    while True:
        tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        tcp.bind(("127.0.0.1", 0))
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            continue
        tcp.listen(512)
        for s in (tcp, udp):
            s.setblocking(False)
            selector.register(s, selectors.EVENT_READ)
        return tcp.getsockname()[1]


print(pair(), pair(), flush=True)
selector.register(sys.stdin, selectors.EVENT_READ)
while True:
    for key, _ in selector.select():
        s = key.fileobj
        try:
            if s is sys.stdin:
                if not sys.stdin.buffer.read1(1):
                    sys.exit()
            elif s.type == socket.SOCK_DGRAM:
                data, who = s.recvfrom(100)
                s.sendto(data, who)
            else:
                s.accept()[0].close()
        except OSError:
            pass
