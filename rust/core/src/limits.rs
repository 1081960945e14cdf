//! Every bound on untrusted input, in one place, with its reason.

/// Longest member name or link target that a tar header chain may carry, in bytes.
///
/// Linux refuses longer paths (`PATH_MAX`); a longer one is an attempt to exhaust memory.
pub const MEMBER_NAME_BYTES: u64 = 4096;

/// Largest pax or GNU extension record, in bytes (GNU tar and tar-core stop at 1 MiB too).
pub const TAR_EXTENSION_BYTES: u64 = 1 << 20;

/// Largest member that is read into memory, in bytes.
pub const MEMBER_BYTES: u64 = 1 << 31;

/// Most members in one archive; member numbers are stored as 32-bit integers.
pub const MEMBERS: u64 = (1 << 31) - 1;

/// Most sections of an index; there are 22, and later writers may add some.
pub const INDEX_SECTIONS: usize = 256;

/// Longest window in an index, in bytes: 9 bytes of form, 3 with the number of runs, 32 KiB, and for
/// every two bytes of them a run of at most 6 bytes of numbers.
pub const INDEX_WINDOW_BYTES: usize = 9 + 3 + 32768 + 16384 * 6;

/// Most pixels of one image: Pillow's own error limit, twice `Image.MAX_IMAGE_PIXELS`.
pub const IMAGE_PIXELS: u64 = 178_956_970;

/// Most scans of one progressive image; real files have about ten, attacks have thousands.
pub const IMAGE_SCANS: u32 = 500;

/// Most segments of a JPEG, scans apart: real files have tens, ICC profiles and XMP in
/// parts add some hundreds.
pub const IMAGE_SEGMENTS: u32 = 10_000;

/// Most bytes kept of one segment of a JPEG: EXIF's orientation is in the first directory, in
/// practice within 1 KiB, and no other segment that is read is longer.
pub const IMAGE_SEGMENT_BYTES: usize = 4096;

/// Most bytes that a compressed text or colour profile of a PNG may grow to: Pillow's own limit
/// (`MAX_TEXT_CHUNK`).
pub const PNG_TEXT_BYTES: usize = 1 << 20;

/// Most letters of all texts of a PNG: Pillow's own limit (`MAX_TEXT_MEMORY`).
pub const PNG_TEXTS_BYTES: u64 = 64 << 20;

/// Largest annotation JSON after decompression, in bytes (2021's is about 1.3 GB).
pub const ANNOTATION_BYTES: u64 = 4 << 30;

/// Longest record of an annotation file, in bytes; real ones have some hundreds.
pub const ANNOTATION_RECORD_BYTES: usize = 16 << 20;

/// Most different keys of the records of an annotation file, known ones apart; 2021 has four.
pub const ANNOTATION_KEYS: usize = 256;

/// Most values under keys that have no column of their own: 2021 has 11 million.
pub const ANNOTATION_CELLS: usize = 1 << 28;
/// Largest file of detections, in bytes: 100 detections for each of 100,000 images need about 1 GB.
pub const DETECTION_BYTES: u64 = 32 << 30;

/// Farthest that a box may reach in any direction, in pixels: sums and products of such numbers are
/// finite, so that every overlap is a number.
pub const BOX_PIXELS: f64 = 1e9;

/// Most pairs of a detection and a true box of one image and class: 8 bytes each. Real images have
/// some hundreds of boxes.
pub const BOX_PAIRS: usize = 1 << 24;

/// Longest line of a submission, in bytes: an id and a few labels need 100.
pub const SUBMISSION_LINE_BYTES: usize = 1 << 16;

/// Longest field of a CSV file in the competition's own script, in characters: that of Python's
/// `csv.field_size_limit()`.
pub const CSV_FIELD_CHARACTERS: usize = 131_072;

/// Most draws of a bootstrap: each takes 8 bytes, and thousands are plenty.
pub const BOOTSTRAP_RESAMPLES: usize = 10_000_000;

/// Longest record of a pass's journal, in bytes: a window, a name with its target, a checkpoint.
pub const JOURNAL_RECORD_BYTES: u32 = 1 << 18;

/// Longest gzip header, in bytes: the name and the comment in it have no limit of their own.
pub const GZIP_HEADER_BYTES: u64 = 1 << 20;

/// Most output bytes between a seek point and its member; the pass makes points more often.
pub const READ_AHEAD_BYTES: u64 = 4 << 20;

/// Most bytes of the archive that one positional read takes for several members that lie near each
/// other, so that they and what comes out of them stay in the second-level cache; one member alone
/// may need more.
pub const GROUP_BYTES: u64 = 512 << 10;

/// Most bytes that such members and what lies between them have when they are inflated.
pub const GROUP_OUTPUT_BYTES: u64 = 16 << 20;

/// Most bytes that come out of one byte of deflate: 258 from two codes of one bit (RFC 1951 3.2.5).
pub const DEFLATE_RATIO: u64 = 1032;

/// Most bytes of one photo's scan points: 20, and at most 12 for each of 8,192 points, which a photo
/// of 65,535 rows has.
pub const SCAN_POINTS_RECORD_BYTES: usize = 20 + 12 * 8192;

/// Most bytes of scan points that are kept in memory because they cannot be written to a file.
pub const SCAN_POINTS_MEMORY_BYTES: usize = 256 << 20;

/// Most bytes of a file of scan points, unless a fiftieth of the archive is more.
pub const SCAN_POINTS_FILE_BYTES: u64 = 64 << 20;
