/* Counting processors. Files of /proc and /sys are read as hints: whatever is missing or odd in them counts as "no bound",
 * never as an error. */
#include "base/cpu_count.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096
/* The largest NR_CPUS that Linux can be configured with on any machine yolk runs on. */
#define MAX_PROCESSORS 8192

/* ---- affinity and cores ---- */

typedef struct processor_set {
    unsigned long words[MAX_PROCESSORS / (8 * sizeof(unsigned long))];
} processor_set;

static bool in_set(const processor_set *set, int cpu) {
    const int bits = 8 * (int)sizeof(unsigned long);
    return (set->words[cpu / bits] >> (cpu % bits)) & 1;
}

/* First number of a sysfs list such as "3,7" or "2-3"; -1 when the file cannot be read. */
static int first_in_list(const char *path) {
    FILE *const file = fopen(path, "re");
    if (file == NULL) return -1;
    char line[32];
    const bool read = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    return read && line[0] >= '0' && line[0] <= '9' ? atoi(line) : -1;
}

/* The lowest-numbered hardware thread of the core that this one belongs to; the thread itself when not known. */
static int core_leader(const char *root, int cpu) {
    char path[PATH_BYTES];
    if (snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", root, cpu) >=
        (int)sizeof path)
        return cpu;
    const int leader = first_in_list(path);
    return leader >= 0 && leader < MAX_PROCESSORS ? leader : cpu;
}

int yk__cpu_cores(const char *root, const int *cpus, int n) {
    processor_set leaders = {0};
    const int bits = 8 * (int)sizeof(unsigned long);
    int n_cores = 0;
    for (int i = 0; i < n; i++) {
        const int leader = core_leader(root, cpus[i]);
        if (!in_set(&leaders, leader)) n_cores++;
        leaders.words[leader / bits] |= 1ul << (leader % bits);
    }
    return n_cores;
}

static void count_allowed(int *n_logical, int *n_physical) {
    processor_set allowed = {0};
    int cpus[MAX_PROCESSORS], n = 0;
    if (sched_getaffinity(0, sizeof allowed, (cpu_set_t *)(void *)&allowed) != 0) {
        const long online = sysconf(_SC_NPROCESSORS_ONLN);
        *n_logical = *n_physical = online > 0 && online <= MAX_PROCESSORS ? (int)online : 1;
        return;
    }
    for (int cpu = 0; cpu < MAX_PROCESSORS; cpu++)
        if (in_set(&allowed, cpu)) cpus[n++] = cpu;
    *n_logical = n;
    *n_physical = yk__cpu_cores("", cpus, n);
}

/* ---- cgroup quota ----
 * A group may be bound itself or through any group above it, so all levels from the process's group up to the mount point
 * are asked and the smallest answer counts. */

typedef struct hierarchy {
    bool v2;
    char mount[PATH_BYTES];      /* where it is mounted */
    char mount_root[PATH_BYTES]; /* which group the mount point shows (not "/" in some containers) */
} hierarchy;

/* Whether a comma-separated list holds the word. */
static bool has_word(const char *list, const char *word) {
    const size_t n = strlen(word);
    for (const char *at = list; at != NULL && *at != '\0'; at = strchr(at, ',')) {
        if (*at == ',') at++;
        if (strncmp(at, word, n) == 0 && (at[n] == ',' || at[n] == '\0' || at[n] == '\n')) return true;
    }
    return false;
}

/* One line of /proc/self/mountinfo (proc(5)): "id parent dev root mount options [tags...] - type source superoptions". */
static bool parse_mount(char *line, hierarchy *out) {
    char *const dash = strstr(line, " - ");
    char type[32], super[1024];
    if (dash == NULL) return false;
    *dash = '\0';
    if (sscanf(line, "%*s %*s %*s %4095s %4095s", out->mount_root, out->mount) != 2) return false;
    if (sscanf(dash + 3, "%31s %*s %1023s", type, super) != 2) return false;
    out->v2 = strcmp(type, "cgroup2") == 0;
    return out->v2 || (strcmp(type, "cgroup") == 0 && has_word(super, "cpu"));
}

/* The group of this process in that hierarchy, from /proc/self/cgroup: "0::/path" (v2), "4:cpu,cpuacct:/path" (v1). */
static bool find_group(const char *root, bool v2, char group[PATH_BYTES]) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *const file = fopen(path, "re");
    if (file == NULL) return false;
    char *line = NULL;
    size_t capacity = 0;
    bool found = false;
    while (!found && getline(&line, &capacity, file) > 0) {
        char *const controllers = strchr(line, ':');
        char *const where = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (where == NULL) continue;
        *where = '\0';
        found = v2 ? strncmp(line, "0:", 2) == 0 && controllers[1] == '\0' : has_word(controllers + 1, "cpu");
        if (found) snprintf(group, PATH_BYTES, "%.*s", (int)strcspn(where + 1, "\n"), where + 1);
    }
    free(line);
    fclose(file);
    return found;
}

static bool read_numbers(const char *folder, const char *name, long long *first, long long *second) {
    char path[PATH_BYTES + 64];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) return false;
    FILE *const file = fopen(path, "re");
    if (file == NULL) return false;
    const int wanted = second != NULL ? 2 : 1;
    long long ignored;
    const bool read = fscanf(file, "%lld %lld", first, second != NULL ? second : &ignored) >= wanted;
    fclose(file);
    return read;
}

/* Processors granted at one level, 0 for no bound ("max", -1, or no such file). Rounded down: a thread too many makes the
 * kernel stop all of them for the rest of each period, which costs far more than the idle fraction of a processor. */
static int quota_of_level(const char *folder, bool v2) {
    long long quota = 0, period = 0;
    const bool known =
        v2 ? read_numbers(folder, "cpu.max", &quota, &period)
           : read_numbers(folder, "cpu.cfs_quota_us", &quota, NULL) && read_numbers(folder, "cpu.cfs_period_us", &period, NULL);
    if (!known || quota <= 0 || period <= 0) return 0;
    const long long whole = quota / period;
    return whole < 1 ? 1 : whole > INT_MAX ? INT_MAX : (int)whole;
}

static int smaller_bound(int a, int b) {
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static int quota_of_hierarchy(const char *root, const hierarchy *tree) {
    char group[PATH_BYTES], folder[3 * PATH_BYTES];
    if (!find_group(root, tree->v2, group)) return 0;
    const size_t skip = strlen(tree->mount_root);
    const bool below = skip > 1 && strncmp(group, tree->mount_root, skip) == 0 && (group[skip] == '/' || group[skip] == '\0');
    const int base = snprintf(folder, sizeof folder, "%s%s", root, tree->mount);
    snprintf(folder + base, sizeof folder - (size_t)base, "%s", below ? group + skip : group);
    for (int bound = 0;;) {
        bound = smaller_bound(bound, quota_of_level(folder, tree->v2));
        char *const slash = strrchr(folder, '/');
        if (slash == NULL || slash < folder + base) return bound;
        *slash = '\0';
    }
}

int yk__cpu_quota(const char *root) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/proc/self/mountinfo", root);
    FILE *const file = fopen(path, "re");
    if (file == NULL) return 0;
    char *line = NULL;
    size_t capacity = 0;
    int bound = 0;
    hierarchy tree;
    while (getline(&line, &capacity, file) > 0)
        if (parse_mount(line, &tree)) bound = smaller_bound(bound, quota_of_hierarchy(root, &tree));
    free(line);
    fclose(file);
    return bound;
}

void yk__cpu_count(int *n_logical, int *n_physical) {
    count_allowed(n_logical, n_physical);
    const int quota = yk__cpu_quota("");
    if (quota > 0 && quota < *n_logical) *n_logical = quota;
    if (quota > 0 && quota < *n_physical) *n_physical = quota;
}
