/* Any bytes as a PyTorch checkpoint. As they are; and, when they begin like a pickle, as the data.pkl of an archive with 16
 * storages, because checksums and the archive's own structure would stop most mutations of a whole file. Graphs that come out
 * are dumped, which visits all of them. */
#include <stdint.h>
#include <stdio.h>

#include "import/import.h"
#include "support/zip_make.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As tools/make_pt_seeds.py has them. */
enum { N_STORAGES = 16, STORAGE_BYTES = 4096 };

static void import_bytes(const uint8_t *bytes, size_t size) {
    static const yk__import_options choices[] = {{0}, {.end2end = true, .imgsz = {64, 96}}};
    yk__error err;
    yk__model model;
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        yk__text text = {0};
        if (yk__import_bytes(bytes, size, "fuzz.pt", NULL, &choices[i], &model, &err) != YK__OK) continue;
        yk__graph_dump(&model.graph, &text);
        yk__text_free(&text);
        yk__model_free(&model);
    }
}

static void import_pickle(const uint8_t *data, size_t size) {
    static uint16_t halves[STORAGE_BYTES / 2];
    static uint32_t crc;
    zip_make zip = {0};
    if (crc == 0) {
        for (int i = 0; i < STORAGE_BYTES / 2; i++) halves[i] = (uint16_t)(0x3000 + (i * 37 % 1024)); /* 0.125 .. 0.25 */
        crc = zip_make_crc((const uint8_t *)halves, sizeof halves);
    }
    zip_make_add(&zip, "x/data.pkl", data, size);
    for (int i = 0; i < N_STORAGES; i++) {
        char name[32];
        snprintf(name, sizeof name, "x/data/%d", i);
        zip_make_raw(&zip, name, 0, crc, halves, sizeof halves, sizeof halves);
    }
    zip_make_finish(&zip);
    import_bytes(zip.bytes, zip.n);
    zip_make_free(&zip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    import_bytes(data, size);
    if (size > 0 && data[0] == 0x80) import_pickle(data, size);
    return 0;
}
