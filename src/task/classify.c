/* Top-k by insertion: k is 5. */
#include "task/classify.h"

#include <math.h>

int yk__classify_top(const float *probs, int32_t n, int32_t *top, int k) {
    int count = 0;
    for (int32_t i = 0; i < n; i++) {
        float p = isnan(probs[i]) ? -INFINITY : probs[i];
        int at = count;
        while (at > 0 && (isnan(probs[top[at - 1]]) ? -INFINITY : probs[top[at - 1]]) < p) at--;
        if (at >= k) continue;
        if (count < k) count++;
        for (int j = count - 1; j > at; j--) top[j] = top[j - 1];
        top[at] = i;
    }
    return count;
}
