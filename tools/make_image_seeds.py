#!/usr/bin/env python3
"""Writes small pictures of every kind as seeds for the image fuzzers: OUT/jpeg, OUT/png, OUT/webp, OUT/tiff, OUT/bmp, OUT/pnm.

usage: make_image_seeds.py OUT_DIR        (needs Pillow)
"""
import io
import os
import struct
import sys

from PIL import Image


def picture(mode, width=19, height=13):
    image = Image.new("RGBA", (width, height))
    for y in range(height):
        for x in range(width):
            image.putpixel((x, y), (x * 13 % 256, y * 19 % 256, (x * y) % 256, 255 - x * 5))
    return image.convert(mode)


def save(folder, name, image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    write(folder, name, buffer.getvalue())


def write(folder, name, data):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def exif(orientation):
    block = Image.Exif()
    block[0x0112] = orientation
    return block


def jpeg(out):
    for mode in ("L", "RGB", "CMYK"):
        for progressive in (False, True):
            save(out, f"{mode}-{progressive}", picture(mode), format="JPEG", progressive=progressive, quality=70)
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        save(out, subsampling.replace(":", ""), picture("RGB"), format="JPEG", subsampling=subsampling, exif=exif(6))
    save(out, "restart", picture("RGB", 40, 40), format="JPEG", restart_marker_blocks=1)


def png(out):
    for mode in ("1", "L", "P", "RGB", "RGBA", "LA", "I;16"):
        image = picture("L").convert("I;16") if mode == "I;16" else picture(mode)
        save(out, mode.replace(";", "-"), image, format="PNG")
    save(out, "exif", picture("RGB"), format="PNG", exif=exif(5))
    save(out, "animated", picture("RGBA"), format="PNG", save_all=True, append_images=[picture("RGBA").rotate(180)])
    save(out, "default-image", picture("P"), format="PNG", save_all=True, default_image=True,
         append_images=[picture("P").rotate(180), picture("P")])


def webp(out):
    for lossless in (False, True):
        for mode in ("RGB", "RGBA"):
            save(out, f"{mode}-{lossless}", picture(mode), format="WEBP", lossless=lossless)
    save(out, "exif", picture("RGB"), format="WEBP", exif=exif(8))
    save(out, "animated", picture("RGBA"), format="WEBP", save_all=True, append_images=[picture("RGBA").rotate(180)])


def tiff(out):
    for mode in ("1", "L", "P", "RGB", "RGBA", "CMYK", "LAB", "YCbCr"):
        for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
            save(out, f"{mode}-{compression}", picture(mode), format="TIFF", compression=compression)
    save(out, "jpeg", picture("RGB", 32, 32), format="TIFF", compression="jpeg")
    save(out, "group4", picture("1"), format="TIFF", compression="group4")
    save(out, "gray16", picture("L").convert("I;16"), format="TIFF")
    save(out, "turned", picture("RGB"), format="TIFF", tiffinfo={274: 6})
    save(out, "pages", picture("RGB"), format="TIFF", save_all=True, append_images=[picture("L")])


def bmp(out):
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        save(out, mode, picture(mode), format="BMP")
    palette = bytes(range(64))
    for bits, compression, runs in ((8, 1, b"\3\1\0\3abc\0\0\0\2\2\0\0\1"), (4, 2, b"\4\x12\0\4\x12\x34\0\0\0\1")):
        header = struct.pack("<IiiHHIIiiII", 40, 8, 3, 1, bits, compression, 0, 0, 0, 16, 0)
        write(out, f"rle{bits}", b"BM" + struct.pack("<IHHI", 0, 0, 0, 118) + header + palette + runs)
    for bits, masks in ((16, (0xF800, 0x7E0, 0x1F)), (32, (0xFF0000, 0xFF00, 0xFF))):
        header = struct.pack("<IiiHHIIiiII", 56, 4, -2, 1, bits, 3, 0, 0, 0, 0, 0) + struct.pack("<IIII", *masks, 0)
        write(out, f"masks{bits}", b"BM" + struct.pack("<IHHI", 0, 0, 0, 70) + header + bytes(range(32)))
    write(out, "os2", b"BM" + struct.pack("<IHHI", 0, 0, 0, 26) + struct.pack("<IHHHH", 12, 3, 2, 1, 24) + bytes(24))


def pnm(out):
    write(out, "P1", b"P1 # c\n5 2\n10101 0 1 0 1 0\n")
    write(out, "P2", b"P2\n3 2\n15\n1 2 3 15 16 0\n")
    write(out, "P3", b"P3 2 1 300 1 2 3 300 200 100\n")
    write(out, "P4", b"P4 9 2\n\xAA\x80\x55\0")
    write(out, "P5", b"P5 3 2 255\nabcdef")
    write(out, "P6", b"P6 2 1 65535\nabcdefghijkl")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for make in (jpeg, png, webp, tiff, bmp, pnm):
        make(os.path.join(sys.argv[1], make.__name__))


if __name__ == "__main__":
    main()
