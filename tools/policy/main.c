#include <stdio.h>

int main(void)
{
    puts("sentinel-policy " VERSION);
    return 0;
}
