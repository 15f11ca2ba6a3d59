"""0.0.0.0 and :: lead where the socket is bound to. `serve FILE`: the outside, on one TCP and UDP port of 127.0.0.1 and 127.0.0.2,
written to FILE. `try PORT`: an agent that listens at [::1]:PORT itself, and by way of 0.0.0.0 and :: reaches the outside's."""
import os
import select
import signal
import socket
import sys

I, X, S, D = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM
signal.alarm(60)


def at(kind, address, family=I):
    s = socket.socket(family, kind)
    if family == X:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind(address)
    if kind == S:
        s.listen()
    return s


def serve(name):
    a = at(S, ("127.0.0.1", 0))
    port = a.getsockname()[1]
    tcp = [a, at(S, ("127.0.0.2", port))]
    udp = [at(D, ("127.0.0.1", port)), at(D, ("127.0.0.2", port))]
    with open(name + ".new", "w") as f:
        f.write("%d\n" % port)
    os.rename(name + ".new", name)
    held = []
    while True:
        for s in select.select(tcp + udp, [], [])[0]:
            if s in tcp:
                held.append(s.accept()[0])  # closed with bytes unread it would be a reset
                held[-1].sendall(b"outside")
            else:
                s.sendto(b"outside", s.recvfrom(10)[1])


def reach(what, family, kind, mine, to, how):
    s = socket.socket(family, kind)
    try:
        s.bind((mine, 0))
        if how == "connect":
            s.connect(to)
            if kind == D:
                s.send(b"hi")
        elif how == "fastopen":
            s.sendto(b"hi", socket.MSG_FASTOPEN, to)
        elif how == "sendto":
            s.sendto(b"hi", to)
        elif how == "source":
            s.sendmsg([b"hi"], [(socket.IPPROTO_IP, 8, bytes(4) + socket.inet_aton("127.0.0.2") + bytes(4))], 0, to)
        s.settimeout(2)
        print(what, s.recv(10).decode())
    except OSError as e:
        print(what, "held")


def attempts(port):
    mine = [at(S, ("::1", port), X), at(D, ("::1", port), X)]
    for how, kind in (("connect", S), ("fastopen", S), ("connect", D), ("sendto", D)):
        what = how + (" tcp" if kind == S else " udp")
        reach(what + " :: from v4-mapped", X, kind, "::ffff:127.0.0.1", ("::", port), how)
        reach(what + " :: from v4-mapped wildcard", X, kind, "::ffff:0.0.0.0", ("::", port), how)
        reach(what + " 0.0.0.0", I, kind, "127.0.0.2", ("0.0.0.0", port), how)
        reach(what + " mapped 0.0.0.0", X, kind, "::ffff:127.0.0.2", ("::ffff:0.0.0.0", port), how)
    reach("IP_PKTINFO", I, D, "0.0.0.0", ("0.0.0.0", port), "source")
    del mine


if sys.argv[1] == "serve":
    serve(sys.argv[2])
attempts(int(sys.argv[2]))
