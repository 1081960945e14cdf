"""PyTurboJPEG: libjpeg-turbo by ctypes, the system's or that of another wheel."""

import importlib.util
import sysconfig
from pathlib import Path

PACKAGES = Path(sysconfig.get_path("purelib"))


def _load():
    # The wheel `turbojpeg`, which has the library, has a module of the same name too.
    spec = importlib.util.spec_from_file_location("pyturbojpeg", PACKAGES / "turbojpeg.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    libraries = sorted(PACKAGES.glob("turbojpeg.libs/libturbojpeg*.so*"))
    return module, module.TurboJPEG(*map(str, libraries[:1]))


HEADER = {
    "name": "PyTurboJPEG",
    "distribution": "PyTurboJPEG",
    # Its own wheel has no library; the other one has libjpeg-turbo 3.0.
    "requirements": ["PyTurboJPEG>=2", "turbojpeg", "numpy"],
    "python": ["3.10", "3.12"],
    "does": "decode to RGB; at an eighth by scaling_factor.",
    "notes": {"decode": "libjpeg-turbo 3.0", "entropy": "libjpeg-turbo 3.0"},
    "cannot": {
        "random_crop": "resizes nothing",
        "central_crop": "resizes nothing",
    },
}

MODULE, JPEG = _load()


def decode(files):
    """Whole images."""
    return [JPEG.decode(file, pixel_format=MODULE.TJPF_RGB) for file in files]


def entropy(files):
    """An eighth of the size."""
    return [
        JPEG.decode(file, pixel_format=MODULE.TJPF_RGB, scaling_factor=(1, 8)) for file in files
    ]


random_crop = None
central_crop = None
