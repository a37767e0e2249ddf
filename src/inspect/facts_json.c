/* One value of jansson becomes one fact. */
#include "inspect/facts_json.h"

void yk__fact_json(yk__report *report, yk__fact *parent, const char *name, const json_t *value, int depth) {
    if (json_is_string(value)) yk__fact_text(report, parent, name, json_string_value(value));
    if (json_is_integer(value)) yk__fact_int(report, parent, name, json_integer_value(value));
    if (json_is_real(value)) yk__fact_real(report, parent, name, json_real_value(value));
    if (json_is_boolean(value)) yk__fact_bool(report, parent, name, json_is_true(value));
    if (json_is_null(value)) yk__fact_null(report, parent, name);
    if (json_is_array(value) && depth > 0) {
        yk__fact *list = yk__fact_list(report, parent, name);
        for (size_t i = 0; list && i < json_array_size(value); i++)
            yk__fact_json(report, list, NULL, json_array_get(value, i), depth - 1);
    }
    if (json_is_object(value) && depth > 0) {
        yk__fact *object = yk__fact_object(report, parent, name);
        json_t *members = (json_t *)(uintptr_t)value; /* jansson's iterators take no const */
        for (void *at = object ? json_object_iter(members) : NULL; at; at = json_object_iter_next(members, at))
            yk__fact_json(report, object, json_object_iter_key(at), json_object_iter_value(at), depth - 1);
    }
}
