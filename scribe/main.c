#include <stdio.h>

int main(void)
{
    puts("sentinel-scribe " VERSION);
    return 0;
}
