//! Archives and their indexes for Python.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use numpy::PyReadwriteArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use ptarmigan_core::archive::{self, Archive, Build, OpenOptions, hexadecimal};
use ptarmigan_core::export;
use ptarmigan_core::index::{Kind, Summary};
use ptarmigan_core::member;

use crate::member_file::PyMemberFile;
use crate::run::{run, run_with_progress};

#[pyclass(name = "Archive", module = "ptarmigan._core", frozen)]
pub(crate) struct PyArchive(pub(crate) Arc<Archive>);

#[pymethods]
impl PyArchive {
    #[staticmethod]
    fn open(
        py: Python<'_>,
        path: PathBuf,
        index_path: Option<PathBuf>,
        build: &str,
        expected_md5: Option<String>,
        md5: bool,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let build = match build {
            "auto" => Build::Auto,
            "never" => Build::Never,
            "rebuild" => Build::Rebuild,
            _ => {
                return Err(PyValueError::new_err(format!(
                    "expected build=\"auto\", \"never\" or \"rebuild\", found `{build}`"
                )));
            }
        };
        let options = OpenOptions {
            index_path,
            build,
            expected_md5,
            no_md5: !md5,
        };
        run_with_progress(py, progress, |report| {
            Archive::open(&path, &options, report)
        })
        .map(|archive| Self(Arc::new(archive)))
    }

    fn __len__(&self) -> usize {
        self.0.index().len()
    }

    fn find(&self, py: Python<'_>, name: &[u8]) -> PyResult<Option<usize>> {
        run(py, || self.0.index().find(name))
    }

    fn name<'py>(&self, py: Python<'py>, member: usize) -> PyResult<Bound<'py, PyBytes>> {
        let name = run(py, || self.0.index().name(member))?;
        Ok(PyBytes::new(py, &name))
    }

    fn joined_names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let names = run(py, || self.0.index().joined_names())?;
        Ok(PyBytes::new(py, &names))
    }

    fn fill_members(&self, py: Python<'_>, mut out: PyReadwriteArray1<'_, u8>) -> PyResult<()> {
        let out = out.as_slice_mut()?;
        run(py, || self.0.index().fill_members(out))
    }

    fn read(&self, py: Python<'_>, member: usize) -> PyResult<Py<PyBytes>> {
        run(py, || self.0.read_with(member, bytes))
    }

    fn read_many(
        &self,
        py: Python<'_>,
        members: Vec<usize>,
        threads: Option<usize>,
    ) -> PyResult<Vec<Py<PyBytes>>> {
        run_with_progress(py, None, |report| {
            member::read_many_with(&self.0, &members, threads, report, bytes)
        })
    }

    fn open_member(&self, py: Python<'_>, member: usize) -> PyResult<PyMemberFile> {
        PyMemberFile::open(py, Arc::clone(&self.0), member)
    }

    fn verify(
        &self,
        py: Python<'_>,
        threads: Option<usize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<VerifyReport> {
        let report = run_with_progress(py, progress, |report| {
            member::verify(&self.0, threads, report)
        })?;
        Ok(VerifyReport {
            members: report.members,
            bytes: report.bytes,
            bad: report
                .bad
                .iter()
                .map(|bad| (bad.0, bad.1.message().to_owned()))
                .collect(),
            md5: report.md5.map(|md5| hexadecimal(&md5)),
            md5_ok: report.md5_ok,
        })
    }

    #[getter]
    fn path(&self) -> &std::path::Path {
        self.0.path()
    }

    #[getter]
    fn index_path(&self) -> &std::path::Path {
        self.0.index().path()
    }

    #[getter]
    fn index_size(&self) -> u64 {
        self.0.index().file_size()
    }

    #[getter]
    fn kind(&self) -> &'static str {
        match self.0.index().summary().kind {
            Kind::Tar => "tar",
            Kind::Gzip => "tar.gz",
            Kind::Folder => "folder",
        }
    }

    #[getter]
    fn md5(&self) -> Option<String> {
        self.0.index().summary().md5.map(|md5| hexadecimal(&md5))
    }

    #[getter]
    fn complete(&self) -> bool {
        self.0.index().summary().complete
    }

    #[getter]
    fn stopped(&self) -> Option<&str> {
        self.0.index().summary().stopped.as_deref()
    }

    #[getter]
    fn total_bytes(&self) -> u64 {
        self.0.index().summary().bytes
    }

    #[getter]
    fn archive_bytes(&self) -> u64 {
        self.0.index().summary().stamp.size
    }

    #[getter]
    fn fingerprint(&self) -> u64 {
        self.0.index().fingerprint()
    }
}

/// `data` for Python, on whichever thread has it: so no copy waits to be made on one thread.
fn bytes(data: &[u8]) -> Py<PyBytes> {
    Python::attach(|py| PyBytes::new(py, data).unbind())
}

#[pyclass(module = "ptarmigan._core", frozen, get_all)]
pub(crate) struct VerifyReport {
    members: u64,
    bytes: u64,
    bad: Vec<(usize, String)>,
    md5: Option<String>,
    md5_ok: bool,
}

#[pyclass(module = "ptarmigan._core", frozen, get_all)]
pub(crate) struct IndexResult {
    members: u64,
    bytes: u64,
    md5: Option<String>,
    complete: bool,
    stopped: Option<String>,
}

impl From<Summary> for IndexResult {
    fn from(summary: Summary) -> Self {
        Self {
            members: summary.members,
            bytes: summary.bytes,
            md5: summary.md5.map(|md5| hexadecimal(&md5)),
            complete: summary.complete,
            stopped: summary.stopped,
        }
    }
}

#[pyfunction]
pub(crate) fn default_index_path(path: PathBuf) -> PathBuf {
    archive::default_index_path(&path)
}

#[pyfunction]
pub(crate) fn build_index(
    py: Python<'_>,
    path: PathBuf,
    index_path: Option<PathBuf>,
    expected_md5: Option<String>,
    md5: bool,
    progress: Option<Py<PyAny>>,
) -> PyResult<IndexResult> {
    let index_path = index_path.unwrap_or_else(|| archive::default_index_path(&path));
    run_with_progress(py, progress, |report| {
        archive::build_index(&path, &index_path, expected_md5.as_deref(), !md5, report)
    })
    .map(IndexResult::from)
}

/// Indexes the bytes `head` and then those of `pipe`, a path such as `/dev/fd/0`, or else of
/// `source`, an object with `read`.
#[pyfunction]
pub(crate) fn build_index_from(
    py: Python<'_>,
    head: Vec<u8>,
    pipe: Option<PathBuf>,
    source: Py<PyAny>,
    name: PathBuf,
    index_path: PathBuf,
    expected_md5: Option<String>,
    md5: bool,
    progress: Option<Py<PyAny>>,
) -> PyResult<IndexResult> {
    let rest: Box<dyn Read + Send> = match pipe {
        Some(pipe) => Box::new(std::fs::File::open(pipe)?),
        None => Box::new(PythonFile(source)),
    };
    let reader = Box::new(io::Cursor::new(head).chain(rest));
    run_with_progress(py, progress, |report| {
        let expected = expected_md5.as_deref();
        archive::build_index_from(reader, &name, &index_path, expected, !md5, report)
    })
    .map(IndexResult::from)
}

/// Writes the archive's index as another program has it; returns the number of points, the bytes
/// of the file and those of the archive without its compression.
#[pyfunction]
pub(crate) fn export_index(
    py: Python<'_>,
    archive: &PyArchive,
    path: PathBuf,
    kind: &str,
    spacing: u64,
    progress: Option<Py<PyAny>>,
) -> PyResult<(u64, u64, u64)> {
    if kind != "gztool" {
        return Err(PyValueError::new_err(format!(
            "expected format=\"gztool\", found `{kind}`"
        )));
    }
    run_with_progress(py, progress, |report| {
        export::gztool(&archive.0, &path, spacing, report)
    })
    .map(|exported| (exported.points, exported.bytes, exported.tar_bytes))
}

/// A Python object with `read(size) -> bytes`.
struct PythonFile(Py<PyAny>);

impl Read for PythonFile {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        Python::attach(|py| {
            let data = self.0.bind(py).call_method1("read", (out.len(),))?;
            let data = data.cast::<PyBytes>()?.as_bytes();
            let Some(place) = out.get_mut(..data.len()) else {
                return Err(PyValueError::new_err(
                    "`read` returned more bytes than asked for",
                ));
            };
            place.copy_from_slice(data);
            Ok(data.len())
        })
        .map_err(io::Error::other)
    }
}
