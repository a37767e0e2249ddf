"""The networks: a YOLOv8-shaped detector for four tasks, and a small classifier. Written from published descriptions of the method.

Training uses the raw branches of the heads; `decode` is what an export computes behind them."""
import math

import torch
from torch import nn
from torch.nn import functional as F

BINS = 16  # of a distance: 0 .. 15 strides


class Conv(nn.Module):
    def __init__(self, c_in, c_out, k=1, s=1):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, k, s, k // 2, bias=False)
        self.norm = nn.BatchNorm2d(c_out, eps=1e-3, momentum=0.03)

    def forward(self, x):
        return F.silu(self.norm(self.conv(x)))

    def fuse(self):
        """The normalisation becomes part of the weights; used before an export."""
        scale = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        fused = nn.Conv2d(self.conv.in_channels, self.conv.out_channels, self.conv.kernel_size, self.conv.stride, self.conv.padding)
        fused.weight.data = self.conv.weight.data * scale[:, None, None, None]
        fused.bias.data = self.norm.bias.data - self.norm.running_mean * scale
        self.conv, self.norm = fused, nn.Identity()


class C2f(nn.Module):
    """Split in two, pass one half through n bottlenecks, join all intermediate results."""

    def __init__(self, c_in, c_out, n, shortcut):
        super().__init__()
        self.half, self.shortcut = c_out // 2, shortcut
        self.first, self.last = Conv(c_in, c_out), Conv(self.half * (2 + n), c_out)
        self.inner = nn.ModuleList(nn.Sequential(Conv(self.half, self.half, 3), Conv(self.half, self.half, 3)) for _ in range(n))

    def forward(self, x):
        parts = list(self.first(x).split((self.half, self.half), 1))
        for block in self.inner:
            y = block(parts[-1])
            parts.append(parts[-1] + y if self.shortcut else y)
        return self.last(torch.cat(parts, 1))


class Sppf(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.first, self.last = Conv(c, c // 2), Conv(c * 2, c)

    def forward(self, x):
        parts = [self.first(x)]
        for _ in range(3):
            parts.append(F.max_pool2d(parts[-1], 5, 1, 2))
        return self.last(torch.cat(parts, 1))


class Body(nn.Module):
    """Backbone and path aggregation. widths: channels at strides 2, 4, 8, 16, 32. fine: the levels begin at stride 4, not 8."""

    def __init__(self, widths, depths, fine):
        super().__init__()
        w1, w2, w3, w4, w5 = widths
        self.fine = fine
        self.stem = Conv(3, w1, 3, 2)
        self.down2, self.stage2 = Conv(w1, w2, 3, 2), C2f(w2, w2, depths[0], True)
        self.down3, self.stage3 = Conv(w2, w3, 3, 2), C2f(w3, w3, depths[1], True)
        self.down4, self.stage4 = Conv(w3, w4, 3, 2), C2f(w4, w4, depths[2], True)
        self.down5, self.stage5 = Conv(w4, w5, 3, 2), C2f(w5, w5, depths[3], True)
        self.pool = Sppf(w5)
        self.top4, self.top3 = C2f(w5 + w4, w4, 1, False), C2f(w4 + w3, w3, 1, False)
        if fine:
            self.top2 = C2f(w3 + w2, w2, 1, False)
            self.back3, self.low3 = Conv(w2, w2, 3, 2), C2f(w2 + w3, w3, 1, False)
        self.back4, self.low4 = Conv(w3, w3, 3, 2), C2f(w3 + w4, w4, 1, False)
        self.back5, self.low5 = Conv(w4, w4, 3, 2), C2f(w4 + w5, w5, 1, False)
        self.channels = ([w2] if fine else []) + [w3, w4, w5]
        self.strides = ([4] if fine else []) + [8, 16, 32]

    def forward(self, x):
        p2 = self.stage2(self.down2(self.stem(x)))
        p3 = self.stage3(self.down3(p2))
        p4 = self.stage4(self.down4(p3))
        p5 = self.pool(self.stage5(self.down5(p4)))
        t4 = self.top4(torch.cat((F.interpolate(p5, scale_factor=2.0), p4), 1))
        t3 = self.top3(torch.cat((F.interpolate(t4, scale_factor=2.0), p3), 1))
        levels = []
        if self.fine:
            t2 = self.top2(torch.cat((F.interpolate(t3, scale_factor=2.0), p2), 1))
            levels.append(t2)
            t3 = self.low3(torch.cat((self.back3(t2), t3), 1))
        n4 = self.low4(torch.cat((self.back4(t3), t4), 1))
        n5 = self.low5(torch.cat((self.back5(n4), p5), 1))
        return levels + [t3, n4, n5]


class Proto(nn.Module):
    """Mask prototypes at a quarter of the picture's size, from the level of stride 8."""

    def __init__(self, c, width, n):
        super().__init__()
        self.first = Conv(c, width, 3)
        self.up = nn.ConvTranspose2d(width, width, 2, 2)
        self.second, self.last = Conv(width, width, 3), Conv(width, n)

    def forward(self, x):
        return self.last(self.second(self.up(self.first(x))))


class Last(nn.Conv2d):
    """The last convolution of a branch answers in float whatever the others compute in: a thirtieth of a stride is what half a
    precision would leave of a corner ten strides away."""

    def forward(self, x):
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


def branch(c_in, width, c_out):
    return nn.Sequential(Conv(c_in, width, 3), Conv(width, width, 3), Last(width, c_out, 1))


class Detector(nn.Module):
    """task: detect, segment, pose or obb. head, names, extra: widths of the branches for boxes, for classes, and for corners, angles or
    mask coefficients. Raw outputs are [N, channels, A] over the anchors of all levels, fine ones first."""

    N_MASKS = 32

    def __init__(self, task, n_classes, widths, depths, fine=False, head=32, names=32, extra=16, n_points=0):
        super().__init__()
        self.task, self.n_classes, self.n_points = task, n_classes, n_points
        self.body = Body(widths, depths, fine)
        self.n_extra = {"detect": 0, "segment": self.N_MASKS, "pose": 3 * n_points, "obb": 1}[task]
        channels = self.body.channels
        self.box = nn.ModuleList(branch(c, head, 4 * BINS) for c in channels)
        self.cls = nn.ModuleList(branch(c, names, n_classes) for c in channels)
        if self.n_extra:
            self.extra = nn.ModuleList(branch(c, extra, self.n_extra) for c in channels)
        if task == "segment":
            self.proto = Proto(channels[0], 32, self.N_MASKS)
        self.register_buffer("bins", torch.arange(BINS, dtype=torch.float32), persistent=False)
        for box, cls, stride in zip(self.box, self.cls, self.body.strides):
            box[-1].bias.data[:] = 1.0
            cls[-1].bias.data[:] = math.log(5 / n_classes / (640 / stride) ** 2)  # about five things in a picture of 640

    def anchors(self, height, width, device):
        """Centres [A, 2] in pixels and strides [A]."""
        points, strides = [], []
        for s in self.body.strides:
            y, x = torch.meshgrid(torch.arange(height // s, device=device) + 0.5, torch.arange(width // s, device=device) + 0.5, indexing="ij")
            points.append(torch.stack((x, y), -1).view(-1, 2) * s)
            strides.append(torch.full((y.numel(),), float(s), device=device))
        return torch.cat(points), torch.cat(strides)

    def forward(self, x):
        levels = self.body(x)
        out = {name: torch.cat([m(level).flatten(2) for m, level in zip(getattr(self, name), levels)], 2)
               for name in ("box", "cls") + (("extra",) if self.n_extra else ())}
        if self.task == "segment":
            out["proto"] = self.proto(levels[0])
        return out

    def distances(self, box):
        """[N, 4 * BINS, A] -> expected distances [N, 4, A], in strides."""
        n, _, a = box.shape
        return (box.view(n, 4, BINS, a).softmax(2) * self.bins[:, None]).sum(2)

    def fuse(self):
        for module in list(self.modules()):
            if isinstance(module, Conv):
                module.fuse()
        return self


class Exported(nn.Module):
    """A detector with its decode, spelled as exports spell it: output0 [N, 4 + classes + extras, A] in pixels and probabilities."""

    def __init__(self, detector, height, width):
        super().__init__()
        self.net = detector
        # Kept as rows and columns that the graph spreads: written out, the anchors of stride 4 alone would be a tenth of the file.
        self.shapes = [(height // s, width // s) for s in detector.body.strides]
        for i, ((h, w), s) in enumerate(zip(self.shapes, detector.body.strides)):
            self.register_buffer(f"row{i}", torch.arange(w, dtype=torch.float32)[None] + 0.5)
            self.register_buffer(f"column{i}", torch.arange(h, dtype=torch.float32)[:, None] + 0.5)
            self.register_buffer(f"stride{i}", torch.tensor([float(s)]))
        self.dfl = nn.Conv2d(BINS, 1, 1, bias=False)
        self.dfl.weight.data = torch.arange(BINS, dtype=torch.float32).view(1, BINS, 1, 1)

    def grid(self):
        """Anchors in strides [1, 2, A] and strides [1, 1, A]."""
        parts = [torch.stack((getattr(self, f"row{i}").expand(s), getattr(self, f"column{i}").expand(s))).view(2, -1) for i, s in enumerate(self.shapes)]
        strides = [getattr(self, f"stride{i}").expand(h * w) for i, (h, w) in enumerate(self.shapes)]
        return torch.cat(parts, 1)[None], torch.cat(strides)[None, None]

    def forward(self, x):
        net = self.net
        levels = net.body(x)
        grid, scale = self.grid()
        n = x.shape[0]
        rows = [torch.cat((box(p), cls(p)), 1).view(n, 4 * BINS + net.n_classes, -1) for box, cls, p in zip(net.box, net.cls, levels)]
        box, cls = torch.cat(rows, 2).split((4 * BINS, net.n_classes), 1)
        a = scale.shape[2]
        distance = self.dfl(box.view(n, 4, BINS, a).transpose(2, 1).softmax(1)).view(n, 4, a)
        low, high = distance.split((2, 2), 1)
        extra = torch.cat([m(p).view(n, net.n_extra, -1) for m, p in zip(net.extra, levels)], 2) if net.n_extra else None
        if net.task == "obb":
            angle = (extra.sigmoid() - 0.25) * math.pi
            cos, sin = torch.cos(angle), torch.sin(angle)
            x_f, y_f = ((high - low) / 2).split((1, 1), 1)
            centre = torch.cat((x_f * cos - y_f * sin, x_f * sin + y_f * cos), 1) + grid
            boxes = torch.cat((centre, low + high), 1) * scale
            return torch.cat((boxes, cls.sigmoid(), angle), 1)
        corner1, corner2 = grid - low, grid + high
        boxes = torch.cat(((corner1 + corner2) / 2, corner2 - corner1), 1) * scale
        answer = torch.cat((boxes, cls.sigmoid()), 1)
        if net.task == "detect":
            return answer
        if net.task == "segment":
            return torch.cat((answer, extra), 1), net.proto(levels[0])
        points = extra.view(n, net.n_points, 3, a)
        xy = (points[:, :, :2] * 2.0 + (grid - 0.5)) * scale
        points = torch.cat((xy, points[:, :, 2:3].sigmoid()), 2).view(n, net.n_points * 3, a)
        return torch.cat((answer, points), 1)


class Classifier(nn.Module):
    def __init__(self, n_classes, widths, depths):
        super().__init__()
        layers, c = [Conv(3, widths[0], 3, 2)], widths[0]
        for w, d in zip(widths[1:], depths):
            layers += [Conv(c, w, 3, 2), C2f(w, w, d, True)]
            c = w
        self.features = nn.Sequential(*layers, Conv(c, c * 2))
        self.linear = nn.Linear(c * 2, n_classes)

    def forward(self, x):
        y = self.linear(F.adaptive_avg_pool2d(self.features(x), 1).flatten(1))
        return y if self.training else y.softmax(1)

    fuse = Detector.fuse
