/* addrform: AF_UNSPEC means no address to an IPv6 socket and an address to an IPv4 one, and IPV6_ADDRFORM makes the one of the
 * other between the judging and the sending.
 *
 *   addrform serve       the outside: prints its UDP port, then a line for each packet that should not have come
 *   addrform try PORT    sends for three seconds to 127.0.0.2:PORT, on a socket that is connected to a server of its own
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef IPV6_ADDRFORM
#define IPV6_ADDRFORM 1
#endif

static int sock;
static volatile int go;
static int delay;

static void *convert(void *arg)
{
    int family = AF_INET;
    while (!go)
        ;
    for (volatile int i = 0; i < delay; i++)
        ;
    setsockopt(sock, IPPROTO_IPV6, IPV6_ADDRFORM, &family, sizeof family);
    return arg;
}

static int server(const char *ip, unsigned short *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof a;
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    inet_pton(AF_INET, ip, &a.sin_addr);
    if (bind(s, (struct sockaddr *)&a, sizeof a) || getsockname(s, (struct sockaddr *)&a, &len)) {
        perror("bind");
        exit(2);
    }
    *port = ntohs(a.sin_port);
    return s;
}

int main(int argc, char **argv)
{
    unsigned short port;
    char c;
    alarm(60);
    if (argc == 2) {
        int s = server("127.0.0.2", &port);
        printf("%d\n", port);
        fflush(stdout);
        while (recv(s, &c, 1, 0) == 1) {
            puts("came");
            fflush(stdout);
        }
        return 1;
    }
    server("127.0.0.1", &port);
    struct sockaddr_in6 mine = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &mine.sin6_addr);
    struct sockaddr_in other = {.sin_family = AF_UNSPEC, .sin_port = htons((unsigned short)atoi(argv[2]))};
    inet_pton(AF_INET, "127.0.0.2", &other.sin_addr);
    for (time_t end = time(NULL) + 3; time(NULL) < end;) {
        pthread_t t;
        sock = socket(AF_INET6, SOCK_DGRAM, 0);
        if (connect(sock, (struct sockaddr *)&mine, sizeof mine)) {
            perror("connect");
            return 2;
        }
        delay = rand() % 60000;
        go = 0;
        pthread_create(&t, NULL, convert, NULL);
        go = 1;
        sendto(sock, "x", 1, 0, (struct sockaddr *)&other, sizeof other);
        pthread_join(t, NULL);
        close(sock);
    }
    return 0;
}
