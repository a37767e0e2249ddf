/* The table behind serialization.h. */
#include "inspect/serialization.h"

#include <stddef.h>

static const struct {
    int number, release;
    const char *hint;
} known[] = {{43, 800, "8.0"}, /* safe runtime's number, of some 8.0-era builds for Jetson */
             {96, 700, "7.x"}, /* these two as well */
             {97, 700, "7.x"},
             {205, 802, "8.2"},
             {211, 701, "7.1"},
             {213, 804, "8.4"},
             {226, 900, "9.x"},
             {228, 900, "9.x"},
             {232, 805, "8.5"},
             {236, 806, "8.6"},
             {237, 0, "10.0 (or the early access of 8.5)"},
             {239, 1003, "10.3 to 10.9"},
             {240, 1011, "10.11 to 10.16"},
             {243, 1102, "11.2"},
             {244, 1103, "11.3"}};

const char *yk__serialization_hint(int number) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].number == number) return known[i].hint;
    return NULL;
}

int yk__serialization_release(int number) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].number == number) return known[i].release;
    return 0;
}
