/* The pickle machine: what each opcode builds, and that nothing in a pickle makes it run code, hang, or take memory that the
 * pickle's size does not justify. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/clock.h"
#include "import/pickle.h"
#include "import/pt_globals.h"
#include "unit/pickle_make.h"

static pickle_make p;
static yk__pickle got;
static yk__error err;

static int tear_down(void **state) {
    (void)state;
    pickle_make_free(&p);
    yk__pickle_free(&got);
    return 0;
}

static yk__code read_it(void) {
    yk__pickle_free(&got);
    err = (yk__error){0};
    return yk__pickle_read(p.bytes, p.n, yk__pt_allow_global, &got, &err);
}

static void want_code(yk__code code, const char *part) {
    const yk__code was = read_it();
    if (was != code || (part && !strstr(err.message, part)))
        fail_msg("%d, \"%s\"; expected %d, \"%s\"", was, err.message, code, part ? part : "");
    if (code != YK__OK) {
        assert_null(got.values);
        assert_null(got.items);
    }
}

/* One value after the opcodes so far. */
static void want_kind(yk__py_kind kind) {
    p_op(&p, '.');
    want_code(YK__OK, NULL);
    assert_int_equal(yk__py_kind_of(&got, got.root), kind);
    assert_int_equal(got.size, p.n);
}

static void want_int(int64_t value) {
    int64_t read = 0;
    want_kind(YK__PY_INT);
    assert_true(yk__py_int(&got, got.root, &read));
    assert_int_equal(read, value);
}

static void test_numbers(void **state) {
    (void)state;
    double number;
    p_begin(&p), p_put(&p, "K\xff", 2), want_int(255);
    p_begin(&p), p_put(&p, "M\xff\xff", 3), want_int(65535);
    p_begin(&p), p_put(&p, "J\xff\xff\xff\xff", 5), want_int(-1);
    p_begin(&p), p_put(&p, "\x8a\x00", 2), want_int(0);
    p_begin(&p), p_put(&p, "\x8a\x01\x80", 3), want_int(-128);
    p_begin(&p), p_put(&p, "\x8a\x02\xff\x00", 4), want_int(255);
    p_begin(&p), p_put(&p, "\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80", 10), want_int(INT64_MIN);
    p_begin(&p), p_put(&p, "\x8b\x03\x00\x00\x00\x01\x02\x03", 8), want_int(0x030201);
    p_begin(&p), p_put(&p, "\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01", 11), want_kind(YK__PY_OTHER);
    p_begin(&p), p_float(&p, -0.001), want_kind(YK__PY_FLOAT);
    assert_true(yk__py_number(&got, got.root, &number) && number == -0.001);
    int64_t whole;
    p_begin(&p), p_float(&p, 3.0), want_kind(YK__PY_FLOAT);
    assert_true(yk__py_int(&got, got.root, &whole) && whole == 3);
    p_begin(&p), p_float(&p, 3.5), want_kind(YK__PY_FLOAT);
    assert_false(yk__py_int(&got, got.root, &whole));
    p_begin(&p), p_float(&p, 1e300), want_kind(YK__PY_FLOAT);
    assert_false(yk__py_int(&got, got.root, &whole));
    p_begin(&p), p_op(&p, 0x88), want_kind(YK__PY_BOOL);
    assert_true(yk__py_true(&got, got.root));
    p_begin(&p), p_op(&p, 0x89), want_kind(YK__PY_BOOL);
    assert_false(yk__py_true(&got, got.root));
    p_begin(&p), p_op(&p, 'N'), want_kind(YK__PY_NONE);
}

static void test_strings(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        yk__py_kind kind;
    } cases[] = {
        {"X\x02\x00\x00\x00hi", 7, YK__PY_STR},
        {"\x8c\x02hi", 4, YK__PY_STR},
        {"U\x02hi", 4, YK__PY_STR},
        {"T\x02\x00\x00\x00hi", 7, YK__PY_STR},
        {"B\x02\x00\x00\x00hi", 7, YK__PY_BYTES},
        {"C\x02hi", 4, YK__PY_BYTES},
        {"\x8d\x02\x00\x00\x00\x00\x00\x00\x00hi", 11, YK__PY_STR},
        {"\x8e\x02\x00\x00\x00\x00\x00\x00\x00hi", 11, YK__PY_BYTES},
        {"\x96\x02\x00\x00\x00\x00\x00\x00\x00hi", 11, YK__PY_BYTES},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        p_begin(&p);
        p_put(&p, cases[i].bytes, cases[i].n);
        want_kind(cases[i].kind);
        assert_int_equal(yk__py_at(&got, got.root)->length, 2);
        assert_memory_equal(yk__py_at(&got, got.root)->text, "hi", 2);
    }
    char small[3];
    p_begin(&p), p_str(&p, "a\nbc"), want_kind(YK__PY_STR);
    assert_string_equal(yk__py_show(&got, got.root, small, sizeof small), "a?");
    assert_true(yk__py_is(&got, got.root, "a\nbc"));
    assert_false(yk__py_is(&got, got.root, "a\nb"));
}

static void test_containers(void **state) {
    (void)state;
    int64_t value;
    p_begin(&p), p_ops(&p, "]("), p_int(&p, 1), p_int(&p, 2), p_op(&p, 'e'), p_int(&p, 3), p_op(&p, 'a');
    want_kind(YK__PY_LIST);
    assert_int_equal(yk__py_count(&got, got.root), 3);
    for (int i = 0; i < 3; i++) assert_true(yk__py_int(&got, yk__py_item(&got, got.root, i), &value) && value == i + 1);
    assert_int_equal(yk__py_item(&got, got.root, 3), YK__PY_ABSENT);
    assert_int_equal(yk__py_item(&got, got.root, -1), YK__PY_ABSENT);

    p_begin(&p), p_int(&p, 7), p_int(&p, 8), p_int(&p, 9), p_put(&p, "\x87", 1);
    want_kind(YK__PY_TUPLE);
    assert_int_equal(yk__py_count(&got, got.root), 3);

    /* the last of equal keys counts; SETITEM after SETITEMS moves the pool */
    p_begin(&p), p_ops(&p, "}("), p_str(&p, "k"), p_int(&p, 1), p_str(&p, "other"), p_int(&p, 2), p_op(&p, 'u');
    p_str(&p, "k"), p_int(&p, 3), p_op(&p, 's');
    want_kind(YK__PY_DICT);
    assert_int_equal(yk__py_count(&got, got.root), 3);
    assert_true(yk__py_int(&got, yk__py_get(&got, got.root, "k"), &value) && value == 3);
    assert_int_equal(yk__py_get(&got, got.root, "absent"), YK__PY_ABSENT);

    p_begin(&p), p_global(&p, "collections", "OrderedDict"), p_put(&p, ")R", 2);
    want_kind(YK__PY_DICT);
    p_begin(&p), p_global(&p, "collections", "OrderedDict"), p_ops(&p, "]]("), p_str(&p, "k"), p_int(&p, 4);
    p_put(&p, "ea\x85R", 4);
    want_kind(YK__PY_DICT);
    assert_true(yk__py_int(&got, yk__py_get(&got, got.root, "k"), &value) && value == 4);
    p_begin(&p), p_put(&p, "\x8f(K\x01K\x02\x90", 7);
    want_kind(YK__PY_LIST);
    p_begin(&p), p_put(&p, "(K\x01K\x02\x91", 6);
    want_kind(YK__PY_TUPLE);
    p_begin(&p), p_ops(&p, "("), p_str(&p, "k"), p_int(&p, 5), p_op(&p, 'd');
    want_kind(YK__PY_DICT);
}

/* Objects are records: class, arguments, state. */
static void test_objects(void **state) {
    (void)state;
    int64_t value;
    p_begin(&p), p_global(&p, "ultralytics.nn.modules.conv", "Conv"), p_put(&p, ")\x81}", 3);
    p_str(&p, "n"), p_int(&p, 5), p_ops(&p, "sb");
    want_kind(YK__PY_OBJECT);
    const yk__py_value *object = yk__py_at(&got, got.root);
    assert_true(yk__py_is_global(&got, object->class_of, "ultralytics.nn.modules.conv", "Conv"));
    assert_true(yk__py_int(&got, yk__py_get(&got, object->state, "n"), &value) && value == 5);
    /* of protocol 4 */
    p_begin(&p), p_put(&p, "\x8c\x05torch\x8c\x04Size\x93K\x01K\x02\x86\x85R", 21);
    want_kind(YK__PY_TUPLE);
    assert_int_equal(yk__py_count(&got, got.root), 2);
    /* a parameter is its tensor; a call of anything else is kept as what was asked for */
    p_begin(&p), p_global(&p, "torch._utils", "_rebuild_parameter"), p_put(&p, "K\x07\x88}\x87R", 6);
    want_int(7);
    p_begin(&p), p_global(&p, "__builtin__", "getattr"), p_put(&p, "K\x07\x85R", 4);
    want_kind(YK__PY_OBJECT);
    p_begin(&p), p_str(&p, "id"), p_op(&p, 'Q');
    want_kind(YK__PY_PERSISTENT);
    p_begin(&p), p_op(&p, '('), p_global(&p, "torch", "device"), p_str(&p, "cpu"), p_op(&p, 'o');
    want_kind(YK__PY_OBJECT);
    assert_int_equal(yk__py_count(&got, yk__py_at(&got, got.root)->args), 1);
    p_begin(&p), p_global(&p, "pathlib", "PosixPath"), p_put(&p, ")}\x92", 3);
    want_kind(YK__PY_OBJECT);
}

/* numpy.core.multiarray.scalar(dtype, bytes): the number. */
static void numpy_scalar(const char *dtype, const char *order, const char *bytes, size_t n) {
    p_begin(&p), p_global(&p, "numpy.core.multiarray", "scalar"), p_global(&p, "numpy", "dtype");
    p_str(&p, dtype), p_put(&p, "\x89\x88\x87R(K\x03", 7), p_str(&p, order), p_put(&p, "NNNtbC", 6), p_op(&p, (int)n);
    p_put(&p, bytes, n), p_put(&p, "\x86R", 2);
}

static void test_numpy(void **state) {
    (void)state;
    double number;
    numpy_scalar("i8", "<", "\xfe\xff\xff\xff\xff\xff\xff\xff", 8), want_int(-2);
    numpy_scalar("i2", "<", "\xfe\xff", 2), want_int(-2);
    numpy_scalar("u2", "<", "\xfe\xff", 2), want_int(0xfffe);
    numpy_scalar("b1", "|", "\x01", 1), want_kind(YK__PY_BOOL);
    numpy_scalar("f8", "<", "\0\0\0\0\0\0\xe0\x3f", 8), want_kind(YK__PY_FLOAT);
    assert_true(yk__py_number(&got, got.root, &number) && number == 0.5);
    numpy_scalar("f4", "<", "\0\0\0\x3f", 4), want_kind(YK__PY_FLOAT);
    assert_true(yk__py_number(&got, got.root, &number) && number == 0.5);
    numpy_scalar("f2", "<", "\0\x38", 2), want_kind(YK__PY_FLOAT);
    assert_true(yk__py_number(&got, got.root, &number) && number == 0.5);
    /* as protocol 2 writes bytes: characters of UTF-8 */
    p_begin(&p), p_global(&p, "numpy._core.multiarray", "scalar"), p_global(&p, "numpy", "dtype");
    p_str(&p, "i2"), p_put(&p, "\x89\x88\x87R", 4), p_global(&p, "_codecs", "encode");
    p_str(&p, "\xc3\xbe\xc3\xbf"), p_str(&p, "latin1"), p_put(&p, "\x86R\x86R", 4), want_int(-2);
    /* what is no number of this machine's stays what was asked for */
    numpy_scalar("i8", ">", "\0\0\0\0\0\0\0\1", 8), want_kind(YK__PY_OBJECT);
    numpy_scalar("i8", "<", "\1", 1), want_kind(YK__PY_OBJECT);
    numpy_scalar("M8", "<", "\0\0\0\0\0\0\0\1", 8), want_kind(YK__PY_OBJECT);
    numpy_scalar("u8", "<", "\xff\xff\xff\xff\xff\xff\xff\xff", 8), want_kind(YK__PY_OBJECT);
    numpy_scalar("i", "<", "\0\0\0\0", 4), want_kind(YK__PY_OBJECT);
    numpy_scalar("f4", "<", "", 0), want_kind(YK__PY_OBJECT);
}

static void test_memo(void **state) {
    (void)state;
    p_begin(&p),
        p_put(&p,
              "K\x09q\x05"
              "0h\x05",
              7),
        want_int(9);
    p_begin(&p),
        p_put(&p,
              "K\x09r\x05\x00\x00\x00"
              "0j\x05\x00\x00\x00",
              13),
        want_int(9);
    p_begin(&p),
        p_put(&p,
              "K\x08\x94K\x09\x94"
              "00h\x01",
              10),
        want_int(9);
    p_begin(&p), p_put(&p, "h\x00.", 3), want_code(YK__FORMAT, "never put into the memo");
    p_begin(&p), p_put(&p, "Nj\xff\xff\xff\xff.", 7), want_code(YK__FORMAT, "never put into the memo");
    /* a table of 4 G entries for 9 bytes */
    p_begin(&p), p_put(&p, "Nr\xff\xff\xff\xff.", 7), want_code(YK__FORMAT, "memo index");
    p_begin(&p), p_put(&p, "Nq\xff.", 4), want_code(YK__FORMAT, "memo index");
    p_begin(&p), p_put(&p, "q\x00N.", 4), want_code(YK__FORMAT, "more from the stack");
}

/* A list that holds itself, objects that hold each other. */
static void test_cycles(void **state) {
    (void)state;
    p_begin(&p), p_put(&p,
                       "]q\x00h\x00"
                       "a",
                       6);
    want_kind(YK__PY_LIST);
    assert_int_equal(yk__py_item(&got, got.root, 0), got.root);
    p_begin(&p), p_global(&p, "torch.nn", "A"), p_put(&p, ")\x81q\x00}", 5), p_str(&p, "me"), p_put(&p, "h\x00sb", 4);
    want_kind(YK__PY_OBJECT);
    assert_int_equal(yk__py_get(&got, yk__py_at(&got, got.root)->state, "me"), got.root);
}

static void fill(const char *ops, size_t times) {
    for (size_t i = 0; i < times; i++) p_ops(&p, ops);
}

/* Depth, sharing and counts cost what the bytes cost. */
static void test_bombs(void **state) {
    (void)state;
    const uint64_t start = yk__now_ns();
    enum { DEEP = 1000000 };
    p_begin(&p), fill("]", DEEP), fill("a", DEEP - 1), p_op(&p, '.');
    want_code(YK__OK, NULL); /* lists in lists, a million deep */
    p_begin(&p), fill("(", DEEP), fill("t", DEEP), p_op(&p, '.');
    want_code(YK__OK, NULL);
    p_begin(&p), p_op(&p, ')'), fill("2\x86", DEEP), p_op(&p, '.');
    want_code(YK__OK, NULL); /* 2^1000000 leaves for whoever walks it as a tree */
    assert_true(got.n_values < DEEP + 8);
    /* values of no size, which cost nothing in the table: the stack and containers have bounds of their own */
    p_begin(&p), fill("N", YK__PICKLE_MAX_VALUES + 1), p_op(&p, '.');
    want_code(YK__LIMIT, "stack");
    p_begin(&p), fill("(", YK__PICKLE_MAX_VALUES + 1), p_op(&p, '.');
    want_code(YK__LIMIT, "marks");
    p_begin(&p), p_op(&p, ']'), fill("Na", 3 * YK__PICKLE_MAX_VALUES), p_op(&p, '.');
    want_code(YK__LIMIT, "containers");
    p_begin(&p), fill("}", YK__PICKLE_MAX_VALUES + 1), p_op(&p, '.');
    want_code(YK__LIMIT, "values");
    /* a list that grows one by one between others, so that it moves each time it doubles */
    p_begin(&p), p_put(&p, "]q\x00", 3);
    for (int i = 0; i < 100000; i++) p_put(&p, "Na]Na0", 6);
    p_op(&p, '.');
    want_code(YK__OK, NULL);
    assert_int_equal(yk__py_count(&got, got.root), 100000);
    assert_true((size_t)got.items_capacity < 4 * p.n);
    assert_true(yk__now_ns() - start < 20000000000u); /* 0.3 s on a fast machine; minutes when something is quadratic */
}

static void test_nonsense(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        yk__code code;
        const char *part;
    } cases[] = {
        {"", 0, YK__TRUNCATED, "without its last opcode"},
        {".", 1, YK__FORMAT, "one value"},
        {"NN.", 3, YK__FORMAT, "one value"},
        {"(N.", 3, YK__FORMAT, "one value"},
        {"\x85.", 2, YK__FORMAT, "more from the stack"},
        {"N(\x85.", 4, YK__FORMAT, "more from the stack"}, /* what lies under a mark is not there */
        {"](Na.", 5, YK__FORMAT, "more from the stack"},
        {"t.", 2, YK__FORMAT, "mark"},
        {"N(e.", 4, YK__FORMAT, "no container"},
        {"N(NNu.", 6, YK__FORMAT, "no container"},
        {"}(NNNu.", 7, YK__FORMAT, "key without a value"},
        {"(NNNd.", 6, YK__FORMAT, "key without a value"},
        {"(o.", 3, YK__FORMAT, "without a class"},
        {"NNR.", 4, YK__FORMAT, "tuple of arguments"},
        {"NN\x93.", 4, YK__FORMAT, "no string"},
        {"\xff.", 2, YK__FORMAT, "no such opcode"},
        {"\x82\x01.", 3, YK__FORMAT, "no such opcode"}, /* EXT1: a registry of the process that wrote it */
        {"\x97.", 2, YK__FORMAT, "no such opcode"},     /* NEXT_BUFFER: bytes from outside */
        {"I1\n.", 4, YK__UNSUPPORTED, "protocol 0"},
        {"\x80\x06N.", 4, YK__UNSUPPORTED, "protocol 6"},
        {"\x80\x01N.", 4, YK__UNSUPPORTED, "protocol 1"},
        {"X\xff\xff\xff\xffhi.", 8, YK__TRUNCATED, "ends inside"},
        {"\x8d\xff\xff\xff\xff\xff\xff\xff\xffhi.", 12, YK__TRUNCATED, "ends inside"},
        {"\x95\xff\x00\x00\x00\x00\x00\x00\x00N.", 11, YK__TRUNCATED, "frame"},
        {"\x8b\xff\xff\xff\xff\x01.", 7, YK__TRUNCATED, "ends inside"},
        {"ctorch\nSize", 11, YK__TRUNCATED, "name of a class"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        p_begin(&p);
        p_put(&p, cases[i].bytes, cases[i].n);
        want_code(cases[i].code, cases[i].part);
    }
    char name[300];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    p_begin(&p), p_global(&p, name, "x"), p_op(&p, '.'), want_code(YK__FORMAT, "255 bytes");
    p_begin(&p), p_put(&p, "ctorch\0\nSize\n.", 15), want_code(YK__FORMAT, "NUL");
}

/* Names that exist to run code, in both spellings, are refused and named; what models hold is not. */
static void test_globals(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"os", "system"},
        {"posix", "system"},
        {"nt", "system"},
        {"subprocess", "Popen"},
        {"builtins", "eval"},
        {"__builtin__", "exec"},
        {"builtins", "__import__"},
        {"builtins", "compile"},
        {"builtins", "open"},
        {"runpy", "_run_code"},
        {"torch.hub", "load"},
        {"torch.storage", "_load_from_bytes"},
        {"torch", "load"},
        {"numpy.testing._private.utils", "runstring"},
        {"pickle", "loads"},
        {"torch.utils.collect_env", "run"},
        {"importlib", "import_module"},
        {"operator", "attrgetter"},
        {"ctypes", "CDLL"},
        {"types", "CodeType"},
        {"os.path", "join"},
        {"urllib.request", "urlopen"},
        {"asyncio", "run"},
        {"torch.utils.cpp_extension", "load"},
        {"ultralytics.utils.downloads", "download"},
        {"pathlib", "os.system"}, /* a name is a path: pathlib imports os */
        {"torch", "_os.system"},
        {"numpy", "sys"},
        {"random", "_os.system"},
        {"torch", "hub"}, /* the module itself, for getattr */
        {"collections", "abc.__loader__"},
        {"ultralytics.nn.tasks", "checks.subprocess.run"},
        {"ultralytics.utils.checks", "check_requirements"},
        {"torch.fx.graph_module", "reduce_graph_module"},
    };
    static const char *const good[][2] = {
        {"ultralytics.nn.tasks", "DetectionModel"},
        {"torch.nn.modules.conv", "Conv2d"},
        {"models.yolo", "Model"},
        {"collections", "OrderedDict"},
        {"__builtin__", "set"},
        {"pathlib", "WindowsPath"},
        {"argparse", "Namespace"},
        {"numpy.core.multiarray", "scalar"},
        {"_codecs", "encode"},
        {"torch", "float16"},
        {"builtins", "getattr"},
        {"torchvision.transforms.functional", "InterpolationMode"},
        {"ultralytics.yolo.utils", "IterableSimpleNamespace"},
        {"copyreg", "_reconstructor"},
        {"functools", "partial"},
        {"datetime", "datetime"},
        {"__builtin__", "len"},
        {"numpy.random._pickle", "__randomstate_ctor"},
        {"torch._dynamo.eval_frame", "OptimizedModule"},
        {"albumentations.augmentations.blur.transforms", "Blur"},
        {"torchvision.ops.misc", "Outer.Inner"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char full[128];
        snprintf(full, sizeof full, "%s.%s, which runs code", bad[i][0], bad[i][1]);
        p_begin(&p), p_global(&p, bad[i][0], bad[i][1]), p_put(&p, "X\x02\x00\x00\x00ls\x85R.", 10);
        want_code(YK__UNSUPPORTED, full);
        p_begin(&p), p_str(&p, bad[i][0]), p_str(&p, bad[i][1]), p_put(&p, "\x93)R.", 4);
        want_code(YK__UNSUPPORTED, full);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        p_begin(&p), p_global(&p, good[i][0], good[i][1]), p_op(&p, '.');
        want_code(YK__OK, NULL);
    }
    p_begin(&p), p_global(&p, "super_gradients.training", "X"), p_op(&p, '.'), want_code(YK__UNSUPPORTED, "YOLO-NAS");
    p_begin(&p), p_global(&p, "my_things", "Thing"), p_op(&p, '.'), want_code(YK__UNSUPPORTED, "my_things.Thing");
    p_begin(&p), p_global(&p, "torchy", "Thing"), p_op(&p, '.'), want_code(YK__UNSUPPORTED, "torchy.Thing");
}

/* A pickle cut anywhere is not one, and never reads outside (the copy is exactly as long as what is left). */
static void test_cuts(void **state) {
    (void)state;
    static const int size[] = {2, 3}, stride[] = {3, 1};
    p_begin(&p);
    p_ops(&p, "}("), p_str(&p, "model"), p_global(&p, "ultralytics.nn.tasks", "DetectionModel"), p_put(&p, ")\x81q\x00}(", 6);
    p_str(&p, "w"), p_tensor(&p, "HalfStorage", "0", 6, 0, size, stride, 2);
    p_str(&p, "eps"), p_float(&p, 1e-3), p_str(&p, "me"), p_put(&p, "h\x00ub", 4);
    p_str(&p, "n"), p_put(&p, "M\x01\x02\x8a\x02\x01\x02\x86u.", 10);
    want_code(YK__OK, NULL);
    yk__pickle_free(&got);
    for (size_t n = 0; n < p.n; n++) {
        uint8_t *const cut = malloc(n + 1);
        assert_non_null(cut);
        memcpy(cut, p.bytes, n);
        uint8_t *const exact = realloc(cut, n ? n : 1);
        const yk__code code = yk__pickle_read(exact, n, yk__pt_allow_global, &got, &err);
        if (code != YK__TRUNCATED && code != YK__UNSUPPORTED && code != YK__FORMAT) fail_msg("cut at %zu: %d", n, code);
        free(exact);
    }
}

/* Without memory, at any point, it says so and leaves nothing behind. */
static void test_no_memory(void **state) {
    (void)state;
    p_begin(&p), p_ops(&p, "(");
    for (int i = 0; i < 600; i++) p_put(&p, "]Na", 3);
    p_put(&p, "tq\x00.", 4);
    for (uint64_t n = 1; n < 40; n++) {
        yk__alloc_fail_after(n);
        const yk__code code = read_it();
        yk__alloc_fail_after(0);
        if (code == YK__OK) return;
        assert_int_equal(code, YK__MEMORY);
    }
    fail_msg("it allocates more often than it should");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_strings), cmocka_unit_test(test_containers),
        cmocka_unit_test(test_objects), cmocka_unit_test(test_numpy),   cmocka_unit_test(test_memo),
        cmocka_unit_test(test_cycles),  cmocka_unit_test(test_bombs),   cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_globals), cmocka_unit_test(test_cuts),    cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
