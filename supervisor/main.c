#include <stdio.h>

int main(void)
{
    puts("sentinel-watch " VERSION);
    return 0;
}
