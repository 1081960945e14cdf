//! The members of an archive from front to back, for Python.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyIterator, PyString, PyTuple};

use ptarmigan_core::Error;
use ptarmigan_core::archive::stream::{End, Missing, PushedStream, Stream, StreamedMember, Turn};

use crate::run::run;

/// How long a wait for a member may put off the handling of Ctrl-C.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(100);

/// Bytes that a Python object is asked for at once.
const READ_BYTES: usize = 1 << 20;

/// The members of a path or a pipe, or of what a Python object's `read` returns.
#[pyclass(name = "Stream", module = "ptarmigan._core", frozen)]
pub(crate) struct PyStream {
    source: Mutex<Source>,
    /// The process that may go on.
    process: u32,
}

enum Source {
    Threads(Stream),
    /// Read by the caller's thread: one that waits in Python could not be left behind when the
    /// interpreter ends.
    Object(Py<PyAny>, Box<PushedStream>),
    Ended(Option<End>),
}

#[pymethods]
impl PyStream {
    #[staticmethod]
    fn of_path(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        run(py, || Stream::of_path(&path)).map(|stream| Self::new(Source::Threads(stream)))
    }

    /// The members in `head` and then in `pipe`, a path such as `/dev/fd/0`.
    #[staticmethod]
    fn of_pipe(py: Python<'_>, head: Vec<u8>, pipe: PathBuf, name: PathBuf) -> PyResult<Self> {
        run(py, || {
            let rest = File::open(&pipe).map_err(|error| Error::io(error, &pipe))?;
            let reader = Box::new(io::Cursor::new(head).chain(rest));
            Ok(Self::new(Source::Threads(Stream::of_reader(reader, &name))))
        })
    }

    /// The members in what `source`, an object with `read`, returns.
    #[staticmethod]
    fn of_object(source: Py<PyAny>, name: PathBuf) -> Self {
        Self::new(Source::Object(source, Box::new(PushedStream::new(name))))
    }

    /// The next member, or None behind the last one.
    fn next(&self, py: Python<'_>) -> PyResult<Option<PyMember>> {
        self.take()?.next(py)
    }

    /// Ends the threads, if there are any.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let mut source = self.take()?;
        if !matches!(*source, Source::Ended(_)) {
            let open = std::mem::replace(&mut *source, Source::Ended(None));
            py.detach(|| drop(open));
        }
        Ok(())
    }

    /// Whether the tar ended with its end mark, and why members may be missing; None before the
    /// end, and after an error.
    #[getter]
    fn end(&self) -> Option<(bool, Option<String>)> {
        match &*self.free()? {
            Source::Ended(Some(end)) => Some((end.complete, end.stopped.clone())),
            _ => None,
        }
    }
}

impl PyStream {
    fn new(source: Source) -> Self {
        Self {
            source: Mutex::new(source),
            process: std::process::id(),
        }
    }

    /// The source, unless a thread takes the next member: that may wait for the GIL.
    fn free(&self) -> Option<MutexGuard<'_, Source>> {
        match self.source.try_lock() {
            Ok(source) => Some(source),
            Err(TryLockError::Poisoned(source)) => Some(source.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn take(&self) -> PyResult<MutexGuard<'_, Source>> {
        if self.process != std::process::id() {
            return Err(PyRuntimeError::new_err(
                "this stream belongs to the process that was forked; its threads are not here: \
                 call `stream` again in this process",
            ));
        }
        self.free().ok_or_else(|| {
            PyRuntimeError::new_err("another thread takes a member of this stream just now")
        })
    }
}

impl Source {
    /// The next member; an error comes once, and behind it is nothing.
    fn next(&mut self, py: Python<'_>) -> PyResult<Option<PyMember>> {
        loop {
            let turn = match self {
                Self::Threads(stream) => run(py, || stream.next(SIGNAL_INTERVAL)),
                Self::Object(_, stream) => run(py, || stream.turn()),
                Self::Ended(_) => return Ok(None),
            };
            match (turn, &mut *self) {
                (Ok(Turn::Member(member)), _) => return PyMember::new(py, *member).map(Some),
                (Ok(Turn::NotYet), Self::Object(object, stream)) => {
                    read_more(object.bind(py), stream)?;
                }
                (Ok(Turn::NotYet), _) => py.check_signals()?,
                (Ok(Turn::End(end)), _) => *self = Self::Ended(Some(end)),
                (Err(error), _) => {
                    *self = Self::Ended(None);
                    return Err(error);
                }
            }
        }
    }
}

fn read_more(object: &Bound<'_, PyAny>, stream: &mut PushedStream) -> PyResult<()> {
    let data = object.call_method1("read", (READ_BYTES,))?;
    let data = data.cast::<PyBytes>()?.as_bytes();
    if data.is_empty() {
        stream.finish();
    } else {
        stream.push(data);
    }
    Ok(())
}

/// One member; the numbers are those of the rows of `Archive.members`.
#[pyclass(name = "StreamedMember", module = "ptarmigan._core", frozen, get_all)]
pub(crate) struct PyMember {
    name: Py<PyString>,
    data: Option<Py<PyBytes>>,
    reason: Option<String>,
    link: Option<Py<PyString>>,
    tar_offset: u64,
    size: u64,
    crc32: u32,
    width: u32,
    height: u32,
    sampling: u32,
    restart_interval: u16,
    components: u8,
    sof: u8,
    precision: u8,
    orientation: u8,
    format: u8,
    adobe: u8,
}

impl PyMember {
    fn new(py: Python<'_>, member: StreamedMember) -> PyResult<Self> {
        let reason = member.data.as_ref().err().map(Missing::to_string);
        let link = match &member.data {
            Err(Missing::Link { target }) => Some(text(py, target)?),
            _ => None,
        };
        let image = member.image;
        Ok(Self {
            name: text(py, &member.name)?,
            data: member
                .data
                .ok()
                .map(|data| PyBytes::new(py, &data).unbind()),
            reason,
            link,
            tar_offset: member.tar_offset,
            size: member.size,
            crc32: member.crc32,
            width: image.width,
            height: image.height,
            sampling: image.sampling,
            restart_interval: image.restart_interval,
            components: image.components,
            sof: image.sof,
            precision: image.precision,
            orientation: image.orientation,
            format: image.format as u8,
            adobe: image.adobe,
        })
    }
}

#[pymethods]
impl PyMember {
    /// So that `name, data = member`.
    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        PyTuple::new(
            py,
            [
                Some(self.name.bind(py).as_any()),
                self.data.as_ref().map(|data| data.bind(py).as_any()),
            ],
        )?
        .try_iter()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let name = self.name.bind(py).repr()?;
        Ok(format!("<StreamedMember name={name} size={}>", self.size))
    }
}

/// A name as `os.fsdecode` has it.
fn text(py: Python<'_>, name: &[u8]) -> PyResult<Py<PyString>> {
    if let Ok(name) = std::str::from_utf8(name) {
        return Ok(PyString::new(py, name).unbind());
    }
    let name = PyBytes::new(py, name).call_method1("decode", ("utf-8", "surrogateescape"))?;
    Ok(name.cast_into::<PyString>()?.unbind())
}
