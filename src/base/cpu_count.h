/* How many processors this process may use: affinity, cores behind hyper-threads, and the cgroup's time quota. */
#ifndef YK_BASE_CPU_COUNT_H
#define YK_BASE_CPU_COUNT_H

/* Processors in this thread's affinity mask and the distinct cores among them, both at least 1, both at most the quota. */
void yk__cpu_count(int *n_logical, int *n_physical);

/* Distinct cores among n processors (numbers as the kernel counts them), from the topology under `root`; a processor that is
 * not described there is a core of its own. */
int yk__cpu_cores(const char *root, const int *cpus, int n);

/* Whole processors of time that the cgroup (v1 or v2) of this process grants, at least 1; 0 when it sets no bound. Files
 * are looked for under `root` ("" for the real ones; tests bring their own tree). */
int yk__cpu_quota(const char *root);

#endif
