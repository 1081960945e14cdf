"""Turns nothing into the first inputs of every fuzz target, small and of every kind.

Run it in an environment with the package and its test extra: ``python fuzz/seeds.py``. What the
targets find of interest comes beside these files; nothing here is copied from other projects.
"""

from __future__ import annotations

import io
import random
import struct
import sys
import tempfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT.parent / "tests"))

from PIL import Image  # noqa: E402

import ptarmigan as pt  # noqa: E402
import tars  # noqa: E402
from jpeg_sampling import SAMPLINGS, make_sampled  # noqa: E402
from synthetic import make_jpeg  # noqa: E402

END = tars.END


def gzips() -> dict[str, bytes]:
    """Inputs of the target ``gzip``."""
    text = tars.photo_like(1, 900)
    one = tars.gzip_member(text)
    fields = b"\x1f\x8b\x08\x1e\0\0\0\0\0\xff" + b"\x05\0extra" + b"name\0" + b"comment\0"
    checked = fields + struct.pack("<H", zlib.crc32(fields) & 0xFFFF)
    return {
        "one": one,
        "empty": tars.gzip_member(b""),
        "two": tars.gzip_member(b"first") + tars.gzip_member(b"second"),
        "padded": tars.gzip_member(b"first") + bytes(9),
        "padded-between": tars.gzip_member(b"first") + bytes(9) + tars.gzip_member(b"second"),
        "fields": checked + tars.gzip_member(b"data")[10:],
        "fields-wrong": fields + b"\0\0" + tars.gzip_member(b"data")[10:],
        "reserved": one[:3] + b"\xe0" + one[4:],
        "wrong-crc": one[:-8] + bytes(4) + one[-4:],
        "wrong-length": one[:-4] + bytes(4),
        "cut": one[:-1],
        "cut-body": one[: len(one) // 2],
        "garbage": one + b"garbage",
        "stored": tars.gzip_member(text, tars.raw_deflate(text, 0)),
        "nothing": b"",
    }


def deflates() -> dict[str, bytes]:
    """Inputs of the target ``deflate``: lengths of pieces, then the stream."""
    text, noise = tars.photo_like(2, 3000), tars.noise(3, 500)
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    flushed = b"".join(
        compressor.compress(part) + compressor.flush(zlib.Z_SYNC_FLUSH)
        for part in (text[:700], noise, b"few", text[400:1200], text[300:900])
    )
    flushed += compressor.flush()
    streams = {
        "best": tars.raw_deflate(text, 9),
        "stored": tars.raw_deflate(noise, 0),
        "fixed": tars.raw_deflate(text[:600], strategy=zlib.Z_FIXED),
        "huffman": tars.raw_deflate(text[:1500], strategy=zlib.Z_HUFFMAN_ONLY),
        "runs": tars.raw_deflate(bytes(5000) + b"x" * 700, strategy=zlib.Z_RLE),
        "flushed": flushed,
        "empty": tars.raw_deflate(b""),
        "small-window": zlib_raw(text, -9),
        "small-memory": tars.raw_deflate(text, memLevel=1),
        "cut": tars.raw_deflate(text)[:-3],
        "long": tars.raw_deflate(skewed(9000), strategy=zlib.Z_HUFFMAN_ONLY),
        "long-far": tars.raw_deflate(skewed(8000) + skewed(8000)[3000:6000] + skewed(2000), 9),
    }
    found = {}
    for (name, stream), (step, room) in zip(
        streams.items(),
        [(255, 255), (0, 0), (6, 1), (40, 3), (1, 255), (255, 255)] * 2,
        strict=True,
    ):
        found[name] = bytes([step, room]) + stream
    return found


def skewed(size: int) -> bytes:
    """Bytes like a photo's: nearly all literals, of codes with many lengths."""
    draw = random.Random(4)
    return bytes(min(255, int(draw.expovariate(0.02))) for _ in range(size))


def zlib_raw(data: bytes, window: int) -> bytes:
    """Raw deflate with a window of ``2 ** -window`` bytes."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, window)
    return compressor.compress(data) + compressor.flush()


def all_tars() -> dict[str, bytes]:
    """Inputs of the target ``tar``: a form, then the tar."""
    a = tars.header(b"a", 3) + tars.padded(b"abc")
    long = tars.header(b"././@LongLink", 120, b"L") + tars.padded(b"l" * 119 + b"\0")
    plain = {
        "two": a + tars.header(b"b", 600) + tars.padded(bytes(range(100)) * 6) + END,
        "no-end": a,
        "one-end": a + bytes(512),
        "concatenated": a + END + a + END,
        "long-name": long + a + END,
        "long-link": tars.header(b"././@LongLink", 4, b"K")
        + tars.padded(b"abc\0")
        + tars.header(b"l", 0, b"1", link=b"x")
        + END,
        "pax": tars.pax({"path": b"p/q", "size": b"3"}) + tars.header(b"s", 0) + a[512:] + END,
        "pax-global": tars.pax({"path": b"g"}, b"g") + a + END,
        "pax-sparse": tars.pax({"GNU.sparse.major": b"1", "GNU.sparse.name": b"n"}) + a + END,
        "prefix": tars.header(b"stem", 0, prefix=b"a/prefix") + END,
        "gnu-magic": tars.header(b"g", 1, magic=b"ustar  \0") + tars.padded(b"1") + END,
        "v7": tars.header(b"dir/", 0, b"\0", magic=bytes(8)) + a + END,
        "base-256": tars.header(b"a", b"\x80" + (3).to_bytes(11, "big")) + a[512:] + END,
        "kinds": b"".join(tars.header(b"k", 0, bytes([kind])) for kind in b"1234567SVMD") + END,
        "sparse": tars.header(b"holes", 512, b"S", extended=b"\1") + bytes(1024) + a + END,
        "cut": a[:700],
        "bad-sum": a[:148] + b"7777777\0" + a[156:] + END,
    }
    found = {name: b"\0" + tar for name, tar in plain.items()}
    found |= {f"{name}-sealed": b"\1" + tar for name, tar in plain.items()}
    return found


def indexes() -> dict[str, bytes]:
    """Inputs of the target ``index``: a form, then a file or changes of four bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tar"
        path.write_bytes(bytes(tars.tar_bytes([("d/a", b"one"), ("d/b", b"two"), ("c", b"")])))
        made = Path(pt.Archive(path).index_path).read_bytes()

    def change(at: int, what: int, value: int) -> bytes:
        return struct.pack("<HBB", at, what, value)

    draw = random.Random(1)
    several = b"".join(
        change(draw.randrange(1500), draw.randrange(3), draw.randrange(256)) for _ in range(6)
    )
    most_members = b"".join(change(24 + at, 0, 0xFF) for at in range(4))
    found = {
        "file": b"\0" + made,
        "file-sealed": b"\3" + made,
        "no-file": b"\0",
        "unchanged": b"\1",
        "one-bit": b"\1" + change(600, 1, 1),
        "cut": b"\1" + change(500, 3, 0),
        "longer": b"\1" + change(7, 4, 9),
        "sealed": b"\2",
        "sealed-several": b"\2" + several,
        "sealed-members": b"\2" + most_members,
    }
    for section in range(22):
        row = 104 + 16 * section
        found[f"sealed-width-{section:02}"] = b"\2" + change(row + 4, 2, 1)
        found[f"sealed-count-{section:02}"] = b"\2" + change(row + 8, 2, 1)
    return found


def jpegs() -> dict[str, bytes]:
    """Inputs of the target ``jpeg``: small pictures of every kind, whole and damaged."""
    found = {}
    for sampling in SAMPLINGS:
        name = sampling.replace(":", "")
        found[name] = make_sampled(1, 21, 18, sampling)[0]
        found[f"{name}-progressive"] = make_sampled(2, 16, 24, sampling, progressive=True)[0]
        found[f"{name}-restart"] = make_sampled(3, 40, 20, sampling, restart_marker_blocks=2)[0]
    for mode in ("L", "CMYK"):
        found[mode] = make_jpeg(4, 19, 13, mode)
        found[f"{mode}-progressive"] = make_jpeg(4, 19, 13, mode, progressive=True)
    whole = make_jpeg(5, 33, 17, subsampling=2, optimize=True)
    found |= {
        "cut": whole[:-30],
        "no-end": whole[:-2],
        "flat": make_jpeg(6, 8, 8, quality=1),
        "fine": make_jpeg(7, 9, 9, quality=100),
        "marker-in-scan": whole[:-40] + b"\xff\xd3" + whole[-38:],
        "wide": make_jpeg(8, 300, 1),
        "tall": make_jpeg(8, 1, 300),
    }
    for mode in ("1", "L", "P", "RGB", "RGBA", "I;16"):
        buffer = io.BytesIO()
        Image.new(mode, (5, 4)).save(buffer, "PNG")
        found[f"png-{mode.replace(';', '')}"] = buffer.getvalue()
    return found


def main() -> None:
    """Writes the inputs of all targets."""
    for target, inputs in {
        "gzip": gzips(),
        "deflate": deflates(),
        "tar": all_tars(),
        "index": indexes(),
        "jpeg": jpegs(),
    }.items():
        folder = ROOT / "corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in inputs.items():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
