/* The table behind serialization.h. */
#include "inspect/serialization.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct entry {
    int number, oldest, newest; /* releases as major * 100 + minor */
    const char *hint;
} entry;

static const entry known[] = {{43, 800, 800, "8.0"}, /* the safe runtime's number, of some 8.0-era builds for Jetson */
                              {96, 700, 702, "7.x"}, /* these two as well */
                              {97, 700, 702, "7.x"},
                              {205, 802, 802, "8.2"},
                              {211, 701, 701, "7.1"},
                              {213, 804, 804, "8.4"},
                              {226, 900, 999, "9.x"},
                              {228, 900, 999, "9.x"},
                              {232, 805, 805, "8.5"},
                              {236, 806, 806, "8.6"},
                              {237, 805, 1000, "10.0 (or the early access of 8.5)"},
                              {239, 1003, 1009, "10.3 to 10.9"},
                              {240, 1011, 1016, "10.11 to 10.16"},
                              {243, 1102, 1102, "11.2"},
                              {244, 1103, 1103, "11.3"}};

static const entry *find(int number) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].number == number) return &known[i];
    return NULL;
}

const char *yk__serialization_hint(int number) {
    const entry *e = find(number);
    return e ? e->hint : NULL;
}

int yk__serialization_compare(int a, int b) {
    const entry *x = find(a), *y = find(b);
    if (!x || !y) return 0;
    return x->oldest > y->newest ? 1 : x->newest < y->oldest ? -1 : 0;
}

int yk__serialization_of(int release) {
    int number = -1;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const entry *e = &known[i];
        const bool safe = e->number < 100;                      /* of the safe runtime */
        const int oldest = e->number == 237 ? 1000 : e->oldest; /* an early access of 8.5 is no release */
        if (safe || release < oldest || release > e->newest) continue;
        if (number >= 0) return -1;
        number = e->number;
    }
    return number;
}
