"""DALI on the processor: pipelines that decode only the region of a crop."""

import functools

import numpy as np
from nvidia.dali import fn, pipeline_def, types

HEADER = {
    "name": "DALI (CPU)",
    "distribution": "nvidia-dali-cuda130",
    "requirements": ["nvidia-dali-cuda130>=2", "numpy"],
    "python": ["3.10", None],
    "does": "decoders.image, decoders.image_slice for the boxes, resize with antialias=True; one "
    "thread, nothing prepared ahead of the call.",
    "notes": {"central_crop": "the middle of some photos of odd size is a pixel aside"},
    "cannot": {"entropy": "decodes at full size only"},
}


def _encoded():
    return fn.external_source(name="encoded", dtype=types.UINT8, ndim=1)


def _decoder():
    return fn.decoders.image(_encoded(), device="cpu", output_type=types.RGB)


def _whole():
    return _decoder()


def _boxes(size):
    corner = fn.external_source(name="corner", dtype=types.INT32, ndim=1)
    extent = fn.external_source(name="extent", dtype=types.INT32, ndim=1)
    mirror = fn.external_source(name="mirror", dtype=types.INT32, ndim=0)
    part = fn.decoders.image_slice(
        _encoded(),
        device="cpu",
        output_type=types.RGB,
        start=corner,
        shape=extent,
        axis_names="WH",
    )
    part = fn.resize(part, size=(size, size), interp_type=types.INTERP_LINEAR, antialias=True)
    return fn.flip(part, horizontal=mirror)


def _middle(resize, size):
    photo = fn.resize(
        _decoder(), resize_shorter=resize, interp_type=types.INTERP_LINEAR, antialias=True
    )
    # The default rounding puts the middle of a photo of odd width a pixel aside of the others'.
    return fn.crop(photo, crop=(size, size), rounding="truncate")


@functools.cache
def _pipeline(work, count, *sizes):
    # Neither ahead of the call nor beside it, or the time would not be the call's.
    @pipeline_def(
        batch_size=count, num_threads=1, device_id=None, exec_async=False, exec_pipelined=False,
        prefetch_queue_depth=1,
    )  # fmt: skip
    def pipeline():
        return work(*sizes)

    made = pipeline()
    made.build()
    return made


def _run(pipeline, files, **inputs):
    pipeline.feed_input("encoded", [np.frombuffer(file, np.uint8) for file in files])
    for name, values in inputs.items():
        pipeline.feed_input(name, values)
    (images,) = pipeline.run()
    return images


def decode(files):
    """Whole images."""
    images = _run(_pipeline(_whole, len(files)), files)
    return [np.asarray(images.at(place)) for place in range(len(files))]


def random_crop(files, boxes, size=224):
    """The boxes decoded, resized, mirrored where the box says so."""
    columns = np.array(boxes, np.int32)
    return _run(
        _pipeline(_boxes, len(files), size),
        files,
        corner=list(columns[:, :2]),
        extent=list(columns[:, 2:4]),
        mirror=list(columns[:, 4]),
    ).as_array()


def central_crop(files, resize=256, size=224):
    """Shorter side to ``resize``, then the middle."""
    return _run(_pipeline(_middle, len(files), resize, size), files).as_array()


entropy = None
