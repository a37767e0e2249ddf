"""What happens between the world and the file: light, optics, sensor, compression. Geometry is not touched, so labels stay."""
import cv2
import numpy as np


def glare(rng, image):
    h, w = image.shape[:2]
    small = np.zeros((h // 4 + 1, w // 4 + 1), np.float32)
    for _ in range(rng.integers(1, 4)):
        c = (int(rng.integers(0, w // 4)), int(rng.integers(0, h // 4)))
        axes = (int(rng.integers(3, max(4, w // 12))), int(rng.integers(2, max(3, w // 24))))
        cv2.ellipse(small, c, axes, float(rng.uniform(0, 180)), 0, 360, float(rng.uniform(60, 190)), -1)
    small = cv2.GaussianBlur(small, (0, 0), float(rng.uniform(2, 12)))
    return cv2.add(image, cv2.merge([cv2.resize(small, (w, h)).astype(np.uint8)] * 3))


def shadow(rng, image):
    h, w = image.shape[:2]
    mask = np.ones((h // 4 + 1, w // 4 + 1), np.float32)
    points = rng.uniform(-0.3, 1.3, (4, 2)) * (w / 4, h / 4)
    cv2.fillPoly(mask, [points.astype(np.int32)], float(rng.uniform(0.35, 0.8)))
    mask = cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(1, 12)))
    return (image * cv2.resize(mask, (w, h))[..., None]).astype(np.uint8)


def blur(rng, image, least):
    """least: the height of the smallest digit; what would wipe it out is not done."""
    most = max(0.3, least * 0.075)
    way = rng.random()
    if way < 0.5:
        return cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.2, most)))
    if way < 0.7:
        n = int(max(2, min(15, rng.uniform(1, 3 * most) + 1)))
        kernel = np.zeros((n, n), np.float32)
        a = rng.uniform(0, np.pi)
        d = np.array((np.cos(a), np.sin(a))) * n / 2
        cv2.line(kernel, (n / 2 - d).astype(int).tolist(), (n / 2 + d).astype(int).tolist(), 1.0)
        return cv2.filter2D(image, -1, kernel / max(kernel.sum(), 1e-6))
    h, w = image.shape[:2]  # taken small and enlarged
    scale = float(np.clip(rng.uniform(6, 14) / least, 0.25, 0.95))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (w, h), interpolation=int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST if scale > 0.5 else cv2.INTER_LINEAR])))


def light(rng, image):
    x = np.arange(256, dtype=np.float32) / 255
    curves = []
    gamma, gain, offset = np.exp(rng.normal(0, 0.3)), rng.uniform(0.55, 1.25), rng.normal(0, 0.07)
    for _ in range(3):
        curves.append(np.clip((x**gamma - 0.5) * gain * rng.normal(1, 0.06) + 0.5 + offset + rng.normal(0, 0.03), 0, 1) * 255)
    image = cv2.LUT(image, np.stack(curves, -1)[None].astype(np.uint8))
    if rng.random() < 0.12:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return image


def noise(rng, image):
    h, w = image.shape[:2]
    sigma = rng.uniform(1, 16)
    grey = rng.random() < 0.4
    # One tile of noise rolled about costs a fraction of a fresh field.
    tile = rng.normal(0, sigma, (h // 2 + 1, w // 2 + 1, 1 if grey else 3)).astype(np.float32)
    field = np.tile(tile, (2, 2, 1 if not grey else 3))[:h, :w] if rng.random() < 0.5 else cv2.resize(np.repeat(tile, 3 if grey else 1, 2), (w, h))
    return np.clip(image + field, 0, 255).astype(np.uint8)


def jpeg(rng, image):
    ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(18, 92))])
    return cv2.imdecode(data, cv2.IMREAD_COLOR) if ok else image


def damage(rng, image, least):
    if rng.random() < 0.25:
        image = shadow(rng, image)
    if rng.random() < 0.2:
        image = glare(rng, image)
    if rng.random() < 0.65:
        image = blur(rng, image, least)
    image = light(rng, image)
    if rng.random() < 0.5:
        image = noise(rng, image)
    if rng.random() < 0.6:
        image = jpeg(rng, image)
    return image
