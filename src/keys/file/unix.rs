//! Key files on Unix: modes, owners and links.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::StatVfsMountFlags;

/// Creates a file for its owner alone.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let metadata = file.metadata()?;
    if !is_mine(&metadata) || is_open_to_others(path, &metadata) {
        // It is empty, and the error is reported.
        let _ = std::fs::remove_file(path);
        return Err(io::Error::other(
            "on this file system it belongs to another user, or others can read it",
        ));
    }
    Ok(file)
}

/// Opens without following a link and without waiting for the other end of a pipe.
pub(super) fn open_in_place(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
}

pub(crate) fn is_mine(metadata: &Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw()
}

pub(super) fn is_open_to_others(_: &Path, metadata: &Metadata) -> bool {
    metadata.mode() & 0o077 != 0
}

pub(super) fn can_be_restricted(path: &Path, metadata: &Metadata) -> bool {
    // A link `..data` leads to the directory that the kubelet wrote last, `..2026_11_27_…`.
    let is_projected = path.canonicalize().is_ok_and(|target| {
        target
            .parent()
            .and_then(Path::file_name)
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b".."))
    });
    let is_read_only = rustix::fs::statvfs(path)
        .is_ok_and(|system| system.f_flag.contains(StatVfsMountFlags::RDONLY));
    is_mine(metadata) && !is_read_only && !is_projected
}

/// An open file never prevents others from opening it.
pub(crate) fn is_in_use(_: &io::Error) -> bool {
    false
}

pub(super) fn is_writable_by_everyone(folder: &Metadata) -> bool {
    const WRITABLE_BY_OTHERS: u32 = 0o002;
    const STICKY: u32 = 0o1000;
    folder.mode() & WRITABLE_BY_OTHERS != 0 && folder.mode() & STICKY == 0
}

pub(super) fn is_same(a: &Metadata, b: &Metadata) -> bool {
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
