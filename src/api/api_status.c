/* Errors and option structs on their way across the public border. */
#include "api/api.h"

#include "base/version.h"

#include <stdio.h>
#include <string.h>

#define X(name, number, text) _Static_assert(YK__##name == (number), "internal status numbers are frozen");
YK__CODE_LIST(X)
#undef X
_Static_assert(YK_OK == (int)YK__OK && YK_ERROR_ARGUMENT == (int)YK__ARGUMENT && YK_ERROR_NOT_FOUND == (int)YK__NOT_FOUND &&
                   YK_ERROR_IO == (int)YK__IO && YK_ERROR_FORMAT == (int)YK__FORMAT &&
                   YK_ERROR_TRUNCATED == (int)YK__TRUNCATED && YK_ERROR_CHECKSUM == (int)YK__CHECKSUM &&
                   YK_ERROR_VERSION == (int)YK__VERSION && YK_ERROR_LIMIT == (int)YK__LIMIT &&
                   YK_ERROR_GRAPH == (int)YK__GRAPH && YK_ERROR_SHAPE == (int)YK__SHAPE &&
                   YK_ERROR_UNSUPPORTED == (int)YK__UNSUPPORTED && YK_ERROR_AMBIGUOUS == (int)YK__AMBIGUOUS &&
                   YK_ERROR_MEMORY == (int)YK__MEMORY && YK_ERROR_DEVICE == (int)YK__DEVICE &&
                   YK_ERROR_IMAGE == (int)YK__IMAGE && YK_ERROR_IMAGE_LIMIT == (int)YK__IMAGE_LIMIT &&
                   YK_ERROR_INTERNAL == (int)YK__INTERNAL,
               "public and internal status numbers are the same");

yk_status yk__api_status(yk_error *to, yk__code code, const yk__error *from) {
    if (to) {
        to->status = (yk_status)code;
        snprintf(to->message, sizeof to->message, "%s", code == YK__OK ? "" : from->message);
    }
    return (yk_status)code;
}

yk_status yk__api_fail(yk_error *to, yk_status status, const char *format, ...) {
    yk__error error = {0};
    va_list args;
    va_start(args, format);
    yk__fail_v(&error, (yk__code)status, format, args);
    va_end(args);
    return yk__api_status(to, (yk__code)status, &error);
}

void yk__api_options(void *ours, size_t our_size, const void *options, size_t first_size) {
    memset(ours, 0, our_size);
    if (!options) return;
    size_t size = *(const size_t *)options;
    if (size == 0) size = first_size;
    memcpy(ours, options, size < our_size ? size : our_size);
}

const char *yk_version(void) {
    return YK__VERSION_STRING;
}

const char *yk_status_name(yk_status status) {
    return yk__code_name((yk__code)status);
}

yk_status yk__api_hand_over(yk__text *text, char **out, yk_error *error) {
    *out = text->failed ? NULL : text->data ? text->data : yk__strdup("");
    if (*out) return YK_OK;
    yk__text_free(text);
    return yk__api_fail(error, YK_ERROR_MEMORY, "out of memory for the text of a result");
}

void yk_text_destroy(char **text) {
    if (!text) return;
    yk__free(*text);
    *text = NULL;
}
