/* Bounded parsing of JSON and typed access to it. What the members mean is the callers'. */
#include "engine/json_read.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "engine/engine_format.h"

/* Each value but the first follows one of these bytes; jansson takes 24 to 64 bytes for a number or a string, 110 for a list,
 * 250 for an object. Bytes inside strings count too: this is a bound. */
size_t yk__json_weight(const uint8_t *bytes, size_t n) {
    static const uint8_t costs[256] = {[','] = 1, [':'] = 1, ['['] = 2, ['{'] = 4};
    size_t weight = 1;
    for (size_t i = 0; i < n; i++) weight += costs[bytes[i]];
    return weight;
}

yk__code yk__json_parse(const uint8_t *bytes, size_t n, const char *what, json_t **out, yk__error *err) {
    return yk__json_parse_within(bytes, n, YK__ENGINE_MAX_JSON_WEIGHT, what, out, err);
}

yk__code yk__json_parse_within(const uint8_t *bytes, size_t n, size_t max_weight, const char *what, json_t **out,
                               yk__error *err) {
    json_error_t error;
    *out = NULL;
    if (n > YK__ENGINE_MAX_JSON_BYTES)
        return yk__fail(err, YK__LIMIT, "%s: %zu bytes of JSON; at most %u are read", what, n, YK__ENGINE_MAX_JSON_BYTES);
    size_t weight = yk__json_weight(bytes, n);
    if (weight > max_weight)
        return yk__fail(err, YK__LIMIT, "%s: JSON with up to %zu items; at most %zu are read", what, weight, max_weight);
    *out = json_loadb((const char *)bytes, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (*out) return YK__OK;
    if (json_error_code(&error) == json_error_out_of_memory)
        return yk__fail(err, YK__MEMORY, "%s: out of memory for %zu bytes of JSON", what, n);
    if (json_error_code(&error) == json_error_stack_overflow)
        return yk__fail(err, YK__LIMIT, "%s: the JSON is nested too deeply (line %d)", what, error.line);
    return yk__fail(err, YK__FORMAT, "%s: not JSON at line %d, column %d (byte %d): %s", what, error.line, error.column,
                    error.position, error.text);
}

static yk__code missing(const json_t *member, const char *key, const char *wanted, const char *where, yk__error *err) {
    return yk__fail(err, YK__FORMAT, "%s: \"%s\" %s; it must be %s", where, key, member ? "is of another type" : "is missing",
                    wanted);
}

yk__code yk__json_get_int(const json_t *object, const char *key, int64_t low, int64_t high, const char *where, int64_t *out,
                          yk__error *err) {
    const json_t *member = json_object_get(object, key);
    if (!json_is_integer(member)) return missing(member, key, "an integer", where, err);
    int64_t number = json_integer_value(member);
    if (number < low || number > high)
        return yk__fail(err, YK__FORMAT, "%s: \"%s\" is %" PRId64 ", outside %" PRId64 "..%" PRId64, where, key, number, low,
                        high);
    *out = number;
    return YK__OK;
}

bool yk__json_number(const json_t *value, double *out) {
    static const struct {
        const char *text;
        double number;
    } words[] = {{"inf", (double)INFINITY}, {"-inf", -(double)INFINITY}, {"nan", (double)NAN}};
    if (json_is_number(value)) {
        *out = json_number_value(value);
        return true;
    }
    for (size_t i = 0; json_is_string(value) && i < sizeof words / sizeof *words; i++) {
        if (strcmp(json_string_value(value), words[i].text) != 0) continue;
        *out = words[i].number;
        return true;
    }
    return false;
}

yk__code yk__json_get_real(const json_t *object, const char *key, const char *where, double *out, yk__error *err) {
    const json_t *member = json_object_get(object, key);
    return yk__json_number(member, out) ? YK__OK : missing(member, key, "a number", where, err);
}

yk__code yk__json_get_bool(const json_t *object, const char *key, const char *where, bool *out, yk__error *err) {
    const json_t *member = json_object_get(object, key);
    if (!json_is_boolean(member)) return missing(member, key, "true or false", where, err);
    *out = json_is_true(member);
    return YK__OK;
}

yk__code yk__json_get_string(const json_t *object, const char *key, const char *where, const char **out, yk__error *err) {
    const json_t *member = json_object_get(object, key);
    if (!json_is_string(member)) return missing(member, key, "a string", where, err);
    *out = json_string_value(member);
    return YK__OK;
}

yk__code yk__json_get_array(const json_t *object, const char *key, size_t max, const char *where, const json_t **out,
                            yk__error *err) {
    const json_t *member = json_object_get(object, key);
    if (!json_is_array(member)) return missing(member, key, "a list", where, err);
    if (json_array_size(member) > max)
        return yk__fail(err, YK__LIMIT, "%s: \"%s\" has %zu items; at most %zu are allowed", where, key,
                        json_array_size(member), max);
    *out = member;
    return YK__OK;
}
