#include <stdio.h>

int main(void)
{
    puts("sentinel-notifier " VERSION);
    return 0;
}
