#!/usr/bin/env python3
"""Writes the seeds of fuzz/fuzz_pt and of tests/unit/test_pt_models: tiny checkpoints of our own, in the layout that torch.save writes.

    python tools/make_pt_seeds.py [FOLDER]     (default fuzz/seeds/fuzz_pt; standard library only)

NAME.pt is a whole archive. NAME.pkl is a pickle alone whose tensors lie in the 16 storages that the fuzz target puts around it: there
mutations are not stopped by checksums. The files are committed; the same Python writes the same bytes."""
import collections
import io
import pickle
import random
import struct
import sys
import types
import zipfile
from pathlib import Path

OrderedDict = collections.OrderedDict


# ---- stand-ins: classes and functions that exist only as names ------------------------------------------------------------

def place(module, name, thing):
    parts = module.split(".")
    for i in range(1, len(parts) + 1):
        path = ".".join(parts[:i])
        if path not in made_modules:
            made_modules[path] = sys.modules[path] = types.ModuleType(path)
    thing.__module__, thing.__qualname__, thing.__name__ = module, name, name
    setattr(sys.modules[module], name, thing)
    return thing


def named(path, thing=None):
    module, _, name = path.rpartition(".")
    if path not in known:
        known[path] = place(module, name, thing or type(name, (), {}))
    return known[path]


made_modules, known = {}, {}
rebuild = named("torch._utils._rebuild_tensor_v2", lambda *a: None)
parameter = named("torch._utils._rebuild_parameter", lambda *a: None)
STORAGES = {"half": ("torch.HalfStorage", "e"), "float": ("torch.FloatStorage", "f"), "double": ("torch.DoubleStorage", "d"),
            "long": ("torch.LongStorage", "q")}


def obj(path, **state):
    made = object.__new__(named(path))
    made.__dict__.update(state)
    return made


class Storage:
    def __init__(self, key, kind, n):
        self.id = ("storage", named(STORAGES[kind][0]), key, "cpu", n)


class Tensor:
    def __init__(self, storage, offset, shape):
        self.args = (storage, offset, tuple(shape), strides(shape), False, OrderedDict())

    def __reduce_ex__(self, protocol):
        return rebuild, self.args


class Parameter:
    def __init__(self, data):
        self.data = data

    def __reduce_ex__(self, protocol):
        return parameter, (self.data, False, OrderedDict())


def strides(shape):
    out, step = [], 1
    for n in reversed(shape):
        out.insert(0, step)
        step *= n
    return tuple(out)


class Pickler(pickle.Pickler):
    def persistent_id(self, thing):
        return thing.id if isinstance(thing, Storage) else None


# ---- tensors --------------------------------------------------------------------------------------------------------------

class Weights:
    """Where tensors come from: storages of their own, or views of 16 shared ones of 2048 halves."""
    SHARED, ELEMENTS = 16, 2048

    def __init__(self, shared, seed):
        self.shared, self.files, self.random, self.n = shared, {}, random.Random(seed), 0

    def tensor(self, *shape, low=-1.0, high=1.0, kind="half", values=None):
        count = 1
        for n in shape:
            count *= n
        self.n += 1
        if self.shared and values is None:
            assert count <= self.ELEMENTS
            offset = self.n * 37 % (self.ELEMENTS - count + 1)
            return Tensor(Storage(str(self.n % self.SHARED), "half", self.ELEMENTS), offset, shape)
        key = str(self.n)
        values = values if values is not None else [self.random.uniform(low, high) for _ in range(count)]
        self.files[key] = struct.pack(f"<{count}{STORAGES[kind][1]}", *values)
        return Tensor(Storage(key, kind, count), 0, shape)


W = None


def module(path, modules=(), parameters=None, buffers=None, **state):
    return obj(path, training=False, _parameters={k: v and Parameter(v) for k, v in (parameters or {}).items()}, _buffers=buffers or {},
               _non_persistent_buffers_set=set(), _backward_hooks=OrderedDict(), _modules=OrderedDict(modules), **state)


# ---- torch's modules ------------------------------------------------------------------------------------------------------

def conv2d(cin, cout, k=1, s=1, p=None, g=1, bias=False, transposed=False):
    p = k // 2 if p is None else p
    shape = (cin, cout // g, k, k) if transposed else (cout, cin // g, k, k)
    path = "torch.nn.modules.conv." + ("ConvTranspose2d" if transposed else "Conv2d")
    return module(path, parameters={"weight": W.tensor(*shape), "bias": W.tensor(cout) if bias else None}, in_channels=cin, out_channels=cout,
                  kernel_size=(k, k), stride=(s, s), padding=(p, p), dilation=(1, 1), transposed=transposed, output_padding=(0, 0), groups=g,
                  padding_mode="zeros")


def norm(n, eps=1e-3):
    return module("torch.nn.modules.batchnorm.BatchNorm2d", parameters={"weight": W.tensor(n, low=0.5, high=1.5), "bias": W.tensor(n)},
                  buffers={"running_mean": W.tensor(n), "running_var": W.tensor(n, low=0.5, high=2),
                           "num_batches_tracked": W.tensor(kind="long", values=[1])},
                  num_features=n, eps=eps, momentum=0.03, affine=True, track_running_stats=True)


def act(name="SiLU"):
    return module("torch.nn.modules.activation." + name, inplace=True)


def identity():
    return module("torch.nn.modules.linear.Identity")


def seq(*items):
    return module("torch.nn.modules.container.Sequential", [(str(i), m) for i, m in enumerate(items)])


def listed(*items):
    return module("torch.nn.modules.container.ModuleList", [(str(i), m) for i, m in enumerate(items)])


def pool(k, s=1, p=None):
    return module("torch.nn.modules.pooling.MaxPool2d", kernel_size=k, stride=s, padding=k // 2 if p is None else p, dilation=1,
                  return_indices=False, ceil_mode=False)


def upsample():
    return module("torch.nn.modules.upsampling.Upsample", name="Upsample", size=None, scale_factor=2.0, mode="nearest", align_corners=None)


# ---- the package's blocks -------------------------------------------------------------------------------------------------

U = "ultralytics.nn.modules."


def block(name, modules, home="block.", **state):
    return module(U + home + name, modules.items(), **state)


def conv(cin, cout, k=1, s=1, g=1, a="SiLU", p=None, home=U + "conv.Conv"):
    return module(home, [("conv", conv2d(cin, cout, k, s, p, g)), ("bn", norm(cout)), ("act", act(a) if a else identity())])


def bottleneck(c, add=True, k=(3, 3)):
    return block("Bottleneck", {"cv1": conv(c, c, k[0]), "cv2": conv(c, c, k[1])}, add=add)


def c2f(cin, cout, n=1, name="C2f", item=bottleneck):
    c = cout // 2
    return block(name, {"cv1": conv(cin, 2 * c), "cv2": conv((2 + n) * c, cout), "m": listed(*[item(c) for _ in range(n)])}, c=c)


def c3(cin, cout, name="C3", item=lambda c: bottleneck(c, k=(1, 3))):
    c = cout // 2
    return block(name, {"cv1": conv(cin, c), "cv2": conv(cin, c), "cv3": conv(2 * c, cout), "m": seq(item(c))})


def sppf(c, **state):
    return block("SPPF", {"cv1": conv(c, c // 2, a=None), "cv2": conv(2 * c, c), "m": pool(5)}, **state)


def rep_conv(c, identity_branch=True):
    bn = norm(c) if identity_branch else None
    return module(U + "conv.RepConv", [("act", act()), ("bn", bn), ("conv1", conv(c, c, 3, a=None)), ("conv2", conv(c, c, a=None))], g=1, c1=c, c2=c)


def attention(c, heads):
    d = c // heads
    return block("Attention", {"qkv": conv(c, 2 * c, a=None), "proj": conv(c, c, a=None), "pe": conv(c, c, 3, g=c, a=None)}, num_heads=heads,
                 head_dim=d, key_dim=d // 2, scale=(d // 2) ** -0.5)


def psa_block(c):
    return block("PSABlock", {"attn": attention(c, 2), "ffn": seq(conv(c, 2 * c), conv(2 * c, c, a=None))}, add=True)


def a_block(c):
    attn = block("AAttn", {"qkv": conv(c, 3 * c, a=None), "proj": conv(c, c, a=None), "pe": conv(c, c, 7, g=c, a=None)}, num_heads=2,
                 head_dim=c // 2, all_head_dim=c, area=4)
    return block("ABlock", {"attn": attn, "mlp": seq(conv(c, 2 * c), conv(2 * c, c, a=None))})


def branch(c, out):
    return seq(conv(c, 4, 3), conv(4, 4, 3), conv2d(4, out, bias=True))


def dw_branch(c, out):
    return seq(seq(conv(c, c, 3, g=c, home=U + "conv.DWConv"), conv(c, 4)), seq(conv(4, 4, 3, g=4), conv(4, 4)), conv2d(4, out, bias=True))


def head(name, channels, strides_, nc=2, reg_max=4, both=False, removed=False, extra=None, parts=(), **state):
    cls = dw_branch if both else branch
    lists = {"cv2": listed(*[branch(c, 4 * reg_max) for c in channels]), "cv3": listed(*[cls(c, nc) for c in channels])}
    if extra:
        lists["cv4"] = listed(*[branch(c, extra) for c in channels])
    if both:
        for key in list(lists):
            lists["one2one_" + key] = listed(*[branch(c, {"cv2": 4 * reg_max, "cv3": nc}.get(key, extra)) for c in channels])
            if removed:
                lists[key] = None
    if reg_max > 1:
        dfl = conv2d(reg_max, 1)
        dfl._parameters["weight"] = Parameter(W.tensor(1, reg_max, 1, 1, kind="float", values=[float(i) for i in range(reg_max)]))
        lists["dfl"] = block("DFL", {"conv": dfl}, c1=reg_max)
    else:
        lists["dfl"] = identity()
    lists.update(parts)
    return block(name, lists, home="head.", nc=nc, nl=len(channels), reg_max=reg_max, no=nc + 4 * reg_max,
                 stride=W.tensor(len(strides_), kind="float", values=[float(s) for s in strides_]), **state)


def concat():
    return block("Concat", {}, home="conv.", d=1)


# ---- models ---------------------------------------------------------------------------------------------------------------

def checkpoint(layers, task="detect", path="ultralytics.nn.tasks.DetectionModel", names=("a", "b"), **state):
    """layers: modules, or (module, sources)."""
    for i, item in enumerate(layers):
        m, f = item if isinstance(item, tuple) else (item, -1)
        m.i, m.f, m.type = i, f, "x"
        layers[i] = m
    model = module(path, [("model", seq(*layers))], names=dict(enumerate(names)), stride=W.tensor(1, kind="float", values=[32.0]), task=task,
                   args={"imgsz": 64, "task": task}, yaml={"nc": 2}, save=[], **state)
    return {"epoch": -1, "ema": None, "model": model, "optimizer": None, "train_args": {"imgsz": 64, "task": task}, "version": "8.4.190",
            "date": "2026-01-01", "license": "none"}


def down(n, c=8):
    """n halvings of the picture, to c channels."""
    return [conv(3 if i == 0 else c, c, 3, 2) for i in range(n)]


def v8():
    layers = down(3) + [c2f(8, 8), conv(8, 8, 3, 2), sppf(8), upsample(), (concat(), [-1, 3]), c2f(16, 8)]
    return checkpoint(layers + [(head("Detect", [8, 8], [8, 16]), [8, 5])])


def v26(removed=False):
    item = lambda c: seq(bottleneck(c), psa_block(c))
    layers = down(3) + [c2f(8, 8, name="C3k2", item=item), sppf(8, n=3, add=True)]
    return checkpoint(layers + [(head("Detect", [8], [8], reg_max=1, both=True, removed=removed), [-1])])


def segment():
    proto = block("Proto", {"cv1": conv(8, 8, 3), "upsample": conv2d(8, 8, 2, 2, 0, bias=True, transposed=True), "cv2": conv(8, 8, 3), "cv3": conv(8, 4)})
    return checkpoint(down(3) + [(head("Segment", [8], [8], extra=4, parts={"proto": proto}, nm=4, npr=8), [-1])], "segment",
                      "ultralytics.nn.tasks.SegmentationModel")


def segment26():
    proto = block("Proto26", {"cv1": conv(8, 8, 3), "upsample": conv2d(8, 8, 2, 2, 0, bias=True, transposed=True), "cv2": conv(8, 8, 3),
                              "cv3": conv(8, 4), "feat_refine": listed(conv(8, 8)), "feat_fuse": conv(8, 8, 3), "semseg": None})
    return checkpoint(down(4) + [(head("Segment26", [8, 8], [8, 16], reg_max=1, both=True, extra=4, parts={"proto": proto}), [2, 3])], "segment",
                      "ultralytics.nn.tasks.SegmentationModel")


def pose():
    return checkpoint(down(3) + [(head("Pose", [8], [8], nc=1, extra=6, kpt_shape=(3, 2), nk=6), [-1])], "pose", "ultralytics.nn.tasks.PoseModel", ["p"])


def pose26():
    parts = {"cv4": listed(seq(conv(8, 4, 3))), "cv4_kpts": listed(conv2d(4, 9, bias=True)), "one2one_cv4": listed(seq(conv(8, 4, 3))),
             "one2one_cv4_kpts": listed(conv2d(4, 9, bias=True)), "flow_model": None}
    return checkpoint(down(3) + [(head("Pose26", [8], [8], nc=1, reg_max=1, both=True, parts=parts, kpt_shape=[3, 3]), [-1])], "pose",
                      "ultralytics.nn.tasks.PoseModel", ["p"])


def obb(name="OBB", **more):
    return checkpoint(down(3) + [(head(name, [8], [8], extra=1, ne=1, **more), [-1])], "obb", "ultralytics.nn.tasks.OBBModel")


def classify_old():
    """The steps that the package's first versions pickled."""
    made = classify()
    home = "ultralytics.yolo.data.augment."
    steps = [obj(home + "CenterCrop", h=96, w=64), obj(home + "ToTensor", half=False)]
    made["model"].transforms = obj("torchvision.transforms.transforms.Compose", transforms=steps)
    return made


def classify():
    linear = module("torch.nn.modules.linear.Linear", parameters={"weight": W.tensor(2, 8), "bias": W.tensor(2)}, in_features=8, out_features=2)
    layer = module(U + "head.Classify", [("conv", conv(8, 8)), ("pool", module("torch.nn.modules.pooling.AdaptiveAvgPool2d", output_size=1)),
                                        ("drop", module("torch.nn.modules.dropout.Dropout", p=0.0)), ("linear", linear)])
    t = "torchvision.transforms.transforms."
    mode = obj("torchvision.transforms.functional.InterpolationMode")
    mode.__class__.__reduce_ex__ = lambda self, protocol: (type(self), ("bilinear",))
    steps = [module(t + "Resize", size=64, interpolation=mode, max_size=None, antialias=True), module(t + "CenterCrop", size=(64, 64)),
             obj(t + "ToTensor"), module(t + "Normalize", mean=W.tensor(3, kind="float", values=[0.5, 0.25, 0.125]),
                                         std=W.tensor(3, kind="float", values=[1.0, 0.5, 2.0]), inplace=False)]
    return checkpoint(down(3) + [layer], "classify", "ultralytics.nn.tasks.ClassificationModel", transforms=obj(t + "Compose", transforms=steps))


def v5(root=""):
    """root "yolov5.": as the package saves, whose modules lie under its own name."""
    path, head_path, C = root + "models.yolo.DetectionModel", "models.yolo.Detect", root + "models.common."
    c = lambda *a, **k: conv(*a, home=C + "Conv", **k)
    bottle = module(C + "Bottleneck", [("cv1", c(4, 4)), ("cv2", c(4, 4, 3))], add=True)
    c3_ = module(C + "C3", [("cv1", c(8, 4)), ("cv2", c(8, 4)), ("cv3", c(8, 8)), ("m", seq(bottle))])
    spp = module(C + "SPP", [("cv1", c(8, 4)), ("cv2", c(12, 8)), ("m", listed(pool(5), pool(9)))])
    focus = module(C + "Focus", [("conv", c(12, 8, 3))])
    detect = module(head_path, [("m", listed(conv2d(8, 14, bias=True)))], buffers={"anchors": W.tensor(1, 2, 2, kind="float", values=[1.25, 1.625, 2.0, 3.75])},
                    nc=2, no=7, nl=1, na=2, stride=W.tensor(1, kind="float", values=[8.0]), inplace=True)
    made = checkpoint([focus, c(8, 8, 3, s=2, a="LeakyReLU"), c(8, 8, 3, s=2, a="Hardswish"), c3_, spp, (detect, [-1])], path=path)
    del made["train_args"]
    made["model"].names = ["a", "b"]
    made["opt"] = {"imgsz": 64}
    return made


def blocks():
    """One of each block that the others lack."""
    ghost = lambda cin, cout, a="SiLU": block("GhostConv", {"cv1": conv(cin, cout // 2, a=a), "cv2": conv(cout // 2, cout // 2, 5, g=cout // 2, a=a)}, home="conv.")
    ghosts = lambda c: block("GhostBottleneck", {"conv": seq(ghost(c, c // 2), identity(), ghost(c // 2, c, None)), "shortcut": identity()})
    vgg = lambda c: module(U + "block.RepVGGDW", [("conv", conv(c, c, 7, g=c, a=None)), ("conv1", conv(c, c, 3, g=c, a=None)), ("act", act())], dim=c)
    cib = lambda c: block("CIB", {"cv1": seq(conv(c, c, 3, g=c), conv(c, 2 * c), vgg(2 * c), conv(2 * c, c), conv(c, c, 3, g=c))}, add=True)
    rep = lambda c: c3(c, c, "RepCSP", lambda h: block("RepBottleneck", {"cv1": rep_conv(h), "cv2": conv(h, h, 3)}, add=True))
    elan = block("RepNCSPELAN4", {"cv1": conv(8, 8), "cv2": seq(rep(4), conv(4, 4, 3)), "cv3": seq(rep(4), conv(4, 4, 3)), "cv4": conv(16, 8)}, c=4)
    elan1 = block("ELAN1", {"cv1": conv(8, 8), "cv2": conv(4, 4, 3), "cv3": conv(4, 4, 3), "cv4": conv(16, 8)}, c=4)
    spp_elan = block("SPPELAN", {"cv1": conv(8, 4), "cv2": pool(5), "cv3": pool(5), "cv4": pool(5), "cv5": conv(16, 8)}, c=4)
    adown = block("ADown", {"cv1": conv(4, 4, 3, 2), "cv2": conv(4, 4)}, c=4)
    aconv = block("AConv", {"cv1": conv(8, 8, 3, 2)})
    psa = block("PSA", {"cv1": conv(8, 8), "cv2": conv(8, 8), "attn": attention(4, 2), "ffn": seq(conv(4, 8), conv(8, 4, a=None))}, c=4)
    c2psa = block("C2PSA", {"cv1": conv(8, 8), "cv2": conv(8, 8), "m": seq(psa_block(4))}, c=4)
    a2 = module(U + "block.A2C2f", [("cv1", conv(8, 4)), ("cv2", conv(8, 8)), ("m", listed(seq(a_block(4), a_block(4))))],
                parameters={"gamma": W.tensor(8)})
    c2 = block("C2", {"cv1": conv(8, 8), "cv2": conv(8, 8), "m": seq(bottleneck(4))}, c=4)
    cb = lambda: block("CBLinear", {"conv": conv2d(8, 12, bias=True)}, c2s=[4, 8])
    fuse = block("CBFuse", {}, idx=[1, 1])
    csp = block("BottleneckCSP", {"cv1": conv(8, 4), "cv2": conv2d(8, 4), "cv3": conv2d(4, 4), "cv4": conv(8, 8), "bn": norm(8), "act": act(),
                                  "m": seq(bottleneck(4))})
    up = conv2d(8, 8, 2, 2, 0, bias=True, transposed=True)
    sc = block("SCDown", {"cv1": conv(8, 8), "cv2": conv(8, 8, 3, 2, g=8, a=None)})
    pad = module("torch.nn.modules.padding.ZeroPad2d", padding=(0, 1, 0, 1))
    layers = down(2) + [c3(8, 8, "C3Ghost", ghosts), c2f(8, 8, name="C2fCIB", item=cib), (block("Silence", {}), 3), elan, elan1, spp_elan,  # 7
                        cb(), (adown, 7), c2f(8, 8), cb(), (fuse, [8, 11, 7]), aconv, psa, c2psa, a2, c2, csp, (up, -1), sc, pad, pool(2, 1, 0)]
    layers.append((head("v10Detect", [8, 8], [4, 8], reg_max=2, both=True), [7, 22]))
    return checkpoint(layers, path="ultralytics.nn.tasks.YOLOv10DetectionModel")


def activations():
    """Every activation there is, and enlarging by the other rule."""
    home = "torch.nn.modules.activation."
    plain = [act(name) for name in ("ReLU", "Hardswish", "Sigmoid", "Tanh", "Mish", "SELU", "Softsign", "Hardsigmoid", "GELU")]
    special = [module(home + "LeakyReLU", negative_slope=0.2), module(home + "ELU", alpha=0.5), module(home + "CELU", alpha=0.5),
               module(home + "Softplus", beta=1, threshold=20), module(home + "GELU", approximate="tanh"),
               module(home + "ReLU6", min_val=0.0, max_val=6.0), module(home + "Hardtanh", min_val=-2.0, max_val=2.0),
               module(home + "PReLU", parameters={"weight": W.tensor(8)}, num_parameters=8), module(home + "PReLU", parameters={"weight": W.tensor(1)})]
    layers = down(3)
    for a in plain + special:
        layers.append(module(U + "conv.Conv", [("conv", conv2d(8, 8)), ("bn", norm(8)), ("act", a)]))
    up = upsample()
    up.mode = "bilinear"
    return checkpoint(layers + [up, conv(8, 8, 3, 2), (head("Detect", [8], [8]), [-1])])


def softplus():
    layer = module(U + "conv.Conv", [("conv", conv2d(8, 8)), ("bn", norm(8)), ("act", module("torch.nn.modules.activation.Softplus", beta=2, threshold=20))])
    return checkpoint(down(3) + [layer, (head("Detect", [8], [8]), [-1])])


class Call:
    """What a function would make of its arguments."""

    def __init__(self, path, *args):
        self.reduced = named(path, lambda *a: None), args

    def __reduce_ex__(self, protocol):
        return self.reduced


def number(kind, value):
    """numpy's scalar: its dtype, its bytes."""
    dtype = Call("numpy.dtype", kind, False, True)
    dtype.reduced += ((3, "<", None, None, None, -1, -1, 0),)
    return Call("numpy.core.multiarray.scalar", dtype, struct.pack("<" + {"i8": "q", "i4": "i", "f8": "d"}[kind], value))


def luggage():
    """What other people's files carry: a wrapper for several GPUs, names that YAML took for numbers, numpy's scalars, tensors with attributes,
    optimiser and training objects that are of no use here."""
    made = v8()
    model = made["model"]
    head_ = list(model._modules["model"]._modules.values())[-1]
    model.names = {"0": 7, "1": True}
    head_.nc = number("i8", 2)
    head_.reg_max = number("i4", 4)
    head_.stride = Call("torch._tensor._rebuild_from_type_v2", rebuild, named("torch.Tensor"), head_.stride.args, {"note": 1})
    model.criterion = module("ultralytics.utils.loss.v8DetectionLoss", hyp=obj("ultralytics.utils.IterableSimpleNamespace", box=7.5))
    made["model"] = module("torch.nn.parallel.distributed.DistributedDataParallel", [("module", model)], dim=0)
    made["train_args"] = {"imgsz": number("i8", 64), "save_dir": Call("pathlib.WindowsPath", "runs", "train"), "resume": None}
    made["best_fitness"] = number("f8", 0.5)
    made["optimizer"] = {"state": {0: {"step": W.tensor(1), "exp_avg": W.tensor(4)}}, "param_groups": [{"lr": 0.01, "betas": (0.9, 0.999), "params": [0]}]}
    made["callbacks"] = {"on_fit_epoch_end": [Call("functools.partial", print), named("ultralytics.utils.callbacks.base.on_fit_epoch_end", lambda: None)]}
    return made


def stranger(path, head_path):
    return checkpoint(down(1) + [module(head_path, [("x", identity())])], path=path)


def evil():
    class Evil:
        def __reduce__(self):
            return exec, ("1",)
    return {"model": Evil()}


def loop():
    """A sequence that holds itself."""
    around = seq()
    around._modules["0"] = around
    return checkpoint([around, (head("Detect", [3], [8]), [-1])])


def doubling():
    """A sequence of the same sequence twice, twenty times over: a million uses of nothing."""
    m = identity()
    for _ in range(20):
        m = seq(m, m)
    return checkpoint([m, (head("Detect", [3], [8]), [-1])])


MODELS = {
    "v8": v8, "v26": v26, "v26-one-head": lambda: v26(True), "segment": segment, "segment26": segment26, "pose": pose, "pose26": pose26, "obb": obb,
    "obb26": lambda: obb("OBB26", reg_max=1, both=True), "classify": classify, "v5": v5, "blocks": blocks, "loop": loop, "doubling": doubling, "evil": evil,
    "state-dict": lambda: OrderedDict([("w", W.tensor(2, 2))]),
    "rtdetr": lambda: stranger("ultralytics.nn.tasks.RTDETRDetectionModel", U + "head.RTDETRDecoder"),
    "yolov7": lambda: stranger("models.yolo.Model", "models.yolo.IDetect"),
    "v5-segment": lambda: stranger("models.yolo.SegmentationModel", "models.yolo.Segment"),
    "unknown-block": lambda: checkpoint([module("ultralytics.nn.modules.block.Mystery", [("x", identity())])]),
    "classify-old": classify_old, "v5-package": lambda: v5("yolov5."), "luggage": luggage,
    "activations": activations, "softplus": softplus, "grey": lambda: checkpoint([conv(1, 8, 3, 8), (head("Detect", [8], [8]), [-1])]),
}
PROTOCOLS = (2, 4, 5)


def dump(value, protocol):
    out = io.BytesIO()
    Pickler(out, protocol).dump(value)
    return out.getvalue()


def archive(path, name, data, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as z:
        def add(entry, content):
            z.writestr(zipfile.ZipInfo(f"{name}/{entry}", (1980, 1, 1, 0, 0, 0)), content)
        add("data.pkl", data)
        add("byteorder", b"little")
        for key, content in files.items():
            add("data/" + key, content)
        add("version", b"3\n")


def main():
    global W
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "fuzz/seeds/fuzz_pt")
    folder.mkdir(parents=True, exist_ok=True)
    for i, (name, make) in enumerate(MODELS.items()):
        W = Weights(False, i)
        archive(folder / f"{name}.pt", name, dump(make(), PROTOCOLS[i % 3]), W.files)
        W = Weights(True, i)
        (folder / f"{name}.pkl").write_bytes(dump(make(), 2))


if __name__ == "__main__":
    main()
